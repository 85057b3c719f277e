#include "http/curl_transfer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

#include "base/cleanup.h"
#include "http/curl_easy.h"
#include "http/curl_socket.h"
#include "http/head.h"

struct transfers {
	CURLM *multi;
	struct easy_pool *pool;
	struct sockets *sockets;
	TAILQ_HEAD(, http_call) calls;
	bool unswept; /* some call is cancelled or not yet added */
};

struct http_call {
	struct transfers *transfers;
	CURL *easy;
	struct curl_slist *headers;
	const struct http_sink *sink;
	void *ctx;
	struct http_head head;
	struct socket_wish socket;
	int64_t silence_ms; /* it bears no more of */
	int sink_err;
	bool head_whole; /* its blank line has come */
	bool head_given;
	bool added;	/* the multi handle knows it */
	bool cancelled; /* only waits to be swept */
	char detail[CURL_ERROR_SIZE];
	TAILQ_ENTRY(http_call) link;
};

static void call_free(struct http_call *call)
{
	struct transfers *transfers = call->transfers;
	if (call->added)
		curl_multi_remove_handle(transfers->multi, call->easy);
	easy_give(transfers->pool, call->easy);
	curl_slist_free_all(call->headers);
	TAILQ_REMOVE(&transfers->calls, call, link);
	free(call);
}

/* ---- its answer ---- */

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
	/* Of a redirect, which may be long, the beginning is enough; of what is
	 * missing, that it is said at all. */
	if (len >= sizeof(line) &&
	    (strncasecmp(data, "Location:", 9) == 0 ||
		strncasecmp(data, "X-Incomplete:", 13) == 0))
		part = sizeof(line) - 1;
	if (part >= sizeof(line))
		return len;
	memcpy(line, data, part);
	line[part] = '\0';
	if (strncmp(line, "HTTP/", 5) == 0) {
		/* A further answer: only it counts. */
		http_head_begin(&call->head);
		call->head_whole = false;
	} else {
		const char *value = http_head_parse(&call->head, line);
		if (value && call->sink->field)
			call->sink->field(call->ctx, line, value);
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

/* ---- its end ---- */

static int error_of(struct http_call *call, CURLcode code)
{
	long sent = 0;
	if (code != CURLE_OK && call->socket.err)
		return call->socket.err;
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

static void call_finish(struct http_call *call, CURLcode code)
{
	int err = error_of(call, code);
	if (code == CURLE_OPERATION_TIMEDOUT)
		socket_end_if_mute(call->easy, call->silence_ms);
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

/* ---- its beginning ---- */

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

/* What of it is heard, and where. */
static void set_sink(struct http_call *call)
{
	CURL *e = call->easy;
	curl_easy_setopt(e, CURLOPT_PRIVATE, call);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, call->detail);
	curl_easy_setopt(e, CURLOPT_HTTPHEADER, call->headers);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, call);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, call);
	socket_attach(e, &call->socket);
}

struct http_call *transfers_start(struct transfers *transfers,
    const struct http_request *request, const struct http_sink *sink, void *ctx)
{
	if (!http_url_is_http(request->url))
		return NULL;
	struct http_call *call = calloc(1, sizeof(*call));
	if (!call)
		return NULL;
	*call = (struct http_call){.transfers = transfers,
	    .easy = easy_take(transfers->pool, request),
	    .socket = {.sockets = transfers->sockets},
	    .silence_ms =
		request->silence_ms ? request->silence_ms : HTTP_SILENCE_MS,
	    .sink = sink,
	    .ctx = ctx};
	if (!call->easy) {
		free(call);
		return NULL;
	}
	http_head_reset(&call->head);
	TAILQ_INSERT_TAIL(&transfers->calls, call, link);
	if (add_headers(call, request) < 0) {
		call_free(call);
		return NULL;
	}
	set_sink(call);
	transfers->unswept = true; /* at the loop's next look: no callback
				      before */
	return call;
}

void transfers_cancel(struct transfers *transfers, struct http_call *call)
{
	call->cancelled = true;
	transfers->unswept = true;
}

/* ---- all of them ---- */

bool transfers_are_unswept(const struct transfers *transfers)
{
	return transfers->unswept;
}

void transfers_sweep(struct transfers *transfers)
{
	if (!transfers->unswept)
		return;
	transfers->unswept = false;
	struct http_call *next;
	for (struct http_call *call = TAILQ_FIRST(&transfers->calls); call;
	     call = next) {
		/* Whoever hears of a call's end may only mark others. */
		next = TAILQ_NEXT(call, link);
		if (call->cancelled) {
			call_free(call);
		} else if (!call->added) {
			call->added = curl_multi_add_handle(transfers->multi,
					  call->easy) == CURLM_OK;
			if (!call->added)
				call_finish(call, CURLE_OUT_OF_MEMORY);
		}
	}
}

void transfers_finish(struct transfers *transfers)
{
	CURLMsg *message;
	int left;
	while ((message = curl_multi_info_read(transfers->multi, &left))) {
		if (message->msg != CURLMSG_DONE)
			continue;
		struct http_call *call = NULL;
		CURLcode code = message->data.result;
		curl_easy_getinfo(
		    message->easy_handle, CURLINFO_PRIVATE, &call);
		call_finish(call, code);
	}
}

struct transfers *transfers_new(
    CURLM *multi, struct easy_pool *pool, struct sockets *sockets)
{
	struct transfers *transfers = calloc(1, sizeof(*transfers));
	if (!transfers)
		return NULL;
	transfers->multi = multi;
	transfers->pool = pool;
	transfers->sockets = sockets;
	TAILQ_INIT(&transfers->calls);
	return transfers;
}

void transfers_free(struct transfers *transfers)
{
	if (!transfers)
		return;
	struct http_call *call;
	while ((call = TAILQ_FIRST(&transfers->calls)))
		call_free(call);
	free(transfers);
}
