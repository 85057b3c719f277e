/* Who reads a stream, how far each one is, and how far to get ahead of it. */
#include "sync/object/stream.h"

/* One who has read here and there only counts as sequential when he goes on
 * so close to where he was. */
#define NEAR ((int64_t)256 << 10)

/* A reader that was not heard of for so long does not count any more. */
#define READER_GONE_MS 2000

/* How far ahead one reader may get, when many share the room. */
#define SHARE_LEAST RANGE_LARGEST

/* How far a read at pos is from where a reader was; INT64_MAX: too far. A skip
 * within the window is read through. */
static int64_t distance(const struct reader *reader, int64_t pos)
{
	int64_t back = reader->window ? OUT_OF_ORDER : NEAR;
	int64_t forward = reader->window > back ? reader->window : back;
	if (!reader->used || pos < reader->pos - back ||
	    pos > reader->pos + forward)
		return INT64_MAX;
	return pos < reader->pos ? reader->pos - pos : pos - reader->pos;
}

struct reader *stream_reader(struct stream *stream, int64_t pos)
{
	struct reader *oldest = &stream->readers[0], *best = NULL;
	for (size_t i = 0; i < READERS; i++) {
		struct reader *reader = &stream->readers[i];
		if (reader->used < oldest->used)
			oldest = reader;
		if (distance(reader, pos) < INT64_MAX &&
		    (!best || distance(reader, pos) < distance(best, pos)))
			best = reader;
	}
	if (!best) {
		best = oldest;
		*best = (struct reader){.pos = pos, .fresh = true};
	}
	best->used = ++stream->uses;
	best->used_ms = http_now(stream->core->http);
	return best;
}

void reader_moved(struct reader *reader, int64_t end)
{
	/* Kernel read-ahead may arrive a little out of order. */
	if (end > reader->pos)
		reader->pos = end;
}

static bool is_sequential(const struct reader *reader, int64_t now)
{
	return reader->window && now - reader->used_ms < READER_GONE_MS;
}

/* Sequential readers that are at work, of all streams. */
static int64_t count_readers(const struct streams *streams)
{
	struct stream *stream;
	int64_t count = 0, now = http_now(streams->core->http);
	TAILQ_FOREACH (stream, &streams->list, link) {
		for (size_t i = 0; i < READERS && !stream->prefetched; i++)
			count += is_sequential(&stream->readers[i], now);
	}
	return count;
}

int64_t reader_window(const struct stream *stream, const struct reader *reader)
{
	int64_t count = count_readers(stream->streams);
	int64_t share = AHEAD_ALL_MAX / (count ? count : 1);
	if (share < SHARE_LEAST)
		share = SHARE_LEAST;
	share -= share % RANGE_FIRST;
	return reader->window < share ? reader->window : share;
}

bool reader_expects(const struct stream *stream, const struct held_range *range)
{
	int64_t now = http_now(stream->core->http);
	for (size_t i = 0; i < READERS; i++) {
		const struct reader *reader = &stream->readers[i];
		if (is_sequential(reader, now) &&
		    range->first + range->len > reader->pos &&
		    range->first < reader->pos + reader->window)
			return true;
	}
	return false;
}

void reader_stalled(struct reader *reader, int64_t pos)
{
	if (reader->fresh) {
		reader->fresh = false; /* a lone read, for all we know */
	} else if (!reader->window) {
		reader->window = RANGE_FIRST;
	} else if (reader->window < AHEAD_MAX && pos >= reader->grown_at) {
		reader->window *= 2;
		/* Reads that wait for the same bytes count once. */
		reader->grown_at = pos + reader->window / 2;
	}
}
