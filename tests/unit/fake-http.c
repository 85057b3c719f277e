#include "fake-http.h"

#include <errno.h>
#include <stdio.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

#include "base/cleanup.h"

#define HEADERS_MAX 16
#define CALLS_MAX 65536

struct http_call {
	struct fake *fake;
	const struct http_sink *sink;
	void *ctx;
	enum { CALL_OPEN, CALL_OVER, CALL_CANCELLED } state;
	bool head_given;
	bool fresh;
	int64_t silence_ms;
	bool redirects;
	char *line;
	char *body;
	char *headers[HEADERS_MAX];
	size_t header_count;
};

struct http_timer {
	int64_t due_ms;
	void (*fn)(void *ctx);
	void *ctx;
	TAILQ_ENTRY(http_timer) link;
};

struct fake {
	struct http http;
	_Atomic int64_t now_ms; /* other threads look at it, too */
	struct http_call *calls[CALLS_MAX];
	size_t call_count;
	size_t over;				   /* the first so many are */
	TAILQ_HEAD(timer_list, http_timer) timers; /* by due time */
	STAILQ_HEAD(, http_task) posted;
};

static struct fake *fake_of(struct http *http)
{
	return (struct fake *)http;
}

/* A test cannot go on without memory. (Where it lets memory be short, strndup
 * and memalign are not.) */
static void *must(void *pointer)
{
	if (!pointer)
		abort();
	return pointer;
}

/* ---- the transport ---- */

static struct http_call *start(struct http *http,
    const struct http_request *request, const struct http_sink *sink, void *ctx)
{
	struct fake *fake = fake_of(http);
	if (!http_url_is_http(request->url) || fake->call_count == CALLS_MAX)
		return NULL;
	struct http_call *call = calloc(1, sizeof(*call));
	if (!call)
		return NULL; /* a test that lets memory be short */
	*call = (struct http_call){
	    .fake = fake,
	    .sink = sink,
	    .ctx = ctx,
	    .fresh = request->fresh,
	    .silence_ms = request->silence_ms,
	    .redirects = request->redirects,
	};
	const char *url = request->url;
	if (strncmp(url, FAKE_URL "/", strlen(FAKE_URL "/")) == 0)
		url += strlen(FAKE_URL);
	if (asprintf(&call->line, "%s %s", request->method, url) < 0)
		abort();
	if (request->body)
		call->body = must(strndup(request->body, request->body_len));
	for (const char *const *h = request->headers; h && *h; h++) {
		if (call->header_count == HEADERS_MAX)
			abort();
		call->headers[call->header_count++] =
		    must(strndup(*h, strlen(*h)));
	}
	fake->calls[fake->call_count++] = call;
	return call;
}

static void cancel(struct http *http, struct http_call *call)
{
	(void)http;
	/* A call that is over is not the caller's to cancel any more. */
	if (call->state != CALL_OPEN)
		abort();
	call->state = CALL_CANCELLED;
}

static void post(struct http *http, struct http_task *task)
{
	if (http_task_claim(task))
		STAILQ_INSERT_TAIL(&fake_of(http)->posted, task, link);
}

static struct http_timer *timer_start(
    struct http *http, int64_t delay_ms, void (*fn)(void *), void *ctx)
{
	struct fake *fake = fake_of(http);
	struct http_timer *timer = malloc(sizeof(*timer)), *other;
	if (!timer)
		return NULL;
	*timer = (struct http_timer){
	    .due_ms = fake->now_ms + delay_ms, .fn = fn, .ctx = ctx};
	TAILQ_FOREACH_REVERSE(other, &fake->timers, timer_list, link)
	{
		if (other->due_ms <= timer->due_ms) {
			TAILQ_INSERT_AFTER(&fake->timers, other, timer, link);
			return timer;
		}
	}
	TAILQ_INSERT_HEAD(&fake->timers, timer, link);
	return timer;
}

static void timer_stop(struct http *http, struct http_timer *timer)
{
	TAILQ_REMOVE(&fake_of(http)->timers, timer, link);
	free(timer);
}

static int64_t now(struct http *http)
{
	return fake_of(http)->now_ms;
}

static void stop(struct http *http)
{
	(void)http;
}

static void free_transport(struct http *http)
{
	(void)http; /* the test's, by fake_free */
}

static const struct http_vtable vtable = {
    .start = start,
    .cancel = cancel,
    .post = post,
    .timer_start = timer_start,
    .timer_stop = timer_stop,
    .now = now,
    .stop = stop,
    .free = free_transport,
};

/* ---- life ---- */

struct fake *fake_new(void)
{
	struct fake *fake = must(calloc(1, sizeof(*fake)));
	fake->http.vtable = &vtable;
	fake->now_ms = FAKE_BEGIN_MS;
	TAILQ_INIT(&fake->timers);
	STAILQ_INIT(&fake->posted);
	return fake;
}

static void call_free(struct http_call *call)
{
	for (size_t i = 0; i < call->header_count; i++)
		free(call->headers[i]);
	free(call->line);
	free(call->body);
	free(call);
}

void fake_free(struct fake *fake)
{
	struct http_timer *timer;
	while ((timer = TAILQ_FIRST(&fake->timers)))
		timer_stop(&fake->http, timer);
	for (size_t i = 0; i < fake->call_count; i++)
		call_free(fake->calls[i]);
	free(fake);
}

struct http *fake_http(struct fake *fake)
{
	return &fake->http;
}

int64_t fake_now(struct fake *fake)
{
	return fake->now_ms;
}

/* ---- time ---- */

static void run_posted(struct fake *fake)
{
	struct http_task *task;
	while ((task = STAILQ_FIRST(&fake->posted))) {
		STAILQ_REMOVE_HEAD(&fake->posted, link);
		http_task_run(task);
	}
}

/* The first timer, if it is due; whether it was. */
static bool run_timer(struct fake *fake)
{
	struct http_timer *timer = TAILQ_FIRST(&fake->timers);
	if (!timer || timer->due_ms > fake->now_ms)
		return false;
	void (*fn)(void *) = timer->fn;
	void *ctx = timer->ctx;
	timer_stop(&fake->http, timer);
	fn(ctx);
	return true;
}

void fake_run(struct fake *fake)
{
	do {
		run_posted(fake);
	} while (run_timer(fake));
}

void fake_run_timers(struct fake *fake, int64_t ms)
{
	fake->now_ms += ms;
	while (run_timer(fake))
		;
}

void fake_advance(struct fake *fake, int64_t ms)
{
	struct http_timer *timer;
	int64_t end = fake->now_ms + ms;
	fake_run(fake);
	while ((timer = TAILQ_FIRST(&fake->timers)) && timer->due_ms <= end) {
		fake->now_ms = timer->due_ms;
		fake_run(fake);
	}
	fake->now_ms = end;
}

bool fake_advance_to_timer(struct fake *fake)
{
	struct http_timer *timer = TAILQ_FIRST(&fake->timers);
	if (!timer)
		return false;
	if (timer->due_ms > fake->now_ms)
		fake->now_ms = timer->due_ms;
	fake_run(fake);
	return true;
}

size_t fake_timer_count(struct fake *fake)
{
	struct http_timer *timer;
	size_t count = 0;
	TAILQ_FOREACH (timer, &fake->timers, link)
		count++;
	return count;
}

/* ---- requests ---- */

size_t fake_count(struct fake *fake)
{
	return fake->call_count;
}

struct http_call *fake_call(struct fake *fake, size_t number)
{
	return number < fake->call_count ? fake->calls[number] : NULL;
}

/* Where to look for open ones. */
static size_t first_open(struct fake *fake)
{
	while (fake->over < fake->call_count &&
	       fake->calls[fake->over]->state != CALL_OPEN)
		fake->over++;
	return fake->over;
}

struct http_call *fake_open(struct fake *fake, size_t index)
{
	for (size_t i = first_open(fake); i < fake->call_count; i++) {
		if (fake->calls[i]->state == CALL_OPEN && index-- == 0)
			return fake->calls[i];
	}
	return NULL;
}

size_t fake_open_count(struct fake *fake)
{
	size_t count = 0;
	for (size_t i = first_open(fake); i < fake->call_count; i++)
		count += fake->calls[i]->state == CALL_OPEN;
	return count;
}

struct http_call *fake_find(struct fake *fake, const char *text)
{
	struct http_call *call;
	for (size_t i = 0; (call = fake_open(fake, i)); i++) {
		if (strncmp(call->line, text, strlen(text)) == 0)
			return call;
	}
	return NULL;
}

const char *fake_line(const struct http_call *call)
{
	return call ? call->line : "(no request)";
}

const char *fake_body(const struct http_call *call)
{
	return call->body;
}

const char *fake_header(const struct http_call *call, const char *name)
{
	size_t len = strlen(name);
	for (size_t i = 0; i < call->header_count; i++) {
		const char *header = call->headers[i];
		if (strncasecmp(header, name, len) == 0 && header[len] == ':')
			return header + len + 1 + strspn(header + len + 1, " ");
	}
	return NULL;
}

size_t fake_header_count(const struct http_call *call)
{
	return call->header_count;
}

bool fake_is_open(const struct http_call *call)
{
	return call->state == CALL_OPEN;
}

bool fake_was_cancelled(const struct http_call *call)
{
	return call->state == CALL_CANCELLED;
}

int64_t fake_silence_ms(const struct http_call *call)
{
	return call->silence_ms;
}

bool fake_is_fresh(const struct http_call *call)
{
	return call->fresh;
}

bool fake_follows_redirects(const struct http_call *call)
{
	return call->redirects;
}

/* ---- answers ---- */

static struct http_head head_of(const struct fake_answer *answer, size_t len)
{
	struct http_head head;
	memset(&head, 0xff, sizeof(head)); /* -1: not said */
	head.status = answer->status;
	head.etag[0] = head.modified[0] = head.location[0] = '\0';
	head.incomplete[0] = '\0';
	head.unframed = answer->by_close;
	head.encoded = answer->encoded;
	head.page = answer->page;
	if (answer->range)
		len = (size_t)(answer->range_end - answer->range_start + 1);
	if (answer->length_told)
		head.content_length =
		    answer->length ? answer->length : (int64_t)len;
	if (answer->range) {
		head.range_start = answer->range_start;
		head.range_end = answer->range_end;
	}
	if (answer->range || answer->nowhere)
		head.range_total = answer->range_total;
	if (answer->retry_after_ms)
		head.retry_after_ms = answer->retry_after_ms;
	if (answer->date_ms)
		head.date_ms = answer->date_ms;
	if (answer->quota)
		head.quota_left = answer->quota_left;
	if (answer->location)
		snprintf(head.location, sizeof(head.location), "%s",
		    answer->location);
	if (answer->etag)
		snprintf(head.etag, sizeof(head.etag), "%s", answer->etag);
	if (answer->modified) {
		snprintf(head.modified, sizeof(head.modified), "%s",
		    answer->modified);
		head.modified_ms = answer->modified_ms;
	}
	return head;
}

static void finish(struct http_call *call, int err)
{
	if (call->state != CALL_OPEN)
		return;
	call->state = CALL_OVER;
	call->sink->done(call->ctx, err, err ? "the transfer broke" : "");
}

/* Hand over head and body; what a sink returned. */
static int give(struct http_call *call, const struct fake_answer *answer)
{
	size_t len = answer->len    ? answer->len
		     : answer->body ? strlen(answer->body)
				    : 0;
	struct http_head head = head_of(answer, len);
	int r = 0;
	if (!call->head_given)
		r = call->sink->head(call->ctx, &head);
	call->head_given = true;
	for (size_t at = 0; r == 0 && at < len;) {
		size_t n = answer->chunk ? answer->chunk : len;
		if (n > len - at)
			n = len - at;
		/* A copy of its own, so that reading past it is noticed. */
		CLEANUP_FREE char *piece = must(memalign(16, n));
		memcpy(piece, answer->body + at, n);
		if (call->state != CALL_OPEN)
			return 0;
		r = call->sink->body(call->ctx, piece, n);
		at += n;
	}
	return r;
}

static void must_be_open(const struct http_call *call)
{
	if (!call || call->state != CALL_OPEN) {
		fprintf(stderr, "no open request: %s\n", fake_line(call));
		abort();
	}
}

void fake_answer(struct http_call *call, const struct fake_answer *answer)
{
	must_be_open(call);
	struct fake *fake = call->fake;
	int r = give(call, answer);
	finish(call, r ? r : answer->err);
	fake_run(fake);
}

void fake_give(struct http_call *call, const struct fake_answer *answer)
{
	must_be_open(call);
	int r = give(call, answer);
	if (r)
		finish(call, r);
}

void fake_begin_answer(struct http_call *call, const struct fake_answer *answer)
{
	must_be_open(call);
	struct fake *fake = call->fake;
	fake_give(call, answer);
	fake_run(fake);
}

void fake_break(struct http_call *call, int err)
{
	must_be_open(call);
	struct fake *fake = call->fake;
	finish(call, err);
	fake_run(fake);
}
