#include "sync/object/stream.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/activity.h"
#include "base/buf.h"
#include "base/failures.h"
#include "base/log.h"
#include "sync/core/core.h"
#include "sync/core/op.h"
#include "sync/object/ahead.h"
#include "sync/object/budget.h"
#include "sync/object/held.h"
#include "sync/object/intake.h"
#include "sync/object/reader.h"
#include "sync/object/ready.h"
#include "sync/object/size.h"
#include "sync/object/spool.h"
#include "sync/object/waiting.h"

struct stream {
	struct core *core;
	const struct stream_events *events;
	void *ctx;
	char *subject; /* "storage/<id>", for .bkendfs/errors */
	struct size *size;
	struct held *held;
	struct spool *spool;
	struct readers *readers;
	struct intake *intake;
	struct ahead *ahead;
	bool prefetched;  /* nobody has read it yet */
	bool restart_all; /* the size has become known */
	int64_t served;	  /* bytes handed out */
	struct waiting *waiting;
	const struct ahead_room *room;
	struct activity activity; /* while somebody waits */
};

/* ---- failing ---- */

static void report(
    const struct stream *stream, int err, int status, const char *message)
{
	failures_add(stream->core->config.failures, stream->subject,
	    "GET (object)", status, err, "", message);
	log_warn("%s: %s", stream->subject, message);
}

/* Nobody waits, or else it is news that some need not any more. */
static void say_progress(struct stream *stream)
{
	int64_t size = size_true(stream->size);
	if (waiting_is_empty(stream->waiting))
		activity_over(&stream->activity);
	else if (size < 0)
		activity_say(stream->core->config.activities, &stream->activity,
		    "reading %s, which has not answered yet", stream->subject);
	else
		activity_say(stream->core->config.activities, &stream->activity,
		    "reading %s, %" PRId64 " of %" PRId64 " bytes handed out",
		    stream->subject, stream->served, size);
}

static void over(struct stream *stream)
{
	activity_over(&stream->activity);
	stream->events->over(stream->ctx);
}

/* The stream cannot go on: everybody gets err. message, if not NULL, goes to
 * .bkendfs/errors and the log. */
static void fail(
    struct stream *stream, int err, int status, const char *message)
{
	struct wait_list waiting;
	if (message)
		report(stream, err, status, message);
	wait_init(&waiting, NULL, NULL);
	waiting_move(stream->waiting, &waiting);
	over(stream);
	wait_finish(&waiting, err);
}

/* Readers went by a size that was false: they must not go on with it. Who asks
 * for the size is told the truth. */
static void fail_readers(struct stream *stream)
{
	struct wait_list waiting;
	struct sync_op *op;
	bool told = false;
	char message[160];
	snprintf(message, sizeof(message),
	    "the size was given as %" PRId64 ", but the object has %" PRId64
	    " bytes; read it again",
	    size_claimed(stream->size), size_true(stream->size));
	wait_init(&waiting, NULL, NULL);
	waiting_move(stream->waiting, &waiting);
	while ((op = TAILQ_FIRST(&waiting.queue))) {
		bool reads = !op->measures;
		if (reads && !told)
			report(stream, -EIO, 200, message);
		told = told || reads;
		op->node = *size_node(stream->size);
		wait_remove(op);
		op_finish(op, reads ? -EIO : 0);
	}
}

/* ---- going on ---- */

/* Hand to the content cache what has come and is sure. */
static void keep(struct stream *stream)
{
	struct content *content = stream->core->config.content;
	const struct node *node = size_node(stream->size);
	if (intake_is_whole(stream->intake))
		spool_keep(stream->spool, content, node);
	else
		held_keep(stream->held, content, node);
}

/* Whether all of [pos, end) is there. */
static bool has(void *ctx, int64_t pos, int64_t end)
{
	const struct stream *stream = ctx;
	return intake_is_whole(stream->intake)
		   ? spool_holds(stream->spool, end)
		   : held_has(stream->held, pos, end);
}

/* News: ranges have grown. The stream may be over afterwards. */
static void progress(void *ctx)
{
	struct stream *stream = ctx;
	int64_t size = size_true(stream->size);
	bool all = stream->restart_all;
	if (size < 0 || size_is_being_written(stream->size))
		return;
	stream->restart_all = false;
	if (all)
		waiting_restart(stream->waiting);
	else
		waiting_restart_ready(stream->waiting, size);
}

/* ---- what comes in ---- */

static void on_known(void *ctx)
{
	struct stream *stream = ctx;
	stream->restart_all = true;
	waiting_soon(stream->waiting);
}

static void on_grown(void *ctx)
{
	struct stream *stream = ctx;
	if (stream_is_busy(stream))
		waiting_soon(stream->waiting);
}

static void on_came(void *ctx)
{
	struct stream *stream = ctx;
	keep(stream);
	progress(stream);
}

static void on_changed(void *ctx)
{
	struct stream *stream = ctx;
	int r = size_change(stream->size);
	if (r < 0)
		fail(stream, r, 0, NULL);
}

static bool is_awaited(void *ctx)
{
	return stream_is_busy(ctx);
}

static void on_failed(void *ctx, int err, int status, const char *message)
{
	fail(ctx, err, status, message);
}

static const struct intake_events intake_events = {
    on_known, on_grown, on_came, on_changed, is_awaited, on_failed};

/* What was written of the object is in the replica, or is not. */
static void on_settled(void *ctx, enum size_end how, int err)
{
	struct stream *stream = ctx;
	switch (how) {
	case SIZE_FAILED:
		fail(stream, err, 0, NULL);
		break;
	case SIZE_CHANGED:
		fail(stream, -EIO, 200, "the object changed while it was read");
		break;
	case SIZE_CORRECTED:
		/* What came belongs to the node that has the true size. Who
		 * reads the old one gets an error, now and ever: the kernel was
		 * told a false size of it, and what it makes of a reply that
		 * does not fit depends on when it learns better. */
		held_rename(stream->held, size_node(stream->size)->id);
		keep(stream);
		fail_readers(stream);
		break;
	case SIZE_AS_CLAIMED:
		keep(stream);
		waiting_restart(stream->waiting);
		break;
	}
}

/* ---- life ---- */

static void on_abandoned(void *ctx)
{
	over(ctx);
}

static const struct waiting_events waiting_events = {
    progress, has, on_abandoned};

/* The object is another than this node stands for. Should the kernel think that
 * the name still leads here, it is told once more. */
static int refuse(const struct stream *stream)
{
	const struct sync_config *config = &stream->core->config;
	const struct node *node = size_node(stream->size);
	const char *name = strchr(stream->subject, '/') + 1;
	report(stream, -EIO, 200,
	    "the object is not what was told of it before; open it again");
	if (config->name_changed)
		config->name_changed(config->ctx, node->dir, name);
	return -EIO;
}

/* "storage/", and its name there. */
static int load_subject(struct stream *stream)
{
	CLEANUP_BUF struct buf name;
	buf_init(&name, 64 << 10);
	int r = replica_name(
	    stream->core->replica, size_node(stream->size)->id, &name);
	if (r == 0 &&
	    asprintf(&stream->subject, "storage/%s", buf_str(&name)) < 0)
		r = -ENOMEM;
	return r;
}

/* What the other parts share. */
static int make_parts(
    struct stream *stream, const struct stream_place *place, int64_t node_id)
{
	struct core *core = stream->core;
	stream->held = held_new(place->ready, stream, place->slab);
	stream->spool = spool_new();
	stream->readers = readers_new();
	stream->waiting = waiting_new(core->http, &waiting_events, stream);
	if (!stream->held || !stream->spool || !stream->readers ||
	    !stream->waiting)
		return -ENOMEM;
	held_show_in(stream->held, core->config.activities, &stream->activity);
	int r = size_new(core, node_id, on_settled, stream, &stream->size);
	if (r == 0)
		r = load_subject(stream);
	if (r == 0)
		r = intake_new(core, stream->subject, stream->size,
		    stream->held, stream->spool, &intake_events, stream,
		    &stream->intake);
	if (r < 0)
		return r;
	stream->ahead = ahead_new(core, stream->size, stream->held,
	    stream->intake, stream->readers, place->room);
	return stream->ahead ? 0 : -ENOMEM;
}

int stream_new(const struct stream_place *place, int64_t node_id,
    struct stream **ret_stream)
{
	struct stream *stream = calloc(1, sizeof(*stream));
	if (!stream)
		return -ENOMEM;
	stream->core = place->core;
	stream->events = place->events;
	stream->ctx = place->ctx;
	stream->room = place->room;
	int r = make_parts(stream, place, node_id);
	if (r == 0 && size_node(stream->size)->spoiled)
		r = refuse(stream);
	if (r < 0) {
		stream_free(stream);
		return r == -ENOENT ? -ESTALE : r;
	}
	*ret_stream = stream;
	return 0;
}

void stream_free(struct stream *stream)
{
	if (!stream)
		return;
	activity_over(&stream->activity);
	ahead_free(stream->ahead);
	held_free(stream->held);
	intake_free(stream->intake);
	size_free(stream->size);
	spool_free(stream->spool);
	readers_free(stream->readers);
	waiting_free(stream->waiting);
	free(stream->subject);
	free(stream);
}

void *stream_ctx(const struct stream *stream)
{
	return stream->ctx;
}

const struct node *stream_node(const struct stream *stream)
{
	return size_node(stream->size);
}

bool stream_is_busy(const struct stream *stream)
{
	return !waiting_is_empty(stream->waiting);
}

bool stream_is_ahead(const struct stream *stream)
{
	return stream->prefetched;
}

bool stream_is_unread(const struct stream *stream)
{
	return stream->served == 0;
}

int64_t stream_held(const struct stream *stream)
{
	return held_bytes(stream->held);
}

unsigned stream_readers(const struct stream *stream)
{
	return stream->prefetched ? 0
				  : readers_sequential(stream->readers,
					http_now(stream->core->http));
}

static void set_prefetched(struct stream *stream, bool prefetched)
{
	stream->prefetched = prefetched;
	intake_set_speculative(stream->intake, prefetched);
}

int stream_fetch_ahead(struct stream *stream)
{
	const struct node *node = size_node(stream->size);
	if (node->proven &&
	    content_has(stream->core->config.content, node->id, node->size))
		return 1;
	set_prefetched(stream, true);
	if (stream->room->left(stream->room->ctx) < RANGE_FIRST)
		return -ENOSPC;
	return ahead_fetch_first(stream->ahead, 0, RANGE_FIRST);
}

/* ---- handing out ---- */

/* Who would miss bytes that are held. */
static enum held_use use_of(void *ctx, int64_t first, int64_t end)
{
	const struct stream *stream = ctx;
	if (waiting_concerns(stream->waiting, first, end))
		return HELD_AWAITED;
	int64_t now = http_now(stream->core->http);
	return readers_expect(stream->readers, first, end, now) ? HELD_EXPECTED
								: HELD_UNUSED;
}

/* Everything was handed out once: the kernel has it now. */
static bool is_used_up(const struct stream *stream)
{
	int64_t size = size_true(stream->size);
	return size >= 0 && stream->served >= size &&
	       (intake_is_whole(stream->intake) ||
		   held_is_empty(stream->held)) &&
	       !stream_is_busy(stream) && !size_is_being_written(stream->size);
}

/* Some of it was handed out. The stream may be over afterwards. */
static void was_served(struct stream *stream, int64_t bytes)
{
	stream->served += bytes;
	say_progress(stream);
	held_let_go(stream->held, use_of, stream);
	if (is_used_up(stream))
		over(stream);
}

static void moved(struct stream *stream, int64_t pos, int64_t end)
{
	int64_t now = http_now(stream->core->http);
	reader_moved(readers_at(stream->readers, pos, now), end);
}

void stream_was_read(struct stream *stream, struct ready_range *shown,
    const struct ready_use *use)
{
	set_prefetched(stream, false);
	stream->events->used(stream->ctx);
	held_was_taken(shown, use->bytes);
	moved(stream, use->end, use->end);
	int r = ahead_fetch(stream->ahead, use->end, use->end, false);
	if (r < 0)
		fail(stream, r, 0, NULL);
	else
		was_served(stream, use->bytes);
}

static void finish_read(struct stream *stream, struct sync_op *op, int64_t got)
{
	int64_t pos = (int64_t)op->offset;
	op->got = (size_t)got;
	/* The data may be the stream's own: reply before anything goes. The
	 * operation itself is gone then. */
	char *copy = op->copy;
	op_finish(op, 0);
	free(copy);
	moved(stream, pos, pos + got);
	was_served(stream, got);
}

/* Find the bytes of a read: in one range, or put together from several, or in
 * the spool. All of them, 0 when they are not there yet, or -errno. */
static int64_t gather(
    struct stream *stream, struct sync_op *op, int64_t pos, int64_t end)
{
	bool whole = intake_is_whole(stream->intake);
	op->data = whole ? NULL : held_take(stream->held, pos, end);
	if (op->data)
		return end - pos;
	if (!has(stream, pos, end))
		return 0;
	op->data = op->copy = malloc((size_t)(end - pos));
	if (!op->copy)
		return -ENOMEM;
	if (whole)
		return spool_read(stream->spool, pos, op->copy, end - pos);
	return held_copy(stream->held, pos, op->copy, end - pos);
}

/* Wait for what is to come. got: 0, or how gathering what is there failed. */
static void wait_for_bytes(
    struct stream *stream, struct sync_op *op, int64_t end, int got)
{
	waiting_add(stream->waiting, op);
	say_progress(stream);
	int r = got < 0 ? got
			: ahead_fetch(
			      stream->ahead, (int64_t)op->offset, end, true);
	if (r == AHEAD_DISK_IS_BEHIND)
		r = waiting_for_disk(stream->waiting);
	if (r < 0)
		fail(stream, r, 0,
		    r == -EIO ? "what was written of it cannot be read" : NULL);
}

static void read_bytes(
    struct stream *stream, struct sync_op *op, int64_t pos, int64_t end)
{
	int64_t got = gather(stream, op, pos, end);
	/* A read up to the end that was told must know that it is one. */
	bool unsure = size_true(stream->size) < 0;
	if (got == end - pos && !unsure) {
		ahead_fetch(stream->ahead, pos, end, false);
		finish_read(stream, op, got);
		return;
	}
	free(op->copy);
	op->copy = NULL;
	wait_for_bytes(stream, op, end, got < 0 ? (int)got : 0);
}

void stream_read(struct stream *stream, struct sync_op *op)
{
	int64_t pos = (int64_t)op->offset, end = pos + (int64_t)op->len;
	int64_t size = size_true(stream->size);
	int64_t proven = size_proven(stream->size);
	set_prefetched(stream, false);
	if (size >= 0 && end > size)
		end = size;
	if (size_is_being_written(stream->size)) {
		waiting_add(stream->waiting, op);
	} else if (size < 0 && proven >= 0 && pos >= proven) {
		op->got = 0;
		op_finish(op, 0);
	} else if (size >= 0 && pos >= end) {
		finish_read(stream, op, 0);
	} else {
		read_bytes(stream, op, pos, end);
	}
}

void stream_measure(struct stream *stream, struct sync_op *op)
{
	int64_t size = size_true(stream->size);
	int r = 0;
	if (size >= 0 && !size_is_being_written(stream->size)) {
		op->node.size = size; /* it could not be noted */
		op_finish(op, 0);
		return;
	}
	waiting_add(stream->waiting, op);
	if (size < 0 && held_is_empty(stream->held) &&
	    !intake_is_whole(stream->intake))
		r = intake_fetch(stream->intake, 0, RANGE_SMALL);
	if (r < 0)
		fail(stream, r, 0, NULL);
}
