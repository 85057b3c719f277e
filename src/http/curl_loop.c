/*
 * The transport for real: one curl multi handle, driven by one thread. What it
 * carries is in curl_transfer.c.
 */
#include <curl/curl.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/scrub.h"
#include "base/timestamp.h"
#include "http/curl_easy.h"
#include "http/curl_socket.h"
#include "http/curl_transfer.h"
#include "http/http.h"
#include "http/loop.h"

struct curl_transport {
	struct http base;
	/* Immutable after new. */
	CURLM *multi;
	struct loop *loop;
	struct easy_pool *pool;
	struct transfers *transfers;
	pthread_t thread;
	bool stopped; /* the owner's: the thread was joined */
	/* Loop thread only. */
	struct sockets sockets;
	int64_t due_ms; /* curl wants to be called; LOOP_NEVER */
};

static struct curl_transport *transport_of(struct http *http)
{
	return (struct curl_transport *)http;
}

/* ---- the loop ---- */

static void perform(struct curl_transport *t, curl_socket_t fd, int events)
{
	int running;
	curl_multi_socket_action(t->multi, fd, events, &running);
	sockets_make_do(&t->sockets, t->multi);
	transfers_finish(t->transfers);
	transfers_sweep(t->transfers);
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
		transfers_sweep(t->transfers);
		perform_due(t);
		/* What that has started and cancelled is swept at once. */
		bool unswept = transfers_are_unswept(t->transfers);
		loop_wait(t->loop, unswept ? 0 : t->due_ms, on_ready, t);
	}
	return NULL;
}

/* ---- as http.h has it ---- */

static struct http_call *curl_start(struct http *http,
    const struct http_request *request, const struct http_sink *sink, void *ctx)
{
	return transfers_start(
	    transport_of(http)->transfers, request, sink, ctx);
}

static void curl_cancel(struct http *http, struct http_call *call)
{
	transfers_cancel(transport_of(http)->transfers, call);
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
	transfers_free(t->transfers);
	easy_pool_free(t->pool);
	curl_multi_cleanup(t->multi);
	loop_free(t->loop); /* after curl, which watched its connections */
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

int http_curl_connect_to(struct http *http, const char *path)
{
	return easy_pool_set_socket(transport_of(http)->pool, path);
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
	t->due_ms = LOOP_NEVER;
	t->multi = curl_multi_init();
	t->pool = easy_pool_new(cacert);
	if (!t->multi || !t->pool || loop_new(&t->loop) < 0)
		goto fail;
	t->transfers = transfers_new(t->multi, t->pool, &t->sockets);
	if (!t->transfers)
		goto fail;
	/* Whoever asks sees to it that so many are for the API at once, and so
	 * many for the store: where these are one host, it has both. */
	curl_multi_setopt(
	    t->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)connections * 2);
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
