/*
 * The transport for real: one curl multi handle, driven by one thread.
 *
 * curl forbids adding or removing transfers from within its own callbacks, and
 * sinks are called from there. So while curl is performing, a start is queued
 * and a cancel only marks; both are carried out right after.
 */
#include "http/http.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

#include "base/buf.h"
#include "base/scrub.h"
#include "base/timestamp.h"
#include "http/head.h"
#include "http/loop.h"

/* Finished easy handles kept for the next transfers. */
#define IDLE_HANDLES_MAX 64

/* Receive buffers: small answers, and objects at line speed. */
#define BUFFER_API ((long)32 << 10)
#define BUFFER_OBJECT ((long)256 << 10)

struct http_call {
	struct curl_transport *transport;
	CURL *easy;
	struct curl_slist *headers;
	const struct http_sink *sink;
	void *ctx;
	struct http_head head;
	int sink_err;
	bool head_whole; /* its blank line has come */
	int socket_err;	 /* why there is no socket; 0 */
	bool head_given;
	bool added;	/* the multi handle knows it */
	bool cancelled; /* only waits to be swept */
	char detail[CURL_ERROR_SIZE];
	TAILQ_ENTRY(http_call) link;
};

struct curl_transport {
	struct http base;
	/* Immutable after new. */
	CURLM *multi;
	struct loop *loop;
	char *cacert;
	char *no_proxy; /* hosts that are spoken to directly */
	pthread_t thread;
	bool stopped; /* the owner's: the thread was joined */
	/* Loop thread only. */
	TAILQ_HEAD(, http_call) calls;
	int64_t due_ms; /* curl wants to be called; LOOP_NEVER */
	CURL *idle[IDLE_HANDLES_MAX];
	size_t idle_count;
	size_t sockets; /* open */
	bool short_of_sockets;
	bool performing;
	bool sweep; /* some call is cancelled or not yet added */
};

static struct curl_transport *transport_of(struct http *http)
{
	return (struct curl_transport *)http;
}

/* ---- URLs ---- */

/* One part of a parsed URL, to be freed by curl_free; NULL: it has none. */
static char *url_part(const char *url, CURLUPart part)
{
	char *text = NULL;
	CURLU *parsed = curl_url();
	if (parsed && curl_url_set(parsed, CURLUPART_URL, url,
			  CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK)
		curl_url_get(parsed, part, &text, 0);
	curl_url_cleanup(parsed);
	return text;
}

static bool host_is_loopback(const char *host)
{
	struct in_addr v4;
	if (strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
		return true;
	return inet_pton(AF_INET, host, &v4) == 1 &&
	       (ntohl(v4.s_addr) >> 24) == 127;
}

bool http_url_is_clear_remote(const char *url)
{
	char *scheme = url_part(url, CURLUPART_SCHEME);
	char *host = url_part(url, CURLUPART_HOST);
	bool remote = scheme && strcasecmp(scheme, "http") == 0 &&
		      !(host && host_is_loopback(host));
	curl_free(scheme);
	curl_free(host);
	return remote;
}

bool http_url_is_http(const char *url)
{
	char *scheme = url_part(url, CURLUPART_SCHEME);
	char *host = url_part(url, CURLUPART_HOST);
	bool http = scheme && host && *host &&
		    (strcasecmp(scheme, "http") == 0 ||
			strcasecmp(scheme, "https") == 0);
	curl_free(scheme);
	curl_free(host);
	return http;
}

const char *http_url_problem(const char *url)
{
	CURLU *parsed = curl_url();
	CURLUcode code = parsed ? curl_url_set(parsed, CURLUPART_URL, url,
				      CURLU_NON_SUPPORT_SCHEME)
				: CURLUE_OUT_OF_MEMORY;
	curl_url_cleanup(parsed);
	if (code != CURLUE_OK)
		return curl_url_strerror(code);
	if (!http_url_is_http(url))
		return "it is neither http nor https";
	if (http_url_is_clear_remote(url))
		return "http in the clear is for this machine only";
	return NULL;
}

/* ---- one call ---- */

static void call_free(struct http_call *call)
{
	struct curl_transport *t = call->transport;
	if (call->added)
		curl_multi_remove_handle(t->multi, call->easy);
	if (t->idle_count < IDLE_HANDLES_MAX) {
		curl_easy_reset(call->easy);
		t->idle[t->idle_count++] = call->easy;
	} else {
		curl_easy_cleanup(call->easy);
	}
	curl_slist_free_all(call->headers);
	TAILQ_REMOVE(&t->calls, call, link);
	free(call);
}

static size_t on_header(char *data, size_t size, size_t count, void *ctx)
{
	struct http_call *call = ctx;
	size_t len = size * count;
	char line[1024];
	if (call->cancelled)
		return CURL_WRITEFUNC_ERROR;
	size_t part = len;
	if (len > 0 && (data[0] == '\r' || data[0] == '\n'))
		call->head_whole = true;
	/* Of a redirect, which may be long, the beginning is enough. */
	if (len >= sizeof(line) && strncasecmp(data, "Location:", 9) == 0)
		part = sizeof(line) - 1;
	if (part >= sizeof(line))
		return len;
	memcpy(line, data, part);
	line[part] = '\0';
	if (strncmp(line, "HTTP/", 5) == 0) {
		/* A further answer: only it counts. */
		http_head_begin(&call->head, line);
		call->head_whole = false;
	} else {
		http_head_parse(&call->head, line);
	}
	return len;
}

static int give_head(struct http_call *call)
{
	if (call->head_given)
		return 0;
	call->head_given = true;
	long status = 0;
	curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	call->head.status = (int)status;
	return call->sink->head(call->ctx, &call->head);
}

static size_t on_body(char *data, size_t size, size_t count, void *ctx)
{
	struct http_call *call = ctx;
	size_t len = size * count;
	if (call->cancelled)
		return CURL_WRITEFUNC_ERROR;
	int r = give_head(call);
	if (r == 0 && !call->cancelled)
		r = call->sink->body(call->ctx, data, len);
	if (r == 0 && !call->cancelled)
		return len;
	call->sink_err = r;
	return CURL_WRITEFUNC_ERROR;
}

static int error_of(struct http_call *call, CURLcode code)
{
	long sent = 0;
	if (code != CURLE_OK && call->socket_err)
		return call->socket_err;
	switch (code) {
	case CURLE_OK:
		return 0;
	case CURLE_COULDNT_CONNECT:
		return -ECONNREFUSED;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return -EHOSTUNREACH;
	case CURLE_OPERATION_TIMEDOUT:
		curl_easy_getinfo(call->easy, CURLINFO_REQUEST_SIZE, &sent);
		return sent > 0 ? -EPIPE : -ETIMEDOUT;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_CACERT_BADFILE:
		return -EKEYREJECTED;
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_URL_MALFORMAT:
	case CURLE_TOO_MANY_REDIRECTS:
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_BAD_CONTENT_ENCODING:
	case CURLE_ABORTED_BY_CALLBACK: /* before_request's */
		return -EPROTO;
	case CURLE_OUT_OF_MEMORY:
		return -ENOMEM;
	case CURLE_WRITE_ERROR:
		return call->sink_err ? call->sink_err : -EPIPE;
	default:
		return -EPIPE;
	}
}

/* One line on how it ended, for a human. */
#define DETAIL_SIZE (CURL_ERROR_SIZE + sizeof((struct http_head){0}.location))

static void describe_end(
    const struct http_call *call, CURLcode code, int err, char *out)
{
	/* An attempt that curl made twice leaves words behind, too. */
	const char *words = !err	      ? ""
			    : call->detail[0] ? call->detail
			    : code == CURLE_OK
				? "the answer's head is cut short"
				: curl_easy_strerror(code);
	int n = 0;
	if (err == -EPROTO && call->head.location[0])
		n = snprintf(out, DETAIL_SIZE,
		    "it redirects to %s: ", call->head.location);
	snprintf(out + n, DETAIL_SIZE - (size_t)n, "%s", words);
}

/* A redirect may lead from this machine to http:// on another: nothing is sent
 * there in the clear. */
static int before_request(void *ctx, char *own_address, char *their_address,
    int own_port, int their_port)
{
	struct http_call *call = ctx;
	const char *url = NULL;
	(void)own_address;
	(void)their_address;
	(void)own_port;
	(void)their_port;
	curl_easy_getinfo(call->easy, CURLINFO_EFFECTIVE_URL, &url);
	return url && !http_url_is_clear_remote(url) ? CURL_PREREQFUNC_OK
						     : CURL_PREREQFUNC_ABORT;
}

static void call_finish(struct http_call *call, CURLcode code)
{
	int err = error_of(call, code);
	if (code == CURLE_ABORTED_BY_CALLBACK)
		strcpy(call->detail, "a redirect leads to http:// elsewhere");
	/* Where the connection ends within the head, curl is content. */
	if (err == 0 && !call->head_whole)
		err = -EPIPE;
	/* One that was done in the same turn may have cancelled it. */
	if (err == 0 && !call->cancelled)
		err = give_head(call);
	if (!call->cancelled) {
		const struct http_sink *sink = call->sink;
		void *ctx = call->ctx;
		char detail[DETAIL_SIZE];
		describe_end(call, code, err, detail);
		call_free(call);
		sink->done(ctx, err, detail);
		return;
	}
	call_free(call);
}

/* A server may take its time; a peer that is gone is found out by TCP. */
static int on_socket(void *ctx, curl_socket_t fd, curlsocktype purpose)
{
	unsigned gone_ms = HTTP_GONE_MS;
	(void)ctx, (void)purpose;
	setsockopt(
	    fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &gone_ms, sizeof(gone_ms));
	return CURL_SOCKOPT_OK;
}

/* Descriptors may be scarcer than the connections that we are allowed. */
static curl_socket_t open_socket(
    void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct http_call *call = ctx;
	(void)purpose;
	int fd = socket(address->family, address->socktype | SOCK_CLOEXEC,
	    address->protocol);
	if (fd < 0 && (errno == EMFILE || errno == ENFILE)) {
		call->socket_err = -errno;
		call->transport->short_of_sockets = true;
	}
	if (fd < 0)
		return CURL_SOCKET_BAD;
	call->socket_err = 0;
	call->transport->sockets++;
	return fd;
}

static int close_socket(void *ctx, curl_socket_t fd)
{
	struct curl_transport *t = ctx;
	t->sockets--;
	return close(fd);
}

/* From here on with as many as there are: further transfers wait for one of
 * these. */
static void make_do_with_sockets(struct curl_transport *t)
{
	if (!t->short_of_sockets)
		return;
	t->short_of_sockets = false;
	long count = t->sockets > 1 ? (long)t->sockets : 1;
	curl_multi_setopt(t->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, count);
	curl_multi_setopt(t->multi, CURLMOPT_MAXCONNECTS, count);
}

static void set_deadlines(CURL *e, int64_t silence_ms)
{
	if (!silence_ms)
		silence_ms = HTTP_SILENCE_MS;
	long connect_ms = HTTP_CONNECT_MS;
	if (silence_ms < connect_ms)
		connect_ms = (long)silence_ms;
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, connect_ms);
	curl_easy_setopt(e, CURLOPT_LOW_SPEED_LIMIT, (long)HTTP_DRIP_BYTES);
	curl_easy_setopt(
	    e, CURLOPT_LOW_SPEED_TIME, (long)((silence_ms + 999) / 1000));
	curl_easy_setopt(e, CURLOPT_SOCKOPTFUNCTION, on_socket);
	curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(e, CURLOPT_TCP_KEEPIDLE, (long)HTTP_GONE_MS / 3000);
	curl_easy_setopt(e, CURLOPT_TCP_KEEPINTVL, (long)HTTP_GONE_MS / 3000);
}

static void set_options(struct http_call *call, const struct http_request *r)
{
	struct curl_transport *t = call->transport;
	CURL *e = call->easy;
	bool tls = strncasecmp(r->url, "https:", 6) == 0;
	curl_easy_setopt(e, CURLOPT_URL, r->url);
	curl_easy_setopt(e, CURLOPT_PRIVATE, call);
	curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, call);
	curl_easy_setopt(e, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
	curl_easy_setopt(e, CURLOPT_CLOSESOCKETDATA, t);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, call->detail);
	curl_easy_setopt(e, CURLOPT_HTTPHEADER, call->headers);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, call);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, call);
	curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	/* A thread that asks for a name is left alone, not waited for. */
	curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	/* A redirect may not leave TLS, except where there was none. */
	curl_easy_setopt(
	    e, CURLOPT_REDIR_PROTOCOLS_STR, tls ? "https" : "http,https");
	curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, r->redirects ? 1L : 0L);
	curl_easy_setopt(e, CURLOPT_MAXREDIRS, (long)HTTP_REDIRECTS_MAX);
	curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, before_request);
	curl_easy_setopt(e, CURLOPT_PREREQDATA, call);
	curl_easy_setopt(e, CURLOPT_NOPROXY, t->no_proxy);
	/* What is meant for the server is not for the proxy on the way. */
	curl_easy_setopt(e, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS);
	/* Over TLS, wait and see whether the connection can be shared. */
	curl_easy_setopt(e, CURLOPT_PIPEWAIT, tls ? 1L : 0L);
	curl_easy_setopt(e, CURLOPT_USERAGENT, "bkendfs/" BKENDFS_VERSION);
	set_deadlines(e, r->silence_ms);
	curl_easy_setopt(
	    e, CURLOPT_BUFFERSIZE, r->compressed ? BUFFER_API : BUFFER_OBJECT);
	if (t->cacert) {
		curl_easy_setopt(e, CURLOPT_CAINFO, t->cacert);
		curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
	}
	/* On a kept connection that turns out to be closed, curl sends again
	 * by itself: right for what may be repeated, and only for that. */
	curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, r->fresh ? 1L : 0L);
	if (r->compressed)
		curl_easy_setopt(e, CURLOPT_ACCEPT_ENCODING, "");
	if (strcmp(r->method, "POST") == 0) {
		curl_easy_setopt(e, CURLOPT_POST, 1L);
		curl_easy_setopt(
		    e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body_len);
		curl_easy_setopt(
		    e, CURLOPT_COPYPOSTFIELDS, r->body ? r->body : "");
	}
}

/* Hand calls that were started meanwhile to curl; free the cancelled ones. */
static void sweep(struct curl_transport *t)
{
	if (!t->sweep)
		return;
	t->sweep = false;
	struct http_call *next;
	for (struct http_call *call = TAILQ_FIRST(&t->calls); call;
	     call = next) {
		/* Whoever hears of a call's end may only mark others. */
		next = TAILQ_NEXT(call, link);
		if (call->cancelled) {
			call_free(call);
		} else if (!call->added) {
			call->added = curl_multi_add_handle(
					  t->multi, call->easy) == CURLM_OK;
			if (!call->added)
				call_finish(call, CURLE_OUT_OF_MEMORY);
		}
	}
}

static int add_headers(struct http_call *call, const struct http_request *r)
{
	static const char *const quiet[] = {"Expect:", NULL};
	const char *const *lists[] = {quiet, r->headers};
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		for (const char *const *h = lists[i]; h && *h; h++) {
			struct curl_slist *more =
			    curl_slist_append(call->headers, *h);
			if (!more)
				return -ENOMEM;
			call->headers = more;
		}
	}
	return 0;
}

static struct http_call *curl_start(struct http *http,
    const struct http_request *request, const struct http_sink *sink, void *ctx)
{
	struct curl_transport *t = transport_of(http);
	if (!http_url_is_http(request->url))
		return NULL;
	struct http_call *call = calloc(1, sizeof(*call));
	if (!call)
		return NULL;
	call->easy =
	    t->idle_count ? t->idle[--t->idle_count] : curl_easy_init();
	if (!call->easy) {
		free(call);
		return NULL;
	}
	*call = (struct http_call){
	    .transport = t, .easy = call->easy, .sink = sink, .ctx = ctx};
	http_head_reset(&call->head);
	TAILQ_INSERT_TAIL(&t->calls, call, link);
	if (add_headers(call, request) < 0) {
		call_free(call);
		return NULL;
	}
	set_options(call, request);
	t->sweep = true; /* at the loop's next look: no callback before */
	return call;
}

static void curl_cancel(struct http *http, struct http_call *call)
{
	struct curl_transport *t = transport_of(http);
	call->cancelled = true;
	t->sweep = true;
}

/* ---- the loop ---- */

static void finish_calls(struct curl_transport *t)
{
	CURLMsg *message;
	int left;
	while ((message = curl_multi_info_read(t->multi, &left))) {
		if (message->msg != CURLMSG_DONE)
			continue;
		struct http_call *call = NULL;
		CURLcode code = message->data.result;
		curl_easy_getinfo(
		    message->easy_handle, CURLINFO_PRIVATE, &call);
		call_finish(call, code);
	}
}

static void perform(struct curl_transport *t, curl_socket_t fd, int events)
{
	int running;
	t->performing = true;
	curl_multi_socket_action(t->multi, fd, events, &running);
	t->performing = false;
	make_do_with_sockets(t);
	finish_calls(t);
	sweep(t);
}

/* What curl wants to do by now, such as to begin what it was given. Once: the
 * loop has others to serve. */
static void perform_due(struct curl_transport *t)
{
	if (t->due_ms > timestamp_mono_ms())
		return;
	t->due_ms = LOOP_NEVER;
	perform(t, CURL_SOCKET_TIMEOUT, 0);
}

/*
 * One connection after the other: as soon as an answer has come, the next
 * request leaves, before the answers on other connections are looked at. These
 * may take long to take in.
 */
static void on_ready(void *ctx, int fd, short events)
{
	int curl_events = 0;
	if (events & POLLIN)
		curl_events |= CURL_CSELECT_IN;
	if (events & POLLOUT)
		curl_events |= CURL_CSELECT_OUT;
	if (events & ~(POLLIN | POLLOUT))
		curl_events |= CURL_CSELECT_ERR;
	perform(ctx, fd, curl_events);
	perform_due(ctx);
}

static int on_watch(
    CURL *easy, curl_socket_t fd, int what, void *ctx, void *unused)
{
	struct curl_transport *t = ctx;
	(void)easy;
	(void)unused;
	short events = 0;
	if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
		events |= POLLIN;
	if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
		events |= POLLOUT;
	loop_watch(t->loop, fd, events);
	return 0;
}

static int on_timeout(CURLM *multi, long wait_ms, void *ctx)
{
	struct curl_transport *t = ctx;
	(void)multi;
	t->due_ms = wait_ms < 0 ? LOOP_NEVER : timestamp_mono_ms() + wait_ms;
	return 0;
}

static void *run(void *ctx)
{
	struct curl_transport *t = ctx;
	pthread_setname_np(pthread_self(), "http");
	while (loop_work(t->loop)) {
		sweep(t);
		perform_due(t);
		/* What that has started and cancelled is swept at once. */
		loop_wait(t->loop, t->sweep ? 0 : t->due_ms, on_ready, t);
	}
	return NULL;
}

static struct http_timer *curl_timer_start(
    struct http *http, int64_t delay_ms, void (*fn)(void *), void *ctx)
{
	return loop_timer_start(transport_of(http)->loop, delay_ms, fn, ctx);
}

static void curl_timer_stop(struct http *http, struct http_timer *timer)
{
	loop_timer_stop(transport_of(http)->loop, timer);
}

static void curl_post(struct http *http, struct http_task *task)
{
	loop_post(transport_of(http)->loop, task);
}

static int64_t curl_now(struct http *http)
{
	(void)http;
	return timestamp_mono_ms();
}

/* ---- life ---- */

static void transport_free(struct curl_transport *t)
{
	struct http_call *call;
	while ((call = TAILQ_FIRST(&t->calls)))
		call_free(call);
	while (t->idle_count)
		curl_easy_cleanup(t->idle[--t->idle_count]);
	curl_multi_cleanup(t->multi);
	loop_free(t->loop); /* after curl, which watched its connections */
	free(t->cacert);
	free(t->no_proxy);
	free(t);
}

static void curl_stop(struct http *http)
{
	struct curl_transport *t = transport_of(http);
	if (t->stopped)
		return;
	t->stopped = true;
	loop_end(t->loop);
	pthread_join(t->thread, NULL);
	loop_work(t->loop);
}

static void curl_free_transport(struct http *http)
{
	curl_stop(http);
	transport_free(transport_of(http));
}

static const struct http_vtable curl_vtable = {
    .start = curl_start,
    .cancel = curl_cancel,
    .post = curl_post,
    .timer_start = curl_timer_start,
    .timer_stop = curl_timer_stop,
    .now = curl_now,
    .stop = curl_stop,
    .free = curl_free_transport,
};

/*
 * The hosts that need no proxy: this machine, whatever the environment says. A
 * proxy elsewhere could not even reach it, but would be told the key. What the
 * environment names comes on top, since curl asks one list only. NULL when out
 * of memory.
 */
static char *hosts_without_proxy(void)
{
	static const char loopback[] = "localhost,127.0.0.0/8,::1";
	const char *more = getenv("no_proxy");
	char *list;
	if (!more)
		more = getenv("NO_PROXY");
	/* All hosts, which is only known by standing alone. */
	if (more && strcmp(more, "*") == 0)
		return strdup(more);
	return asprintf(&list, "%s%s%s", loopback, more ? "," : "",
		   more ? more : "") < 0
		   ? NULL
		   : list;
}

int http_curl_new(
    unsigned connections, const char *cacert, struct http **ret_http)
{
	if (cacert && access(cacert, R_OK) < 0)
		return -errno;
	/* What is sent and received goes through curl's memory: the key, the
	 * password, tokens. Nothing of it is left behind. */
	if (curl_global_init_mem(CURL_GLOBAL_ALL, malloc, scrub_free,
		scrub_realloc, strdup, calloc) != CURLE_OK)
		return -ENOMEM;
	struct curl_transport *t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->base.vtable = &curl_vtable;
	TAILQ_INIT(&t->calls);
	t->due_ms = LOOP_NEVER;
	t->multi = curl_multi_init();
	t->cacert = cacert ? strdup(cacert) : NULL;
	t->no_proxy = hosts_without_proxy();
	if (!t->multi || (cacert && !t->cacert) || !t->no_proxy ||
	    loop_new(&t->loop) < 0)
		goto fail;
	curl_multi_setopt(
	    t->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)connections);
	curl_multi_setopt(
	    t->multi, CURLMOPT_MAXCONNECTS, (long)connections * 2 + 4);
	curl_multi_setopt(t->multi, CURLMOPT_SOCKETFUNCTION, on_watch);
	curl_multi_setopt(t->multi, CURLMOPT_SOCKETDATA, t);
	curl_multi_setopt(t->multi, CURLMOPT_TIMERFUNCTION, on_timeout);
	curl_multi_setopt(t->multi, CURLMOPT_TIMERDATA, t);
	if (pthread_create(&t->thread, NULL, run, t) != 0)
		goto fail;
	*ret_http = &t->base;
	return 0;
fail:
	transport_free(t);
	return -ENOMEM;
}
