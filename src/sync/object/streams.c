/* Reading an object from a stream. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "sync/object/prefetch.h"
#include "sync/object/stream.h"

/* Everything was handed out once: the kernel has it now. */
static bool is_used_up(const struct stream *stream)
{
	return stream->size >= 0 && stream->served >= stream->size &&
	       (stream->no_range || TAILQ_EMPTY(&stream->ranges)) &&
	       !stream_is_busy(stream) && !stream->size_hook.queue;
}

/* Some of it was handed out. The stream may be gone afterwards. */
static void was_read(struct stream *stream, int64_t bytes)
{
	stream->served += bytes;
	stream_drop_read(stream);
	if (is_used_up(stream))
		stream_free(stream);
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
	reader_moved(stream_reader(stream, pos), pos + got);
	was_read(stream, got);
}

/* Find the bytes of a read: in one range, or put together from several, or in
 * the spool. All of them, 0 when they are not there yet, or -errno. */
static int64_t gather(
    struct stream *stream, struct sync_op *op, int64_t pos, int64_t end)
{
	struct held_range *range = stream_range_at(stream, pos);
	if (range && !stream->no_range && range->first + range->filled >= end) {
		op->data = range->blob->data + (pos - range->first);
		stream_serve(stream, range, end - pos);
		return end - pos;
	}
	if (!stream_holds(stream, pos, end))
		return 0;
	op->data = op->copy = malloc((size_t)(end - pos));
	if (!op->copy)
		return -ENOMEM;
	if (stream->no_range)
		return spool_read(stream, pos, op->copy, end - pos);
	return stream_copy(stream, pos, op->copy, end - pos);
}

static void read_stream(struct stream *stream, struct sync_op *op)
{
	int64_t pos = (int64_t)op->offset, end = pos + (int64_t)op->len;
	stream->prefetched = false;
	if (stream->size_hook.queue) {
		wait_add(&stream->waiting, op); /* the size is being written */
		return;
	}
	if (stream->size >= 0 && end > stream->size)
		end = stream->size;
	if (stream->size < 0 && stream->node.proven &&
	    pos >= stream->node.size) {
		op->got = 0;
		op_finish(op, 0);
		return;
	}
	if (pos >= end && stream->size >= 0) {
		finish_read(stream, op, 0);
		return;
	}
	int64_t got = gather(stream, op, pos, end);
	/* A read up to the end that was told must know that it is one. */
	bool unsure = stream->size < 0;
	if (got == end - pos && !unsure) {
		stream_fetch(stream, pos, end, false);
		finish_read(stream, op, got);
		return;
	}
	free(op->copy);
	op->copy = NULL;
	wait_add(&stream->waiting, op);
	int r = got < 0 ? (int)got : stream_fetch(stream, pos, end, true);
	if (r < 0)
		stream_fail(stream, r, 0,
		    r == -EIO ? "what was written of it cannot be read" : NULL);
}

void streams_read(void *ctx, struct sync_op *op)
{
	struct streams *streams = ctx;
	struct stream *stream;
	int r = streams->core->api ? stream_get(streams, op->node_id, &stream)
				   : -ENODATA;
	if (r < 0) {
		op_finish(op, r);
		return;
	}
	bool first = op->offset == 0 && stream->served == 0 && op->tries++ == 0;
	struct node node = stream->node;
	read_stream(stream, op);
	/* Afterwards: what is fetched ahead may take an idle stream's room, and
	 * this one may be idle by now. */
	if (first)
		prefetch_observe(streams, &node);
}

/* ---- what was handed out without asking ---- */

/* What was handed out of a range meanwhile. */
static void take_note(struct held_range *range, const struct ready_use *use)
{
	struct stream *stream = range->stream;
	struct streams *streams = stream->streams;
	struct node node = stream->node;
	bool first = use->from_begin && stream->served == 0;
	stream->prefetched = false;
	stream_use(stream);
	stream_serve(stream, range, use->bytes);
	reader_moved(stream_reader(stream, use->end), use->end);
	int r = stream_fetch(stream, use->end, use->end, false);
	if (r < 0)
		stream_fail(stream, r, 0, NULL);
	else
		was_read(stream, use->bytes);
	if (first)
		prefetch_observe(streams, &node);
}

static struct held_range *range_of(struct ready_range *shown)
{
	void *start = (char *)shown - offsetof(struct held_range, shown);
	return start;
}

void streams_read_notes(void *ctx)
{
	struct streams *streams = ctx;
	struct ready_range *shown;
	struct ready_use use;
	while ((shown = ready_note(&streams->ready, &use)))
		take_note(range_of(shown), &use);
}
