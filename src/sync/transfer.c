/*
 * One range's way here: URL, request, the answer held against what is known of
 * the object, and another attempt from the last byte that came.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/timestamp.h"
#include "http/retry.h"
#include "sync/stream.h"

/* A signed URL is not used in its last moments, in milliseconds. */
#define URL_MARGIN_MS 2000

/* A fresh URL that is refused so often in a row means it. */
#define RENEWALS_MAX 2

static int range_send(struct range *range);

void range_free(struct range *range)
{
	api_object_cancel(range->transfer);
	http_timer_stop(range->stream->sync->http, range->pause);
	ready_hide(&range->stream->sync->ready, &range->shown);
	TAILQ_REMOVE(&range->stream->ranges, range, link);
	blob_unref(range->blob);
	free(range);
}

/* ---- the URL ---- */

static void url_forget(struct stream *stream)
{
	free_secret(TAKE(stream->url));
}

static bool url_is_usable(const struct stream *stream)
{
	return stream->url &&
	       (stream->url_expires_ms < 0 ||
		   timestamp_now_ms() < stream->url_expires_ms - URL_MARGIN_MS);
}

/* All ranges that wait for a URL may go. */
static int send_waiting(struct stream *stream)
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

static void on_url(void *ctx, const struct api_error *error,
    const struct answer_download *download)
{
	struct stream *stream = ctx;
	stream->url_call = NULL;
	if (error->err) {
		stream_fail(stream, error->err, error->status, NULL);
		return;
	}
	if (!http_url_is_http(download->url) ||
	    http_url_is_clear_remote(download->url)) {
		stream_fail(stream, -EPROTO, error->status,
		    "the download URL is not one to follow: only https, or"
		    " http on this machine");
		return;
	}
	url_forget(stream);
	stream->url_serial++;
	stream->url = strdup(download->url);
	if (!stream->url) {
		stream_fail(stream, -ENOMEM, 0, NULL);
		return;
	}
	stream->url_expires_ms = download->expires_ms;
	/* A clock that differs from the server's must not keep us from trying:
	 * the store itself knows best. */
	if (!url_is_usable(stream))
		stream->url_expires_ms = -1;
	int r = send_waiting(stream);
	if (r < 0)
		stream_fail(stream, r, 0, NULL);
}

static int url_want(struct stream *stream)
{
	if (stream->url_call)
		return 0;
	url_forget(stream);
	stream->url_call = api_download_url(stream->sync->api, stream->subject,
	    buf_str(&stream->file_id), stream->file_id.len, stream->prefetched,
	    on_url, stream);
	return stream->url_call ? 0 : -ENOMEM;
}

/* ---- the answer ---- */

static bool is_date(const char *validator)
{
	size_t len = strlen(validator);
	return len > 3 && strcmp(validator + len - 3, "GMT") == 0;
}

/* Whether two answers are of different versions, for certain. */
static bool differ(const char *a, const char *b)
{
	return *a && *b && is_date(a) == is_date(b) && strcmp(a, b) != 0;
}

/* The object must be the one that answered first. */
static int check_same(struct stream *stream, const struct http_head *head)
{
	const char *validator = http_head_validator(head);
	if (!stream->validator[0] && !stream->node.proven && stream->size < 0)
		strcpy(stream->validator, validator);
	else if (differ(stream->validator, validator))
		return -ESTALE;
	return 0;
}

static int head_partial(struct range *range, const struct http_head *head)
{
	struct stream *stream = range->stream;
	int64_t first = range->first + range->filled;
	if (head->range_start != first || head->range_total < 0 ||
	    head->range_end >= head->range_total)
		return -EPROTO;
	int r = check_same(stream, head);
	if (r == 0)
		r = stream_learn_size(stream, head->range_total);
	if (r == 0 && range->first + range->len > stream->size)
		range->len = stream->size - range->first;
	return r;
}

/* 200: the whole object comes, whatever was asked for. */
static int head_whole(struct range *range, const struct http_head *head)
{
	struct stream *stream = range->stream;
	int r = check_same(stream, head);
	if (stream->spooler && stream->spooler != range)
		return -ECANCELED; /* one copy is enough */
	if (r == 0)
		r = spool_open(stream);
	if (r == 0 && head->content_length >= 0)
		r = stream_learn_size(stream, head->content_length);
	if (r == 0) {
		stream->no_range = true;
		stream->spooler = range;
		spool_restart(stream);
	}
	return r;
}

/* 416: nothing is there at that position; the answer may tell the size. */
static int head_beyond(struct range *range, const struct http_head *head)
{
	struct stream *stream = range->stream;
	int64_t total = head->range_total;
	if (total < 0) {
		if (range->first == 0) {
			stream->plain = true; /* ask for the whole instead */
			return -EAGAIN;
		}
		return -EPROTO;
	}
	if (total > range->first)
		return -EPROTO;
	return stream_learn_size(stream, total);
}

static int on_head(void *ctx, const struct http_head *head)
{
	struct range *range = ctx;
	range->head = *head;
	range->refused = 0;
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
	range->progress_ms = http_now(stream->sync->http);
	range->attempt = range->renewals = 0;
	if (!TAILQ_EMPTY(&stream->waiting.queue))
		stream_schedule_progress(stream);
	if (range->head.status == 200)
		return spool_add(stream, data, len);
	if ((int64_t)len > range->len - range->filled)
		return -EPROTO; /* more than was announced */
	memcpy(range->blob->data + range->filled, data, len);
	range->filled += (int64_t)len;
	ready_show(&stream->sync->ready, &range->shown, range->filled);
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
	struct sync *sync = range->stream->sync;
	struct retry_outcome outcome = {
	    .status = status,
	    .retry_after_ms = range->head.retry_after_ms,
	    .attempt = range->attempt,
	    .elapsed_ms = http_now(sync->http) - range->progress_ms,
	    .budget_ms = sync->config.retry_ms,
	    .random = (uint32_t)random(),
	};
	int64_t wait = retry_wait_ms(&outcome);
	if (wait >= 0)
		range->pause =
		    http_timer_start(sync->http, wait, on_pause_over, range);
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
	if (range->head.status == 200)
		return true;
	return range->filled >= range->len;
}

/* How far away the store seems to be. */
static void learn_distance(const struct range *range)
{
	struct stream *stream = range->stream;
	int64_t took = http_now(stream->sync->http) - range->sent_ms;
	if (range->len < RANGE_FIRST || range->sent_from > 0)
		return;
	if (took <= NEAR_MS)
		stream->near = true;
	else if (took > FAR_MS)
		stream->near = false;
}

/* A whole object has come: now its size is sure, if it was not before. */
static void whole_done(struct range *range)
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

/* Those that waited for one less to be under way. */
static void on_send_timer(void *ctx)
{
	struct stream *stream = ctx;
	stream->send_timer = NULL;
	int r = send_waiting(stream);
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
		    stream->sync->http, 0, on_send_timer, stream);
		if (!stream->send_timer) {
			stream_fail(stream, -ENOMEM, 0, NULL);
			return;
		}
	}
	if (range->refused == -EAGAIN) {
		send_or_fail(range);
	} else if (range->refused == -ECANCELED) {
		range_free(range);
	} else if (range->refused == -ESTALE) {
		stream_changed(stream);
	} else if (range->refused == -EPROTO || err == -EPROTO) {
		give_up(range, -EPROTO, status,
		    "the object store's answer is not what was asked for");
	} else if (range->refused || err == -ENOSPC || err == -ENOMEM ||
		   err == -EKEYREJECTED) {
		give_up(range, range->refused ? range->refused : err, status,
		    detail);
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
	} else if (status == 200) {
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
	bool whole = stream->no_range || stream->plain;
	range->attempt++;
	range->sent_from = range->filled;
	range->sent_ms = http_now(stream->sync->http);
	range->url_serial = stream->url_serial;
	range->head = (struct http_head){.retry_after_ms = -1};
	range->refused = 0;
	range->transfer =
	    api_object_get(stream->sync->api, stream->url, whole ? -1 : first,
		last, stream->validator, stream->prefetched, &sink, range);
	return range->transfer ? 0 : -errno;
}

int range_start(struct stream *stream, int64_t first, int64_t len)
{
	struct range *range = calloc(1, sizeof(*range)), *after;
	if (range)
		range->blob = blob_new((size_t)len, &stream->sync->bytes_held);
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
	range->progress_ms = http_now(stream->sync->http);
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
	    http_timer_start(stream->sync->http, 0, on_pause_over, range);
	if (!range->pause) {
		range_free(range);
		return -ENOMEM;
	}
	return 0;
}
