/* The ranges that a stream holds: what is there, and what to ask for next. */
#include <errno.h>
#include <string.h>

#include "sync/stream.h"

int64_t stream_bytes_held(const struct stream *stream)
{
	const struct range *range;
	int64_t bytes = 0;
	TAILQ_FOREACH (range, &stream->ranges, link)
		bytes += range->len;
	return bytes;
}

struct range *stream_range_at(struct stream *stream, int64_t pos)
{
	struct range *range;
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
		struct range *range = stream_range_at(stream, pos + done);
		if (!range)
			break;
		int64_t at = pos + done - range->first;
		int64_t n = range->filled - at;
		if (n <= 0)
			break;
		if (n > len - done)
			n = len - done;
		memcpy(out + done, range->data + at, (size_t)n);
		stream_serve(stream, range, n);
		done += n;
	}
	return done;
}

/* The first position from pos on that no range covers. */
static int64_t first_gap(struct stream *stream, int64_t pos, int64_t end)
{
	struct range *range;
	while (pos < end && (range = stream_range_at(stream, pos)))
		pos = range->first + range->len;
	return pos;
}

/* Whether all of [pos, end) is there. */
bool stream_holds(struct stream *stream, int64_t pos, int64_t end)
{
	if (stream->no_range)
		return stream->spooled >= end;
	while (pos < end) {
		struct range *range = stream_range_at(stream, pos);
		if (!range || range->filled <= pos - range->first)
			return false;
		pos = range->first + range->filled;
	}
	return true;
}

/* Whether nobody would miss it: it is neither under way nor waits to be. */
static bool is_idle(const struct range *range)
{
	return !range->transfer && !range->pause;
}

static struct range *longest_unused(struct stream *stream)
{
	struct range *range, *oldest = NULL;
	TAILQ_FOREACH (range, &stream->ranges, link) {
		if (is_idle(range) && range->filled >= range->len &&
		    (!oldest || range->used < oldest->used))
			oldest = range;
	}
	return oldest;
}

void stream_drop_read(struct stream *stream)
{
	struct range *range, *next;
	for (range = TAILQ_FIRST(&stream->ranges); range; range = next) {
		next = TAILQ_NEXT(range, link);
		/* The kernel has it all, and will not ask again. */
		if (range->served >= range->len && is_idle(range))
			range_free(range);
	}
	/* What one who jumps about leaves unread is bounded. */
	while (stream_bytes_held(stream) > HELD_MAX &&
	       (range = longest_unused(stream)))
		range_free(range);
}

void stream_serve(struct stream *stream, struct range *range, int64_t bytes)
{
	range->served += bytes;
	range->used = ++stream->uses;
}

/* Adapt the window to how the object is read: it doubles each time that a
 * sequential reader has to wait, and closes for one that jumps about. */
static void adapt_window(struct stream *stream, int64_t pos)
{
	/* Kernel read-ahead may arrive a little out of order. */
	bool sequential = pos <= stream->reader + OUT_OF_ORDER &&
			  pos >= stream->reader - OUT_OF_ORDER;
	if (!sequential) {
		stream->window = stream->grown_at = 0;
	} else if (stream->window == 0) {
		stream->window = RANGE_FIRST;
	} else if (stream->window < AHEAD_MAX && pos >= stream->grown_at) {
		stream->window *= 2;
		/* Reads that wait for the same bytes count once. */
		stream->grown_at = pos + stream->window / 2;
	}
}

/* How much a sequential reader's stream asks for at once. */
static int64_t piece_size(const struct stream *stream)
{
	int64_t piece = stream->window / 4;
	if (piece < RANGE_FIRST)
		piece = RANGE_FIRST;
	return piece > RANGE_LARGEST ? RANGE_LARGEST : piece;
}

/* Start ranges over what no range covers in [pos, end), but for what there is
 * no room. */
static int cover(struct stream *stream, int64_t pos, int64_t end, int64_t room)
{
	int64_t piece = piece_size(stream);
	for (int64_t gap = first_gap(stream, pos, end); gap < end && room > 0;
	     gap = first_gap(stream, gap, end)) {
		int64_t len = end - gap < piece ? end - gap : piece;
		struct range *after;
		TAILQ_FOREACH (after, &stream->ranges, link) {
			if (after->first > gap && after->first < gap + len)
				len = after->first - gap;
		}
		int r = range_start(stream, gap, len);
		if (r < 0)
			return r;
		room -= len;
	}
	return 0;
}

/* The first request of all: one range, which tells the size as well. */
int stream_fetch_first(struct stream *stream, int64_t pos, int64_t end)
{
	int64_t len = pos == 0 ? RANGE_FIRST : RANGE_SMALL;
	if (!TAILQ_EMPTY(&stream->ranges))
		return 0;
	if (stream->node.size > pos && stream->node.size - pos < len)
		len = stream->node.size - pos;
	else if (len < end - pos)
		len = end - pos;
	stream->window = pos == 0 ? RANGE_FIRST : 0;
	return range_start(stream, pos, len);
}

/* See to it that [pos, end) will come, and what is likely to be read next.
 * stalled: the reader waits for it. */
int stream_fetch(struct stream *stream, int64_t pos, int64_t end, bool stalled)
{
	if (stream->size < 0)
		return stream_fetch_first(stream, pos, end);
	if (stalled)
		adapt_window(stream, pos);
	else if (stream->window == 0)
		return 0;
	int64_t want = pos + (stream->window ? stream->window : RANGE_SMALL);
	if (want < end)
		want = end;
	if (stream->window) {
		/* Whole pieces, or what is left of the object. */
		int64_t piece = piece_size(stream);
		int64_t gap = first_gap(stream, pos, want);
		if (stalled)
			want += piece - 1;
		if (want < stream->size)
			want = gap + (want - gap) / piece * piece;
	}
	if (want > stream->size)
		want = stream->size;
	int64_t room = stream_room_left(stream);
	if (stalled && room < end - pos)
		room = end - pos;
	return cover(stream, pos, want, room);
}
