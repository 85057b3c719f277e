#include "sync/object/stream.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/download.h"
#include "api/record.h"
#include "base/log.h"
#include "sync/object/prefetch.h"

void stream_free(struct stream *stream)
{
	struct held_range *range;
	while ((range = TAILQ_FIRST(&stream->ranges)))
		range_drop(range);
	download_free(stream->download);
	http_timer_stop(stream->core->http, stream->progress_timer);
	http_timer_stop(stream->core->http, stream->backlog_timer);
	http_timer_stop(stream->core->http, stream->send_timer);
	write_unhook(&stream->size_hook);
	TAILQ_REMOVE(&stream->streams->list, stream, link);
	if (stream->spool >= 0)
		close(stream->spool);
	free(stream->subject);
	free(stream);
}

void streams_drop_all(struct streams *streams)
{
	struct stream *stream;
	http_timer_stop(streams->core->http, streams->idle_timer);
	streams->idle_timer = NULL;
	while ((stream = TAILQ_FIRST(&streams->list)))
		stream_free(stream);
}

void streams_free(struct streams *streams)
{
	if (!streams)
		return;
	streams_drop_all(streams);
	ready_done(&streams->ready);
	free(streams);
}

struct streams *streams_new(
    struct core *core, void (*read_notes)(void *streams))
{
	struct streams *streams = calloc(1, sizeof(*streams));
	if (!streams)
		return NULL;
	streams->core = core;
	streams->read_notes = read_notes;
	streams->notes_task =
	    (struct http_task){.fn = read_notes, .ctx = streams};
	TAILQ_INIT(&streams->list);
	ready_init(&streams->ready);
	return streams;
}

static void on_abandoned(void *ctx)
{
	stream_free(ctx);
}

bool stream_is_busy(const struct stream *stream)
{
	return !TAILQ_EMPTY(&stream->waiting.queue);
}

/* Give up streams that nobody reads any more. */
static void on_idle_timer(void *ctx)
{
	struct streams *streams = ctx;
	struct stream *stream, *next;
	int64_t now = http_now(streams->core->http);
	streams->idle_timer = NULL;
	streams->read_notes(streams);
	for (stream = TAILQ_FIRST(&streams->list); stream; stream = next) {
		next = TAILQ_NEXT(stream, link);
		int64_t kept =
		    stream->prefetched ? STREAM_UNREAD_MS : STREAM_IDLE_MS;
		if (!stream_is_busy(stream) && now - stream->used_ms > kept)
			stream_free(stream);
	}
	if (!TAILQ_EMPTY(&streams->list))
		streams->idle_timer = http_timer_start(streams->core->http,
		    STREAM_IDLE_MS / 2, on_idle_timer, streams);
}

/* Room for more: the longest unused give up theirs first. */
int64_t stream_room_left(struct stream *for_stream)
{
	struct streams *streams = for_stream->streams;
	struct stream *stream, *next;
	int64_t held = 0;
	TAILQ_FOREACH (stream, &streams->list, link)
		held += stream_bytes_held(stream);
	for (stream = TAILQ_FIRST(&streams->list);
	     stream && held >= AHEAD_ALL_MAX; stream = next) {
		next = TAILQ_NEXT(stream, link);
		if (stream == for_stream || stream_is_busy(stream))
			continue;
		held -= stream_bytes_held(stream);
		stream_free(stream);
	}
	/* What is still being written to the content cache counts as well. */
	return AHEAD_ALL_MAX - streams->bytes_held;
}

static void on_size_committed(void *ctx, int err);

static void on_url(void *ctx)
{
	struct stream *stream = ctx;
	int r = range_send_waiting(stream);
	if (r < 0)
		stream_fail(stream, r, 0, NULL);
}

static void on_no_url(void *ctx, int err, int status, const char *message)
{
	stream_fail(ctx, err, status, message);
}

static const struct download_events download_events = {on_url, on_no_url};

/* The stored file whose object this is. */
static int new_download(struct stream *stream)
{
	CLEANUP_BUF struct buf id;
	buf_init(&id, RECORD_ID_MAX);
	int r = replica_key(stream->core->replica, stream->node.id, &id);
	if (r < 0)
		return r;
	stream->download = download_new(stream->core->api, stream->subject,
	    buf_str(&id), id.len, &download_events, stream);
	return stream->download ? 0 : -ENOMEM;
}

/* What the replica knows of the object. */
static int load_object(struct stream *stream)
{
	struct replica *replica = stream->core->replica;
	CLEANUP_BUF struct buf text;
	buf_init(&text, 64 << 10);
	int r = replica_etag(replica, stream->node.id, &text);
	if (r < 0)
		return r;
	version_load(stream, buf_str(&text));
	buf_clear(&text);
	r = replica_name(replica, stream->node.id, &text);
	if (r == 0 &&
	    asprintf(&stream->subject, "storage/%s", buf_str(&text)) < 0)
		r = -ENOMEM;
	return r < 0 ? r : new_download(stream);
}

/* The object is another than this node stands for. Should the kernel think that
 * the name still leads here, it is told once more. */
static int refuse(struct stream *stream)
{
	const struct sync_config *config = &stream->core->config;
	const char *name = strchr(stream->subject, '/') + 1;
	stream_report(stream, -EIO, 200,
	    "the object is not what was told of it before; open it again");
	if (config->name_changed)
		config->name_changed(config->ctx, stream->node.dir, name);
	return -EIO;
}

static int stream_new(
    struct streams *streams, int64_t node_id, struct stream **ret_stream)
{
	struct core *core = streams->core;
	struct stream *stream = calloc(1, sizeof(*stream));
	if (!stream)
		return -ENOMEM;
	stream->core = core;
	stream->streams = streams;
	stream->size = -1;
	stream->spool = -1;
	stream->kept_segment = -1;
	stream->used_ms = http_now(core->http);
	TAILQ_INIT(&stream->ranges);
	wait_init(&stream->waiting, on_abandoned, stream);
	stream->size_hook =
	    (struct commit_hook){.fn = on_size_committed, .ctx = stream};
	TAILQ_INSERT_TAIL(&streams->list, stream, link);
	int r = replica_get(core->replica, node_id, &stream->node);
	if (r == 0)
		r = load_object(stream);
	if (r == 0 && stream->node.spoiled)
		r = refuse(stream);
	if (r < 0) {
		stream_free(stream);
		return r == -ENOENT ? -ESTALE : r;
	}
	if (!streams->idle_timer)
		streams->idle_timer = http_timer_start(
		    core->http, STREAM_IDLE_MS / 2, on_idle_timer, streams);
	*ret_stream = stream;
	return 0;
}

void stream_use(struct stream *stream)
{
	struct streams *streams = stream->streams;
	/* The longest unused stands first. */
	TAILQ_REMOVE(&streams->list, stream, link);
	TAILQ_INSERT_TAIL(&streams->list, stream, link);
	stream->used_ms = http_now(stream->core->http);
}

int stream_get(
    struct streams *streams, int64_t node_id, struct stream **ret_stream)
{
	struct stream *stream;
	TAILQ_FOREACH (stream, &streams->list, link) {
		if (stream->node.id != node_id)
			continue;
		stream_use(stream);
		*ret_stream = stream;
		return 0;
	}
	return stream_new(streams, node_id, ret_stream);
}

/* ---- size ---- */

/* Readers went by a size that was false: they must not go on with it. Who asks
 * for the size is told the truth. */
static void fail_readers(struct stream *stream, int64_t claimed)
{
	struct wait_list waiting;
	struct sync_op *op;
	bool told = false;
	char message[160];
	snprintf(message, sizeof(message),
	    "the size was given as %" PRId64 ", but the object has %" PRId64
	    " bytes; read it again",
	    claimed, stream->size);
	wait_init(&waiting, NULL, NULL);
	wait_move(&stream->waiting, &waiting);
	while ((op = TAILQ_FIRST(&waiting.queue))) {
		bool reads = !op->measures;
		if (reads && !told)
			stream_report(stream, -EIO, 200, message);
		told = told || reads;
		op->node = stream->node;
		wait_remove(op);
		op_finish(op, reads ? -EIO : 0);
	}
}

void stream_changed(struct stream *stream)
{
	struct core *core = stream->core;
	struct node fresh;
	if (stream->changed)
		return;
	stream->changed = true;
	int r = write_begin(core->write);
	if (r == 0)
		r = write_changes_name_of(core->write, &stream->node);
	if (r == 0)
		r = replica_renew_object(
		    core->replica, &stream->node, -1, "", &fresh);
	if (r < 0)
		stream_fail(stream, r, 0, NULL);
	else
		write_hook(core->write, &stream->size_hook);
}

/* On a full disk the size cannot be noted. Where it is as the metadata claim,
 * nothing is wrong without that. */
static bool is_as_claimed(const struct stream *stream, int err)
{
	return err == -ENOSPC && !stream->changed &&
	       stream->size == stream->node.size;
}

/* What came belongs to the node that has the true size. Who reads the old one
 * gets an error, now and ever: the kernel was told a false size of it, and what
 * it makes of a reply that does not fit depends on when it learns better. */
static void take_up_node(struct stream *stream)
{
	struct ready *ready = &stream->streams->ready;
	struct held_range *range;
	TAILQ_FOREACH (range, &stream->ranges, link)
		ready_hide(ready, &range->shown);
	stream->wrong_claim = false;
	stream->node = stream->corrected;
	TAILQ_FOREACH (range, &stream->ranges, link) {
		range->shown.node = stream->node.id;
		if (range->filled)
			ready_show(ready, &range->shown, range->filled);
	}
	stream_keep(stream);
	stream->restart_all = false;
}

/* The true size is in the replica. */
static void on_size_committed(void *ctx, int err)
{
	struct stream *stream = ctx;
	if (err < 0 && !is_as_claimed(stream, err)) {
		stream_fail(stream, err, 0, NULL);
		return;
	}
	if (stream->changed) {
		stream_fail(
		    stream, -EIO, 200, "the object changed while it was read");
		return;
	}
	if (stream->wrong_claim) {
		int64_t claimed = stream->node.size;
		take_up_node(stream);
		fail_readers(stream, claimed);
		return;
	}
	stream->node.size = stream->size;
	stream->node.proven = err == 0;
	stream_keep(stream);
	stream->restart_all = false;
	wait_restart(&stream->waiting);
}

/* A size that nobody was told of is put right in its place; where somebody was
 * told another one, by a new node. */
static int write_size(struct stream *stream)
{
	struct core *core = stream->core;
	struct node *node = &stream->node;
	char version[VERSION_TEXT];
	version_text(stream, version);
	if (node->size == stream->size || !core_size_is_known(core, node))
		return replica_set_object(core->replica, node->id, stream->size,
		    version, &node->salt);
	int r = write_changes_name_of(core->write, node);
	if (r == 0)
		r = replica_renew_object(core->replica, node, stream->size,
		    version, &stream->corrected);
	if (r == 0 && !stream->corrected.id)
		r = -EIO; /* it is a file's old version: nobody can go on */
	stream->wrong_claim = r == 0;
	return r;
}

int stream_learn_size(struct stream *stream, int64_t size)
{
	if (stream->size >= 0)
		return stream->size == size ? 0 : -ESTALE;
	if (stream->node.proven && stream->node.size != size)
		return -ESTALE;
	if (size > RECORD_SIZE_MAX)
		return -EFBIG;
	stream->size = size;
	stream->restart_all = true;
	if (stream->node.proven) {
		stream_schedule_progress(stream);
		return 0;
	}
	int r = write_begin(stream->core->write);
	if (r == 0)
		r = write_size(stream);
	if (r == 0)
		write_hook(stream->core->write, &stream->size_hook);
	if (r < 0 && is_as_claimed(stream, r)) {
		stream_schedule_progress(stream);
		return 0;
	}
	return r;
}

/* ---- failing ---- */

void stream_report(
    struct stream *stream, int err, int status, const char *message)
{
	failures_add(stream->core->config.failures, stream->subject,
	    "GET (object)", status, err, "", message);
	log_warn("%s: %s", stream->subject, message);
}

void stream_fail(
    struct stream *stream, int err, int status, const char *message)
{
	struct wait_list waiting;
	if (message)
		stream_report(stream, err, status, message);
	wait_init(&waiting, NULL, NULL);
	wait_move(&stream->waiting, &waiting);
	stream_free(stream);
	wait_finish(&waiting, err);
}

/* ---- beginning, going on ---- */

int stream_prefetch(struct streams *streams, int64_t node_id)
{
	struct stream *stream;
	TAILQ_FOREACH (stream, &streams->list, link) {
		if (stream->node.id == node_id)
			return 0;
	}
	int r = stream_new(streams, node_id, &stream);
	if (r < 0)
		return r;
	if (stream->node.proven && content_has(stream->core->config.content,
				       node_id, stream->node.size)) {
		stream_free(stream);
		return 1;
	}
	stream->prefetched = true;
	r = stream_room_left(stream) < RANGE_FIRST
		? -ENOSPC
		: stream_fetch_first(stream, 0, RANGE_FIRST);
	if (r < 0)
		stream_free(stream);
	return r;
}

void streams_measure(void *ctx, struct sync_op *op)
{
	struct streams *streams = ctx;
	struct core *core = streams->core;
	struct stream *stream;
	op->measures = true;
	int r = replica_get(core->replica, op->node_id, &op->node);
	if (r < 0 || op->node.proven) {
		op_finish(op, r);
		return;
	}
	r = core->api ? stream_get(streams, op->node_id, &stream) : -ENODATA;
	if (r < 0) {
		op_finish(op, r);
		return;
	}
	if (stream->size >= 0 && !stream->size_hook.queue) {
		op->node.size = stream->size; /* it could not be noted */
		op_finish(op, 0);
		return;
	}
	wait_add(&stream->waiting, op);
	if (stream->size < 0 && TAILQ_EMPTY(&stream->ranges) &&
	    !stream->no_range)
		r = range_start(stream, 0, RANGE_SMALL);
	if (r < 0)
		stream_fail(stream, r, 0, NULL);
}

void stream_progress(struct stream *stream)
{
	struct sync_op *op, *next;
	if (stream->size < 0 || stream->size_hook.queue)
		return;
	if (stream->restart_all) {
		stream->restart_all = false;
		wait_restart(&stream->waiting);
		return; /* the stream may be gone */
	}
	/* Only those go on whose bytes are there: no idle rounds. They are
	 * taken out first: what comes of one may end the stream, and all who
	 * wait. */
	struct wait_list ready;
	wait_init(&ready, NULL, NULL);
	for (op = TAILQ_FIRST(&stream->waiting.queue); op; op = next) {
		next = TAILQ_NEXT(op, link);
		int64_t pos = (int64_t)op->offset;
		int64_t end = pos + (int64_t)op->len;
		if (end > stream->size)
			end = stream->size;
		if (op->measures || !stream_holds(stream, pos, end))
			continue;
		wait_remove(op);
		wait_add(&ready, op);
	}
	wait_restart(&ready); /* the stream may be gone */
}

static void on_progress_timer(void *ctx)
{
	struct stream *stream = ctx;
	stream->progress_timer = NULL;
	stream_progress(stream);
}

void stream_schedule_progress(struct stream *stream)
{
	if (!stream->progress_timer)
		stream->progress_timer = http_timer_start(
		    stream->core->http, 0, on_progress_timer, stream);
}

static void on_backlog_timer(void *ctx)
{
	struct stream *stream = ctx;
	stream->backlog_timer = NULL;
	wait_restart(&stream->waiting);
}

int stream_wait_for_disk(struct stream *stream)
{
	if (!stream->backlog_timer)
		stream->backlog_timer = http_timer_start(stream->core->http,
		    BACKLOG_WAIT_MS, on_backlog_timer, stream);
	return stream->backlog_timer ? 0 : -ENOMEM;
}
