/* The ranges that a stream holds: what is there, and what to ask for next. */
#include <errno.h>
#include <string.h>

#include "sync/object/stream.h"

int64_t stream_bytes_held(const struct stream *stream)
{
	const struct held_range *range;
	int64_t bytes = 0;
	TAILQ_FOREACH (range, &stream->ranges, link)
		bytes += range->len;
	return bytes;
}

struct held_range *stream_range_at(struct stream *stream, int64_t pos)
{
	struct held_range *range;
	TAILQ_FOREACH (range, &stream->ranges, link) {
		if (pos >= range->first && pos < range->first + range->len)
			return range;
	}
	return NULL;
}

/* Copy what is there from pos on; how much that was. */
int64_t stream_copy(struct stream *stream, int64_t pos, char *out, int64_t len)
{
	int64_t done = 0;
	while (done < len) {
		struct held_range *range = stream_range_at(stream, pos + done);
		if (!range)
			break;
		int64_t at = pos + done - range->first;
		int64_t n = range->filled - at;
		if (n <= 0)
			break;
		if (n > len - done)
			n = len - done;
		memcpy(out + done, range->blob->data + at, (size_t)n);
		stream_serve(stream, range, n);
		done += n;
	}
	return done;
}

static bool is_kept(struct stream *stream, int64_t pos)
{
	int64_t block = pos / CONTENT_BLOCK;
	int64_t segment = block / CONTENT_SEGMENT;
	if (segment != stream->kept_segment) {
		stream->kept_segment = segment;
		stream->kept_blocks = content_segment(
		    stream->core->config.content, stream->node.id, segment);
	}
	return stream->kept_blocks >> (block % CONTENT_SEGMENT) & 1;
}

static int64_t block_begin(int64_t pos)
{
	return pos - pos % CONTENT_BLOCK;
}

/* The first position from pos on that is to be fetched: no range covers it,
 * nor, from must on, does the content cache. */
static int64_t first_gap(
    struct stream *stream, int64_t pos, int64_t must, int64_t end)
{
	struct held_range *range;
	while (pos < end) {
		if ((range = stream_range_at(stream, pos)))
			pos = range->first + range->len;
		else if (pos >= must && is_kept(stream, pos))
			pos = block_begin(pos) + CONTENT_BLOCK;
		else
			break;
	}
	return pos;
}

/* How far a range from a gap on may get. */
static int64_t gap_size(
    struct stream *stream, int64_t gap, int64_t must, int64_t most)
{
	struct held_range *after;
	TAILQ_FOREACH (after, &stream->ranges, link) {
		if (after->first > gap && after->first < gap + most)
			most = after->first - gap;
	}
	int64_t pos = block_begin(gap) + CONTENT_BLOCK;
	for (; pos < gap + most; pos += CONTENT_BLOCK) {
		if (pos >= must && is_kept(stream, pos))
			return pos - gap;
	}
	return most;
}

/* Whether all of [pos, end) is there. */
bool stream_holds(struct stream *stream, int64_t pos, int64_t end)
{
	if (stream->no_range)
		return spool_holds(stream, end);
	while (pos < end) {
		struct held_range *range = stream_range_at(stream, pos);
		if (!range || range->filled <= pos - range->first)
			return false;
		pos = range->first + range->filled;
	}
	return true;
}

/* Whether a read that waits for more needs it. */
static bool is_wanted(const struct held_range *range)
{
	const struct sync_op *op;
	TAILQ_FOREACH (op, &range->stream->waiting.queue, link) {
		if ((int64_t)op->offset < range->first + range->len &&
		    (int64_t)(op->offset + op->len) > range->first)
			return true;
	}
	return false;
}

/* Whether nobody would miss it: it is neither under way nor waits to be. */
static bool is_idle(const struct held_range *range)
{
	return range_is_idle(range->transfer) && !is_wanted(range);
}

/* What readers are about to get to does not count. */
static struct held_range *longest_unused(struct stream *stream)
{
	struct held_range *range, *oldest = NULL;
	TAILQ_FOREACH (range, &stream->ranges, link) {
		if (is_idle(range) && range->filled >= range->len &&
		    !reader_expects(stream, range) &&
		    (!oldest || range->used < oldest->used))
			oldest = range;
	}
	return oldest;
}

void stream_drop_read(struct stream *stream)
{
	struct held_range *range, *next;
	for (range = TAILQ_FIRST(&stream->ranges); range; range = next) {
		next = TAILQ_NEXT(range, link);
		/* The kernel has it all, and will not ask again. */
		if (range->served >= range->len && is_idle(range))
			range_drop(range);
	}
	/* What one who jumps about leaves unread is bounded. */
	while (stream_bytes_held(stream) > HELD_MAX &&
	       (range = longest_unused(stream)))
		range_drop(range);
}

void stream_serve(
    struct stream *stream, struct held_range *range, int64_t bytes)
{
	range->served += bytes;
	range->used = ++stream->uses;
}

void stream_keep(struct stream *stream)
{
	struct held_range *range;
	struct content *content = stream->core->config.content;
	if (!stream->node.proven || stream->changed)
		return;
	if (stream->no_range) {
		if (stream->spool_whole && !stream->spool_kept)
			content_keep_file(
			    content, &stream->node, stream->spool);
		stream->spool_kept = stream->spool_whole;
		return;
	}
	TAILQ_FOREACH (range, &stream->ranges, link) {
		if (range->kept || range->filled < range->len)
			continue;
		range->kept = true;
		content_keep(content, &stream->node, range->first, range->blob,
		    range->len);
	}
}

/* How much a sequential reader's stream asks for at once. */
static int64_t piece_size(int64_t window)
{
	int64_t piece = window / 4 / RANGE_FIRST * RANGE_FIRST;
	if (piece < RANGE_FIRST)
		piece = RANGE_FIRST;
	return piece > RANGE_LARGEST ? RANGE_LARGEST : piece;
}

/* Start ranges over what is to be fetched of [pos, end), but for what there is
 * no room; what lies before must is fetched in any case: somebody waits. */
static int cover(struct stream *stream, int64_t pos, int64_t must, int64_t end,
    int64_t piece, int64_t room)
{
	for (int64_t gap = first_gap(stream, pos, must, end);
	     gap < end && (room > 0 || gap < must);
	     gap = first_gap(stream, gap, must, end)) {
		int64_t len = end - gap < piece ? end - gap : piece;
		len = gap_size(stream, gap, must, len);
		int r = range_start(stream, gap, len);
		if (r < 0)
			return r;
		room -= len;
	}
	return 0;
}

int stream_fetch_first(struct stream *stream, int64_t pos, int64_t end)
{
	int64_t begin = block_begin(pos);
	int64_t len = begin == 0 ? RANGE_FIRST : RANGE_SMALL;
	if (!TAILQ_EMPTY(&stream->ranges))
		return 0;
	if (len < end - begin)
		len = end - begin;
	if (stream->node.size > begin && stream->node.size - begin < len)
		len = stream->node.size - begin;
	/* A whole block also where the claim ends within it: it may be false.
	 */
	len = block_begin(len + CONTENT_BLOCK - 1);
	if (pos == 0) {
		struct reader *reader = stream_reader(stream, pos);
		reader->window = RANGE_FIRST;
		reader->fresh = false;
	}
	return range_start(stream, begin, len);
}

/* Until where a reader's stream shall get: whole pieces, or what is left. */
static int64_t aim(struct stream *stream, int64_t pos, int64_t window,
    int64_t piece, bool stalled)
{
	int64_t want = pos + window;
	int64_t gap = first_gap(stream, pos, pos, want);
	if (stalled)
		want += piece - 1;
	if (want < stream->size)
		want = gap + (want - gap) / piece * piece;
	return want;
}

int stream_fetch(struct stream *stream, int64_t pos, int64_t end, bool stalled)
{
	if (stream->no_range)
		return 0; /* the whole of it is on its way */
	if (stream->size < 0)
		return stream_fetch_first(stream, pos, end);
	if (stalled &&
	    content_backlog(stream->core->config.content) > BACKLOG_MAX)
		return stream_wait_for_disk(stream);
	struct reader *reader = stream_reader(stream, pos);
	if (stalled) {
		/* One who waits did not get it from the content cache, whatever
		 * that had when it was asked. */
		stream->kept_segment = -1;
		reader_stalled(reader, pos);
	} else if (!reader->window) {
		return 0;
	}
	int64_t begin = block_begin(pos);
	int64_t must = stalled ? end : begin;
	int64_t window = reader_window(stream, reader);
	int64_t piece = piece_size(window);
	int64_t want = begin + RANGE_SMALL;
	if (window)
		want = aim(stream, begin, window, piece, stalled);
	if (want < must)
		want = block_begin(must + CONTENT_BLOCK - 1);
	if (want > stream->size)
		want = stream->size;
	int64_t room = stream_room_left(stream);
	/* One who waits gets on, also while others have all the room. */
	if (stalled && room < RANGE_FIRST)
		room = RANGE_FIRST;
	return cover(stream, begin, must, want, piece, room);
}
