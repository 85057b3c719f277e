/*
 * What a range's requests bring: held against what is known of the object, and
 * put where it belongs, in the range or in the spool.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/download.h"
#include "api/record.h"
#include "sync/object/stream.h"

void range_drop(struct held_range *range)
{
	range_free(range->transfer);
	ready_hide(&range->stream->streams->ready, &range->shown);
	TAILQ_REMOVE(&range->stream->ranges, range, link);
	if (range->stream->spooler == range)
		range->stream->spooler = NULL;
	blob_unref(range->blob);
	free(range);
}

/* ---- the request ---- */

/* Whether as many ranges are under way as help a store that is near. */
static bool is_enough(const struct stream *stream)
{
	const struct held_range *range;
	unsigned count = 0;
	TAILQ_FOREACH (range, &stream->ranges, link)
		count += range_is_under_way(range->transfer);
	return count >= NEAR_RANGES;
}

static void on_ask(void *ctx, struct range_request *ret_request)
{
	const struct held_range *range = ctx;
	const struct stream *stream = range->stream;
	ret_request->validator = stream->validator;
	ret_request->whole = stream->no_range || stream->plain ||
			     (stream->alone && stream->node.proven);
	ret_request->speculative = stream->prefetched;
	/* When another one is done. */
	ret_request->later =
	    stream->near && !stream->no_range && is_enough(stream);
}

int range_send_waiting(struct stream *stream)
{
	struct held_range *range;
	TAILQ_FOREACH (range, &stream->ranges, link) {
		int r = range_go(range->transfer);
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

static int on_over(void *ctx)
{
	struct stream *stream = ((struct held_range *)ctx)->stream;
	if (!stream->near || stream->send_timer)
		return 0;
	stream->send_timer =
	    http_timer_start(stream->core->http, 0, on_send_timer, stream);
	return stream->send_timer ? 0 : -ENOMEM;
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
    struct held_range *range, const struct http_head *head, int64_t told)
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
static int head_alone(struct held_range *range, const struct http_head *head)
{
	struct stream *stream = range->stream;
	if (head->range_start == 0 && head->range_end == head->range_total - 1)
		return take_whole(range, head, head->range_total);
	stream->plain = true;
	return stream->prefetched ? -ENODATA /* unless somebody waits */
				  : -EAGAIN;
}

static int head_partial(struct held_range *range, const struct http_head *head)
{
	struct stream *stream = range->stream;
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
static int head_whole(struct held_range *range, const struct http_head *head)
{
	int r = version_check(range->stream, head);
	return r < 0 ? r : take_whole(range, head, head->content_length);
}

/* What was made of an answer; -errno in its own sense: see on_stopped. */
static enum range_verdict verdict_of(struct held_range *range, int r)
{
	range->refused = r;
	switch (r) {
	case 0:
		return range->spools ? RANGE_TAKE_WHOLE : RANGE_TAKE;
	case -EAGAIN:
		return RANGE_AGAIN;
	case -EPROTO:
		return RANGE_WRONG;
	default:
		return RANGE_STOP;
	}
}

/* 416: nothing is there at that position; the answer may tell the size. */
static enum range_verdict judge_beyond(
    struct held_range *range, const struct http_head *head)
{
	struct stream *stream = range->stream;
	int64_t total = head->range_total;
	if (total < 0 && range->first == 0) {
		stream->plain = true; /* ask for the whole instead */
		return RANGE_AGAIN;
	}
	if (total < 0)
		return RANGE_WRONG;
	if (total == 0 || stream->size >= 0 || stream->node.proven)
		return verdict_of(range, stream_learn_size(stream, total));
	/* It is shorter than was claimed. Its beginning says how long it is,
	 * and of which version that is; this is the only range. */
	range->first = range->shown.first = 0;
	return RANGE_FROM_START;
}

static enum range_verdict on_head(void *ctx, const struct http_head *head)
{
	struct held_range *range = ctx;
	range->spools = false;
	if (head->status == 416)
		return judge_beyond(range, head);
	return verdict_of(range, head->status == 206 ? head_partial(range, head)
						     : head_whole(range, head));
}

static int on_body(void *ctx, const void *data, size_t len)
{
	struct held_range *range = ctx;
	struct stream *stream = range->stream;
	if (stream_is_busy(stream))
		stream_schedule_progress(stream);
	if (range->spools)
		return spool_add(stream, data, len);
	memcpy(range->blob->data + range->filled, data, len);
	range->filled += (int64_t)len;
	ready_show(&stream->streams->ready, &range->shown, range->filled);
	return 0;
}

/* ---- the end ---- */

/* How far away the store seems to be. */
static void learn_distance(
    const struct held_range *range, const struct range_outcome *outcome)
{
	struct stream *stream = range->stream;
	if (range->len < RANGE_FIRST || outcome->took_ms < 0)
		return;
	if (outcome->took_ms <= NEAR_MS)
		stream->near = true;
	else if (outcome->took_ms > FAR_MS)
		stream->near = false;
}

static enum range_verdict on_whole(
    void *ctx, const struct http_head *head, const char **ret_reason)
{
	struct held_range *range = ctx;
	struct stream *stream = range->stream;
	switch (version_judge_whole(stream, range->told, head->ends_by_close)) {
	case WHOLE_ANOTHER:
		range->refused = -ESTALE;
		return RANGE_STOP;
	case WHOLE_CUT:
		*ret_reason =
		    "the object store's answers end before the object does";
		return RANGE_AGAIN;
	case WHOLE_UNSURE:
		stream->before.size = stream->spooled;
		stream->before.hash = stream->spool_hash;
		*ret_reason =
		    "the object store does not tell where its answers end";
		return RANGE_AGAIN;
	default:
		return RANGE_TAKE;
	}
}

/* A whole object has come: now its size is sure, if it was not before. */
static void take_up_whole(struct held_range *range)
{
	struct stream *stream = range->stream;
	int r = stream_learn_size(stream, stream->spooled);
	range->filled = range->len = 0;
	if (r == -ESTALE) {
		stream_changed(stream);
	} else if (r < 0) {
		stream_fail(stream, r, 200, NULL);
	} else {
		stream->spool_whole = true;
		stream_keep(stream);
		stream_progress(stream);
	}
}

static void fail(
    struct stream *stream, int err, const struct range_outcome *outcome)
{
	const char *message = outcome->message;
	if (err == -EFBIG)
		message = "the object is larger than anything is taken to be";
	else if (err == -ENOSPC && outcome->end == RANGE_FAILED)
		message = "there is no room for it in the directory for"
			  " temporary files (TMPDIR)";
	stream_fail(stream, err, outcome->status, message);
}

/* The answer was not wanted: why? */
static void on_stopped(
    struct held_range *range, const struct range_outcome *outcome)
{
	struct stream *stream = range->stream;
	int r = 0;
	switch (range->refused) {
	case -ENODATA:
		if (!stream_is_busy(stream))
			stream_free(stream);
		else
			r = range_go(range->transfer);
		if (r < 0)
			stream_fail(stream, r, 0, NULL);
		break;
	case -ECANCELED:
		range_drop(range);
		break;
	case -ESTALE:
		stream_changed(stream);
		break;
	default:
		fail(stream, range->refused, outcome);
		break;
	}
}

static void on_done(void *ctx, const struct range_outcome *outcome)
{
	struct held_range *range = ctx;
	struct stream *stream = range->stream;
	switch (outcome->end) {
	case RANGE_FAILED:
		fail(stream, outcome->err, outcome);
		break;
	case RANGE_STOPPED:
		on_stopped(range, outcome);
		break;
	case RANGE_BEYOND:
		range->filled = range->len = 0; /* it ends before */
		stream_progress(stream);
		break;
	case RANGE_CAME:
		if (range->spools) {
			take_up_whole(range);
			break;
		}
		learn_distance(range, outcome);
		stream_keep(stream);
		stream_progress(stream);
		break;
	}
}

static const struct range_events events = {
    on_ask, on_head, on_body, on_whole, on_over, on_done};

/* ---- the beginning ---- */

static void insert(struct stream *stream, struct held_range *range)
{
	struct held_range *after;
	TAILQ_FOREACH (after, &stream->ranges, link) {
		if (after->first > range->first)
			break;
	}
	if (after)
		TAILQ_INSERT_BEFORE(after, range, link);
	else
		TAILQ_INSERT_TAIL(&stream->ranges, range, link);
}

int range_start(struct stream *stream, int64_t first, int64_t len)
{
	struct held_range *range = calloc(1, sizeof(*range));
	if (range) {
		range->blob =
		    blob_new((size_t)len, &stream->streams->bytes_held);
		range->transfer = range_new(stream->core->api, stream->download,
		    first, first + len, &events, range);
	}
	if (!range || !range->blob || !range->transfer) {
		if (range) {
			range_free(range->transfer);
			blob_unref(range->blob);
		}
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
	insert(stream, range);
	return 0;
}
