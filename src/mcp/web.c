#include "mcp/web.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

#include "base/lock.h"
#include "base/timestamp.h"
#include "mcp/sse.h"

#define HEADERS_MAX 8

/*
 * One request. It belongs to the loop from when it is posted until it is done;
 * who waits for it may leave before (then the loop frees it at its end).
 */
struct errand {
	struct http_task task;
	struct web *web;
	/* Owned, immutable. */
	const char *method;
	char *url;
	char *headers[HEADERS_MAX + 1];
	char *body;
	struct web_request request; /* the rest of it: no pointers */
	/* The loop's. */
	struct http_call *call;
	struct http_timer *timer;
	struct sse *sse; /* the answer is a stream of events */
	bool streams;	 /* Content-Type says so */
	bool found;	 /* the event that is wanted has come */
	/* The loop's until done, then of who waits. */
	struct web_answer answer;
	int err;
	/* Under the web's lock. */
	bool done;
	bool left;
	LIST_ENTRY(errand) link;
};

struct web {
	struct http *http;
	struct lock lock;
	pthread_cond_t news;
	/* Under lock. */
	bool cancelled;
	LIST_HEAD(, errand) errands;
};

struct web *web_new(struct http *http)
{
	struct web *web = calloc(1, sizeof(*web));
	if (!web)
		return NULL;
	web->http = http;
	lock_init(&web->lock);
	pthread_cond_init(&web->news, NULL);
	LIST_INIT(&web->errands);
	return web;
}

static void errand_free(struct errand *errand)
{
	for (size_t i = 0; i < HEADERS_MAX; i++)
		free_secret(errand->headers[i]);
	free_secret(errand->url);
	free_secret(errand->body);
	sse_free(errand->sse);
	web_answer_done(&errand->answer);
	free(errand);
}

void web_free(struct web *web)
{
	struct errand *errand;
	if (!web)
		return;
	while ((errand = LIST_FIRST(&web->errands))) {
		LIST_REMOVE(errand, link);
		errand_free(errand);
	}
	pthread_cond_destroy(&web->news);
	lock_done(&web->lock);
	free(web);
}

void web_cancel(struct web *web)
{
	lock_acquire(&web->lock);
	web->cancelled = true;
	pthread_cond_broadcast(&web->news);
	lock_release(&web->lock);
}

void web_answer_done(struct web_answer *answer)
{
	buf_done(&answer->body);
}

int web_pause(struct web *web, int64_t ms)
{
	int64_t until = timestamp_mono_ms() + ms, left;
	lock_acquire(&web->lock);
	while (!web->cancelled && (left = until - timestamp_mono_ms()) > 0)
		lock_wait_ms(&web->lock, &web->news, left);
	int r = web->cancelled ? -ECANCELED : 0;
	lock_release(&web->lock);
	return r;
}

/* ---- on the loop ---- */

static void finish(struct errand *errand, int err)
{
	struct web *web = errand->web;
	http_timer_stop(web->http, errand->timer);
	errand->timer = NULL;
	errand->call = NULL;
	errand->err = err;
	lock_acquire(&web->lock);
	errand->done = true;
	bool left = errand->left;
	LIST_REMOVE(errand, link);
	pthread_cond_broadcast(&web->news);
	lock_release(&web->lock);
	if (left)
		errand_free(errand);
}

static int on_event(void *ctx, const char *text, size_t len)
{
	struct errand *errand = ctx;
	const struct web_request *request = &errand->request;
	if (!request->wanted(text, len, request->id))
		return 0;
	int r = buf_add(&errand->answer.body, text, len);
	errand->found = r == 0;
	return r < 0 ? r : 1;
}

static int on_head(void *ctx, const struct http_head *head)
{
	struct errand *errand = ctx;
	errand->answer.status = head->status;
	errand->answer.retry_after_ms = head->retry_after_ms;
	if (!errand->streams || !errand->request.wanted)
		return 0;
	return sse_new(errand->request.max, on_event, errand, &errand->sse);
}

static int on_body(void *ctx, const void *data, size_t len)
{
	struct errand *errand = ctx;
	if (!errand->sse)
		return buf_add(&errand->answer.body, data, len);
	int r = sse_feed(errand->sse, data, len);
	return r == 1 ? -EALREADY : r;
}

static void on_done(void *ctx, int err, const char *detail)
{
	struct errand *errand = ctx;
	snprintf(
	    errand->answer.detail, sizeof(errand->answer.detail), "%s", detail);
	if (errand->found)
		err = 0;
	else if (!err && errand->sse)
		err = -EPROTO;
	finish(errand, err);
}

/* It goes into a header line again. */
static bool is_fit(const char *value)
{
	for (const char *c = value; *c; c++) {
		if (*c <= ' ' || *c > '~')
			return false;
	}
	return strlen(value) < sizeof(((struct web_answer *)0)->session);
}

static void on_field(void *ctx, const char *name, const char *value)
{
	struct errand *errand = ctx;
	if (strcasecmp(name, "Mcp-Session-Id") == 0 && is_fit(value))
		snprintf(errand->answer.session, sizeof(errand->answer.session),
		    "%s", value);
	else if (strcasecmp(name, "Content-Type") == 0)
		errand->streams =
		    strncasecmp(value, "text/event-stream", 17) == 0;
}

static void on_late(void *ctx)
{
	struct errand *errand = ctx;
	errand->timer = NULL;
	http_cancel(errand->web->http, errand->call);
	finish(errand, -ETIME);
}

static void begin(void *ctx)
{
	static const struct http_sink sink = {.head = on_head,
	    .body = on_body,
	    .done = on_done,
	    .field = on_field};
	struct errand *errand = ctx;
	struct http *http = errand->web->http;
	struct http_request request = {
	    .method = errand->method,
	    .url = errand->url,
	    .headers = (const char *const *)errand->headers,
	    .body = errand->body,
	    .body_len = errand->body ? strlen(errand->body) : 0,
	    .compressed = true,
	    .fresh = errand->request.once,
	};
	errand->timer = http_timer_start(
	    http, errand->request.patience_ms, on_late, errand);
	if (errand->timer)
		errand->call = http_start(http, &request, &sink, errand);
	if (!errand->call)
		finish(errand, -ENOMEM);
}

/* ---- who waits ---- */

static bool copy_request(
    struct errand *errand, const struct web_request *request)
{
	bool whole = true;
	const char *const *header = request->headers;
	errand->method = request->method;
	errand->url = strdup(request->url);
	errand->body = request->body ? strdup(request->body) : NULL;
	for (size_t i = 0; header && header[i] && i < HEADERS_MAX; i++) {
		errand->headers[i] = strdup(header[i]);
		whole = whole && errand->headers[i];
	}
	errand->request = *request;
	buf_init_secret(&errand->answer.body, request->max);
	errand->answer.retry_after_ms = -1;
	return whole && errand->url && (!request->body || errand->body);
}

static struct errand *errand_new(
    struct web *web, const struct web_request *request)
{
	struct errand *errand = calloc(1, sizeof(*errand));
	if (!errand)
		return NULL;
	errand->web = web;
	errand->task = (struct http_task){.fn = begin, .ctx = errand};
	if (!copy_request(errand, request)) {
		errand_free(errand);
		return NULL;
	}
	return errand;
}

/* False: it was cancelled, and the loop frees it. */
static bool await(struct web *web, struct errand *errand)
{
	lock_acquire(&web->lock);
	while (!errand->done && !web->cancelled)
		lock_wait(&web->lock, &web->news);
	bool done = errand->done;
	errand->left = !done;
	lock_release(&web->lock);
	return done;
}

/* False: it is cancelled already. */
static bool enlist(struct web *web, struct errand *errand)
{
	lock_acquire(&web->lock);
	bool cancelled = web->cancelled;
	if (!cancelled)
		LIST_INSERT_HEAD(&web->errands, errand, link);
	lock_release(&web->lock);
	return !cancelled;
}

int web_ask(struct web *web, const struct web_request *request,
    struct web_answer *ret_answer)
{
	*ret_answer = (struct web_answer){.retry_after_ms = -1};
	struct errand *errand = errand_new(web, request);
	if (!errand)
		return -ENOMEM;
	if (!enlist(web, errand)) {
		errand_free(errand);
		return -ECANCELED;
	}
	http_post(web->http, &errand->task);
	if (!await(web, errand))
		return -ECANCELED;
	int r = errand->err;
	*ret_answer = errand->answer;
	errand->answer.body = (struct buf){0};
	errand_free(errand);
	return r;
}
