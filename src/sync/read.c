/* Reading an object: from a stream, on the loop; or, when the bytes are here
 * already, at once on any thread. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "sync/prefetch.h"
#include "sync/stream.h"

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

static void begin_read(struct sync *sync, struct sync_op *op)
{
	struct stream *stream;
	int r = sync->api ? stream_get(sync, op->node_id, &stream) : -ENODATA;
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
		prefetch_observe(sync, &node);
}

void sync_read(struct sync *sync, struct sync_op *op)
{
	op_start(sync, op, begin_read);
}

/* ---- at once ---- */

/* What was handed out of a range meanwhile. */
static void take_note(struct held_range *range, const struct ready_use *use)
{
	struct stream *stream = range->stream;
	struct sync *sync = stream->sync;
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
		prefetch_observe(sync, &node);
}

static struct held_range *range_of(struct ready_range *shown)
{
	void *start = (char *)shown - offsetof(struct held_range, shown);
	return start;
}

void stream_read_notes(struct sync *sync)
{
	struct ready_range *shown;
	struct ready_use use;
	while ((shown = ready_note(&sync->ready, &use)))
		take_note(range_of(shown), &use);
}

void sync_on_notes(void *ctx)
{
	stream_read_notes(ctx);
}

/* From the content cache, into memory of the caller's. */
static int read_kept(struct sync *sync, const struct node *node, int64_t offset,
    size_t len, struct sync_bytes *ret_bytes)
{
	struct blob *blob = blob_new(len, NULL);
	if (!blob)
		return -ENOMEM;
	int r =
	    content_read(sync->config.content, node, offset, blob->data, len);
	if (r < 0)
		blob_unref(blob);
	else
		*ret_bytes = (struct sync_bytes){blob->data, len, blob};
	return r;
}

static int read_now(struct sync *sync, const struct node *node, int64_t pos,
    size_t len, bool asked, struct sync_bytes *ret_bytes)
{
	const char *data = NULL;
	bool wake;
	if (!node->proven || node->spoiled)
		return -EAGAIN;
	if (pos >= node->size) {
		*ret_bytes = (struct sync_bytes){"", 0, NULL};
		return 0;
	}
	if (len > (size_t)(node->size - pos))
		len = (size_t)(node->size - pos);
	struct blob *blob = ready_take(&sync->ready, node->id, pos,
	    pos + (int64_t)len, asked, &data, &wake);
	if (wake)
		http_post(sync->http, &sync->notes_task);
	if (blob)
		*ret_bytes = (struct sync_bytes){data, len, blob};
	else if (read_kept(sync, node, pos, len, ret_bytes) < 0)
		return -EAGAIN;
	return 0;
}

int sync_read_now(struct sync *sync, const struct node *node, uint64_t offset,
    size_t len, struct sync_bytes *ret_bytes)
{
	return read_now(sync, node, (int64_t)offset, len, true, ret_bytes);
}

int sync_read_ahead(struct sync *sync, const struct node *node, size_t len,
    struct sync_bytes *ret_bytes)
{
	return read_now(sync, node, 0, len, false, ret_bytes);
}

void sync_bytes_done(struct sync_bytes *bytes)
{
	blob_unref(bytes->blob);
}
