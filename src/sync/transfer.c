/*
 * One range's way here: URL, request, the answer held against what is known of
 * the object, and another attempt from the last byte that came.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/record.h"
#include "api/retry.h"
#include "sync/stream.h"

/* A fresh URL that is refused so often in a row means it. */
#define RENEWALS_MAX 2

/* So many answers that shall bring a whole object may be cut short. */
#define WHOLE_ATTEMPTS 8

static int range_send(struct range *range);

void range_free(struct range *range)
{
	api_object_cancel(range->transfer);
	http_timer_stop(range->stream->core->http, range->pause);
	ready_hide(&range->stream->streams->ready, &range->shown);
	TAILQ_REMOVE(&range->stream->ranges, range, link);
	if (range->stream->spooler == range)
		range->stream->spooler = NULL;
	blob_unref(range->blob);
	free(range);
}

/* ---- the answer ---- */

/* An object that is stored in an encoding has that, and its claimed size. One
 * that was encoded on the way is another one's bytes. */
static int check_encoding(
    const struct stream *stream, const struct http_head *head, int64_t total)
{
	bool stored = total >= 0 && total == stream->node.size;
	return head->encoded && !stored ? -EPROTO : 0;
}

/* The whole object comes, in one answer: its bytes go to the spool. told: how
 * many; -1: not said. */
static int take_whole(
    struct range *range, const struct http_head *head, int64_t told)
{
	struct stream *stream = range->stream;
	if (stream->spool_whole ||
	    (stream->spooler && stream->spooler != range))
		return -ECANCELED; /* one copy is enough */
	int r = check_encoding(stream, head, told);
	if (r == 0 && told > RECORD_SIZE_MAX)
		r = -EFBIG;
	if (r == 0)
		r = spool_open(stream);
	/* Of one that is alone, another attempt may have another. */
	if (r == 0 && told >= 0 && !stream->alone)
		r = stream_learn_size(stream, told);
	if (r == 0) {
		stream->no_range = true;
		stream->spooler = range;
		range->spools = true;
		range->told = told;
		spool_restart(stream);
	}
	return r;
}

/* A part of an object that is alone is of no use, unless it is all. */
static int head_alone(struct range *range, const struct http_head *head)
{
	struct stream *stream = range->stream;
	if (head->range_start == 0 && head->range_end == head->range_total - 1)
		return take_whole(range, head, head->range_total);
	stream->plain = true;
	return stream->prefetched ? -ENODATA /* unless somebody waits */
				  : -EAGAIN;
}

static int head_partial(struct range *range, const struct http_head *head)
{
	struct stream *stream = range->stream;
	int64_t first = range->first + range->filled;
	if (range->asked_whole || head->range_start != first ||
	    head->range_total < 0 || head->range_end >= head->range_total)
		return -EPROTO;
	int r = version_check(stream, head);
	if (r == 0 && stream->alone)
		return head_alone(range, head);
	if (r == 0)
		r = check_encoding(stream, head, head->range_total);
	if (r == 0)
		r = stream_learn_size(stream, head->range_total);
	if (r == 0 && range->first + range->len > stream->size)
		range->len = stream->size - range->first;
	return r;
}

/* 200: the whole object comes, whatever was asked for. */
static int head_whole(struct range *range, const struct http_head *head)
{
	int r = version_check(range->stream, head);
	return r < 0 ? r : take_whole(range, head, head->content_length);
}

/* 416: nothing is there at that position; the answer may tell the size. */
static int head_beyond(struct range *range, const struct http_head *head)
{
	struct stream *stream = range->stream;
	int64_t total = head->range_total;
	if (range->asked_whole || total > range->first)
		return -EPROTO;
	if (total < 0 && range->first == 0) {
		stream->plain = true; /* ask for the whole instead */
		return -EAGAIN;
	}
	if (total < 0)
		return -EPROTO;
	if (total == 0 || stream->size >= 0 || stream->node.proven)
		return stream_learn_size(stream, total);
	/* It is shorter than was claimed. Its beginning says how long it is,
	 * and of which version that is; this is the only range. */
	range->first = range->shown.first = 0;
	return -EAGAIN;
}

static int on_head(void *ctx, const struct http_head *head)
{
	struct range *range = ctx;
	range->head = *head;
	range->refused = 0;
	range->spools = false;
	switch (head->status) {
	case 206:
		range->refused = head_partial(range, head);
		break;
	case 200:
		range->refused = head_whole(range, head);
		break;
	case 416:
		range->refused = head_beyond(range, head);
		break;
	default:
		return 0; /* judged when it is over */
	}
	return range->refused;
}

static int on_body(void *ctx, const void *data, size_t len)
{
	struct range *range = ctx;
	struct stream *stream = range->stream;
	if (range->head.status != 200 && range->head.status != 206)
		return 0;
	range->progress_ms = http_now(stream->core->http);
	range->attempt = range->renewals = 0;
	if (!TAILQ_EMPTY(&stream->waiting.queue))
		stream_schedule_progress(stream);
	if (range->spools)
		return spool_add(stream, data, len);
	if ((int64_t)len > range->len - range->filled)
		return range->refused = -EPROTO; /* more than was announced */
	memcpy(range->blob->data + range->filled, data, len);
	range->filled += (int64_t)len;
	ready_show(&stream->streams->ready, &range->shown, range->filled);
	return 0;
}

/* ---- the end of an attempt ---- */

static void send_or_fail(struct range *range)
{
	int r = range_send(range);
	if (r < 0)
		stream_fail(range->stream, r, 0, NULL);
}

static void on_pause_over(void *ctx)
{
	struct range *range = ctx;
	range->pause = NULL;
	send_or_fail(range);
}

static void give_up(
    struct range *range, int err, int status, const char *message)
{
	stream_fail(range->stream, err, status, message);
}

static void retry(struct range *range, int status, int err, const char *detail)
{
	const struct core *core = range->stream->core;
	struct retry_outcome outcome = {
	    .status = status,
	    .retry_after_ms = range->head.retry_after_ms,
	    .attempt = range->attempt,
	    .elapsed_ms = http_now(core->http) - range->progress_ms,
	    .budget_ms = core->config.retry_ms,
	    .random = (uint32_t)random(),
	};
	int64_t wait = retry_wait_ms(&outcome);
	if (wait >= 0)
		range->pause =
		    http_timer_start(core->http, wait, on_pause_over, range);
	if (range->pause)
		return;
	char message[300];
	if (status)
		snprintf(message, sizeof(message),
		    "the object store answered %d", status);
	else
		snprintf(message, sizeof(message), "%s", detail);
	bool unreachable = err == -ECONNREFUSED || err == -EHOSTUNREACH;
	bool short_of_sockets = err == -EMFILE || err == -ENFILE;
	give_up(range,
	    unreachable		? -ENETUNREACH
	    : short_of_sockets	? err
	    : err == -ETIMEDOUT ? -ETIMEDOUT
				: -EIO,
	    status, message);
}

static void on_refused_url(struct range *range, int status)
{
	struct stream *stream = range->stream;
	if (range->renewals++ >= RENEWALS_MAX) {
		give_up(range, status == 404 ? -ENOENT : -EACCES, status,
		    "the object store refuses a fresh URL");
		return;
	}
	/* Another range may have renewed it meanwhile. */
	if (stream->url && stream->url_serial == range->url_serial)
		url_forget(stream);
	send_or_fail(range);
}

static bool is_complete(const struct range *range)
{
	return range->spools || range->filled >= range->len;
}

/* How far away the store seems to be. */
static void learn_distance(const struct range *range)
{
	struct stream *stream = range->stream;
	int64_t took = http_now(stream->core->http) - range->sent_ms;
	if (range->len < RANGE_FIRST || range->sent_from > 0)
		return;
	if (took <= NEAR_MS)
		stream->near = true;
	else if (took > FAR_MS)
		stream->near = false;
}

/* A whole object has come: now its size is sure, if it was not before. */
static void take_up_whole(struct range *range)
{
	struct stream *stream = range->stream;
	int r = stream_learn_size(stream, stream->spooled);
	range->filled = range->len = 0;
	if (r == -ESTALE) {
		stream_changed(stream);
	} else if (r < 0) {
		give_up(range, r, 200, NULL);
	} else {
		stream->spool_whole = true;
		stream_keep(stream);
		stream_progress(stream);
	}
}

/* What came is of no use to the next attempt: patience is counted by attempts
 * that brought something. */
static void start_over(struct range *range, const char *detail)
{
	struct stream *stream = range->stream;
	if (++stream->vain >= WHOLE_ATTEMPTS) {
		give_up(range, -EIO, range->head.status, detail);
		return;
	}
	range->progress_ms = http_now(stream->core->http);
	range->attempt = stream->vain;
	retry(range, 0, -EPIPE, detail);
}

static void whole_done(struct range *range)
{
	struct stream *stream = range->stream;
	switch (version_judge_whole(stream, range)) {
	case WHOLE_SURE:
		take_up_whole(range);
		break;
	case WHOLE_ANOTHER:
		stream_changed(stream);
		break;
	case WHOLE_CUT:
		start_over(range,
		    "the object store's answers end before the object does");
		break;
	case WHOLE_UNSURE:
		stream->before.size = stream->spooled;
		stream->before.hash = stream->spool_hash;
		start_over(range,
		    "the object store does not tell where its answers end");
		break;
	}
}

int range_send_waiting(struct stream *stream)
{
	struct range *range;
	TAILQ_FOREACH (range, &stream->ranges, link) {
		if (range->transfer || range->pause ||
		    range->filled >= range->len)
			continue;
		int r = range_send(range);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Those that waited for one less to be under way. */
static void on_send_timer(void *ctx)
{
	struct stream *stream = ctx;
	stream->send_timer = NULL;
	int r = range_send_waiting(stream);
	if (r < 0)
		stream_fail(stream, r, 0, NULL);
}

static void on_done(void *ctx, int err, const char *detail)
{
	struct range *range = ctx;
	struct stream *stream = range->stream;
	int status = range->head.status;
	range->transfer = NULL;
	if (stream->near && !stream->send_timer) {
		stream->send_timer = http_timer_start(
		    stream->core->http, 0, on_send_timer, stream);
		if (!stream->send_timer) {
			stream_fail(stream, -ENOMEM, 0, NULL);
			return;
		}
	}
	if (range->refused == -ENODATA && !stream_is_busy(stream)) {
		stream_free(stream);
	} else if (range->refused == -EAGAIN || range->refused == -ENODATA) {
		send_or_fail(range);
	} else if (range->refused == -ECANCELED) {
		range_free(range);
	} else if (range->refused == -ESTALE) {
		stream_changed(stream);
	} else if (range->refused == -EPROTO || err == -EPROTO) {
		give_up(range, -EPROTO, status,
		    range->refused ? "the object store's answer is not what was"
				     " asked for"
				   : detail);
	} else if (err == -EFBIG || range->refused == -EFBIG) {
		give_up(range, -EFBIG, status,
		    "the object is larger than anything is taken to be");
	} else if (!range->refused && err == -ENOSPC) {
		give_up(range, err, status,
		    "there is no room for it in the directory for temporary"
		    " files (TMPDIR)");
	} else if (range->refused || err == -ENOMEM || err == -EKEYREJECTED) {
		give_up(range, range->refused ? range->refused : err, status,
		    detail);
	} else if (err && range->spools && stream->spooled > 0) {
		start_over(range, detail);
	} else if (err) {
		retry(range, 0, err, detail);
	} else if (status == 401 || status == 403 || status == 404 ||
		   status == 400 || status == 410) {
		on_refused_url(range, status);
	} else if (status == 416) {
		range->filled = range->len = 0; /* it ends before */
		stream_progress(stream);
	} else if (status != 200 && status != 206) {
		retry(range, status, 0, detail);
	} else if (!is_complete(range) && range->filled > range->sent_from) {
		/* The store gave less than was asked for: go on from there. */
		send_or_fail(range);
	} else if (!is_complete(range)) {
		retry(range, 0, -EPIPE, "the object store gave no bytes");
	} else if (range->spools) {
		whole_done(range);
	} else {
		learn_distance(range);
		stream_keep(stream);
		stream_progress(stream);
	}
}

static const struct http_sink sink = {on_head, on_body, on_done};

/* Whether as many ranges are under way as help a store that is near. */
static bool is_enough(const struct stream *stream)
{
	const struct range *range;
	unsigned count = 0;
	TAILQ_FOREACH (range, &stream->ranges, link)
		count += range->transfer != NULL;
	return count >= NEAR_RANGES;
}

static int range_send(struct range *range)
{
	struct stream *stream = range->stream;
	if (!url_is_usable(stream))
		return url_want(stream);
	if (stream->near && !stream->no_range && is_enough(stream))
		return 0; /* when another one is done */
	int64_t first = range->first + range->filled;
	int64_t last = range->first + range->len - 1;
	bool whole = stream->no_range || stream->plain ||
		     (stream->alone && stream->node.proven);
	range->asked_whole = whole;
	/* Waiting for the URL does not count. */
	if (range->attempt++ == 0)
		range->progress_ms = http_now(stream->core->http);
	range->sent_from = range->filled;
	range->sent_ms = http_now(stream->core->http);
	range->url_serial = stream->url_serial;
	range->head = (struct http_head){.retry_after_ms = -1};
	range->refused = 0;
	range->transfer =
	    api_object_get(stream->core->api, stream->url, whole ? -1 : first,
		last, stream->validator, stream->prefetched, &sink, range);
	return range->transfer ? 0 : -errno;
}

int range_start(struct stream *stream, int64_t first, int64_t len)
{
	struct range *range = calloc(1, sizeof(*range)), *after;
	if (range)
		range->blob =
		    blob_new((size_t)len, &stream->streams->bytes_held);
	if (!range || !range->blob) {
		free(range);
		return -ENOMEM;
	}
	range->shown.node = stream->node.id;
	range->shown.first = first;
	range->shown.blob = range->blob;
	range->stream = stream;
	range->first = first;
	range->len = len;
	range->used = ++stream->uses;
	range->progress_ms = http_now(stream->core->http);
	TAILQ_FOREACH (after, &stream->ranges, link) {
		if (after->first > first)
			break;
	}
	if (after)
		TAILQ_INSERT_BEFORE(after, range, link);
	else
		TAILQ_INSERT_TAIL(&stream->ranges, range, link);
	/* From the loop, so that a failure finds nobody in the middle. */
	range->pause =
	    http_timer_start(stream->core->http, 0, on_pause_over, range);
	if (!range->pause) {
		range_free(range);
		return -ENOMEM;
	}
	return 0;
}
