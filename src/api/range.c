#include "api/range.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/api_parts.h"
#include "api/download.h"
#include "api/retry.h"
#include "api/storage.h"

/* A fresh URL that is refused so often in a row means it. */
#define RENEWALS_MAX 2

/* So many answers that shall bring a whole object may be cut short. */
#define WHOLE_ATTEMPTS 8

struct range {
	struct storage *storage;
	struct download *download;
	const struct range_events *events;
	void *ctx;
	int64_t first;
	int64_t pos; /* of the next byte that is to come */
	int64_t end; /* cut when the object turns out shorter */
	struct storage_call *transfer; /* NULL: none is under way */
	struct http_timer *pause;
	struct http_head head;	    /* of the last answer */
	enum range_verdict verdict; /* on it */
	bool asked_whole;	    /* the request that was sent had no Range */
	int64_t whole;	     /* bytes of the last whole answer; -1: none */
	int64_t sent_pos;    /* pos when the request was sent ... */
	int64_t sent_ms;     /* ... and http_now */
	int64_t progress_ms; /* http_now of the last byte, or the start */
	unsigned attempt;
	unsigned vain;	     /* whole answers that were of no use */
	unsigned wrong;	     /* answers in a row that were none */
	unsigned renewals;   /* new URLs in a row */
	uint64_t url_serial; /* of the URL that was sent */
};

static int64_t now_ms(const struct range *range)
{
	return http_now(storage_http(range->storage));
}

/* Whether the last answer's body is of the object. */
static bool has_bytes(const struct range *range)
{
	return range->head.status == 200 || range->head.status == 206;
}

/* ---- the answer ---- */

/* Whether its body is longer than the part that it says it is of. One that is
 * shorter goes on where it ends. */
static bool is_too_long(const struct http_head *head)
{
	return head->content_length - 1 > head->range_end - head->range_start;
}

static enum range_verdict judge_partial(
    struct range *range, const struct http_head *head)
{
	bool told = head->range_total >= 0;
	if (range->asked_whole || head->range_start != range->pos ||
	    (told && head->range_end >= head->range_total) || is_too_long(head))
		return RANGE_WRONG;
	enum range_verdict verdict = range->events->head(range->ctx, head);
	if (verdict == RANGE_TAKE && range->end > head->range_total)
		range->end = head->range_total;
	return verdict;
}

/* Nothing is there at that position; the answer may tell the size. */
static enum range_verdict judge_beyond(
    struct range *range, const struct http_head *head)
{
	if (range->asked_whole || head->range_total > range->first)
		return RANGE_WRONG;
	return range->events->head(range->ctx, head);
}

static bool is_taken(const struct range *range)
{
	return range->verdict == RANGE_TAKE ||
	       range->verdict == RANGE_TAKE_WHOLE;
}

static int on_head(void *ctx, const struct http_head *head)
{
	struct range *range = ctx;
	range->head = *head;
	range->verdict = RANGE_TAKE;
	range->whole = -1;
	switch (head->status) {
	case 206:
		range->verdict = judge_partial(range, head);
		break;
	case 200:
		range->verdict = range->events->head(range->ctx, head);
		break;
	case 416:
		range->verdict = judge_beyond(range, head);
		break;
	default:
		return 0; /* judged when it is over */
	}
	if (range->verdict == RANGE_TAKE_WHOLE)
		range->whole = 0;
	return is_taken(range) ? 0 : -ECANCELED;
}

/* The next bytes of the part: -ECANCELED once it is all there. */
static int take_part(struct range *range, const void *data, size_t len)
{
	int64_t announced = range->head.range_end + 1;
	int64_t end = announced < range->end ? announced : range->end;
	int64_t room = end - range->pos;
	bool more = (int64_t)len > room;
	if (more && announced <= range->end) {
		range->verdict = RANGE_WRONG; /* more than was announced */
		return -EPROTO;
	}
	if (more)
		len = (size_t)room; /* a larger part than was asked for */
	int r = len ? range->events->body(range->ctx, data, len) : 0;
	if (r < 0)
		return r;
	range->pos += (int64_t)len;
	return more ? -ECANCELED : 0;
}

static int take_whole(struct range *range, const void *data, size_t len)
{
	int r = range->events->body(range->ctx, data, len);
	if (r == 0)
		range->whole += (int64_t)len;
	return r;
}

static int on_body(void *ctx, const void *data, size_t len)
{
	struct range *range = ctx;
	if (!has_bytes(range))
		return 0;
	bool part = range->whole < 0;
	int64_t before = range->pos;
	int r =
	    part ? take_part(range, data, len) : take_whole(range, data, len);
	if (r == -EPROTO)
		range->verdict = RANGE_WRONG;
	/* Only what is of use counts: else an answer that is refused for its
	 * body would be asked for again without end. */
	if (r < 0 && range->pos == before)
		return r;
	range->progress_ms = now_ms(range);
	range->attempt = range->renewals = 0;
	if (part)
		range->wrong = 0;
	return r;
}

/* ---- the end ---- */

static void end(struct range *range, const struct range_outcome *outcome)
{
	range->events->done(range->ctx, outcome);
}

static void fail(struct range *range, int err, int status, const char *message)
{
	struct range_outcome outcome = {.end = RANGE_FAILED,
	    .err = err,
	    .status = status,
	    .message = message};
	end(range, &outcome);
}

/* Nothing more is to come of it. */
static void end_whole(struct range *range, enum range_end how)
{
	bool once = range->sent_pos == range->first;
	struct range_outcome outcome = {.end = how,
	    .status = range->head.status,
	    .took_ms = once ? now_ms(range) - range->sent_ms : -1};
	range->pos = range->end;
	end(range, &outcome);
}

static void stop(struct range *range, const char *detail)
{
	struct range_outcome outcome = {.end = RANGE_STOPPED,
	    .status = range->head.status,
	    .message = detail};
	end(range, &outcome);
}

/* ---- the end of an attempt ---- */

static int range_send(struct range *range);

static void send_or_fail(struct range *range)
{
	int r = range_send(range);
	if (r < 0)
		fail(range, r, 0, NULL);
}

static void on_pause_over(void *ctx)
{
	struct range *range = ctx;
	range->pause = NULL;
	send_or_fail(range);
}

static struct http_timer *pause_for(struct range *range, int64_t wait_ms)
{
	return http_timer_start(
	    storage_http(range->storage), wait_ms, on_pause_over, range);
}

static void give_up(
    struct range *range, int status, int err, const char *detail)
{
	char message[300];
	if (status)
		snprintf(message, sizeof(message),
		    "the object store answered %d", status);
	else
		snprintf(message, sizeof(message), "%s", detail);
	fail(range, retry_errno(status, err), status, message);
}

static void retry(struct range *range, int status, int err, const char *detail)
{
	struct retry_outcome outcome = {
	    .status = status,
	    .err = err,
	    .retry_after_ms = range->head.retry_after_ms,
	    .attempt = range->attempt,
	    .elapsed_ms = now_ms(range) - range->progress_ms,
	};
	int64_t wait = storage_retry_ms(range->storage, &outcome);
	if (wait >= 0)
		range->pause = pause_for(range, wait);
	if (!range->pause)
		give_up(range, status, err, detail);
}

static void on_refused_url(struct range *range)
{
	int status = range->head.status;
	if (range->renewals++ >= RENEWALS_MAX) {
		fail(range, status == 404 ? -ENOENT : -EACCES, status,
		    "the object store refuses a fresh URL");
		return;
	}
	download_refused(range->download, range->url_serial);
	send_or_fail(range);
}

/* What came is of no use to the next attempt: patience is counted by attempts
 * that brought something. */
static void start_over(struct range *range, const char *reason)
{
	if (++range->vain >= WHOLE_ATTEMPTS) {
		fail(range, -EIO, range->head.status, reason);
		return;
	}
	range->progress_ms = now_ms(range);
	range->attempt = range->vain;
	retry(range, 0, -EPIPE, reason);
}

/* It may be a proxy's page, which stands there for some seconds. */
static void ask_again(struct range *range)
{
	range->wrong++;
	struct retry_outcome outcome = {
	    .retry_after_ms = -1,
	    .attempt = range->wrong + 1,
	    .garbled = range->wrong,
	};
	int64_t wait = storage_retry_ms(range->storage, &outcome);
	/* When all is there, and then some more, there is nothing to ask. */
	if (wait >= 0 && range->pos < range->end)
		range->pause = pause_for(range, wait);
	if (!range->pause)
		fail(range, -EPROTO, range->head.status,
		    "the object store's answer is not what was asked for");
}

/* The sink would have no more of an answer. */
static void on_refused(struct range *range, const char *detail)
{
	if (range->verdict == RANGE_STOP) {
		stop(range, detail);
	} else if (range->verdict == RANGE_WRONG) {
		ask_again(range);
	} else {
		if (range->verdict == RANGE_FROM_START) {
			range->end -= range->first;
			range->first = range->pos = 0;
		}
		send_or_fail(range);
	}
}

static void on_broken(struct range *range, int err, const char *detail)
{
	if (!retry_may_pass(err))
		fail(range, retry_errno(0, err), range->head.status, detail);
	else if (range->whole > 0)
		start_over(range, detail);
	else
		retry(range, 0, err, detail);
}

static void on_whole(struct range *range)
{
	const char *reason = NULL;
	switch (range->events->whole(range->ctx, &range->head, &reason)) {
	case RANGE_AGAIN:
		start_over(range, reason);
		break;
	case RANGE_WRONG:
		ask_again(range);
		break;
	case RANGE_STOP:
		stop(range, NULL);
		break;
	default:
		end_whole(range, RANGE_CAME);
		break;
	}
}

static void on_answer(struct range *range, const char *detail)
{
	int status = range->head.status;
	if (status == 401 || status == 403 || status == 404 || status == 400 ||
	    status == 410)
		on_refused_url(range);
	else if (status == 416)
		end_whole(range, RANGE_BEYOND);
	else if (!has_bytes(range) && retry_is_stray(status))
		ask_again(range);
	else if (!has_bytes(range))
		retry(range, status, 0, detail);
	else if (range->whole >= 0)
		on_whole(range);
	else if (range->pos > range->sent_pos)
		send_or_fail(range); /* it gave less than was asked for */
	else
		retry(range, 0, -EPIPE, "the object store gave no bytes");
}

static void on_done(void *ctx, int err, const char *detail)
{
	struct range *range = ctx;
	range->transfer = NULL;
	int r = range->events->over(range->ctx);
	if (r < 0)
		fail(range, r, 0, NULL);
	else if (!is_taken(range))
		on_refused(range, detail);
	else if (range->whole < 0 && range->pos >= range->end)
		end_whole(range, RANGE_CAME); /* however it ended */
	else if (err)
		on_broken(range, err, detail);
	else
		on_answer(range, detail);
}

/* ---- the request ---- */

static const struct http_sink sink = {on_head, on_body, on_done};

static int range_send(struct range *range)
{
	struct range_request request = {.validator = ""};
	range->events->ask(range->ctx, &request);
	const char *url = download_url(range->download);
	if (!url)
		return download_want(range->download, request.speculative);
	if (request.later)
		return 0;
	range->asked_whole = request.whole;
	/* Waiting for the URL does not count. */
	if (range->attempt++ == 0)
		range->progress_ms = now_ms(range);
	range->sent_pos = range->pos;
	range->sent_ms = now_ms(range);
	range->url_serial = download_serial(range->download);
	range->head = (struct http_head){.retry_after_ms = -1};
	range->verdict = RANGE_TAKE;
	struct storage_wish wish = {
	    .url = url,
	    .first = request.whole ? -1 : range->pos,
	    .last = range->end - 1,
	    .validator = request.validator,
	    .speculative = request.speculative,
	};
	range->transfer = storage_get(range->storage, &wish, &sink, range);
	return range->transfer ? 0 : -errno;
}

int range_go(struct range *range)
{
	if (!range_is_idle(range) || range->pos >= range->end)
		return 0;
	return range_send(range);
}

struct range *range_new(struct api *api, struct download *download,
    int64_t first, int64_t end, const struct range_events *events, void *ctx)
{
	struct range *range = calloc(1, sizeof(*range));
	if (!range)
		return NULL;
	range->storage = api->storage;
	range->download = download;
	range->events = events;
	range->ctx = ctx;
	range->first = range->pos = first;
	range->end = end;
	range->whole = -1;
	range->progress_ms = now_ms(range);
	/* From the loop, so that a failure finds nobody in the middle. */
	range->pause = pause_for(range, 0);
	if (!range->pause) {
		free(range);
		return NULL;
	}
	return range;
}

void range_free(struct range *range)
{
	if (!range)
		return;
	storage_cancel(range->transfer);
	http_timer_stop(storage_http(range->storage), range->pause);
	free(range);
}

bool range_is_under_way(const struct range *range)
{
	return range->transfer != NULL;
}

bool range_is_idle(const struct range *range)
{
	return !range->transfer && !range->pause;
}
