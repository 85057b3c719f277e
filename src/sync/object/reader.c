#include "sync/object/reader.h"

#include <stdlib.h>

#include "sync/object/budget.h"

/* One who has read here and there only counts as sequential when he goes on
 * so close to where he was. */
#define NEAR ((int64_t)256 << 10)

/* A reader that was not heard of for so long does not count any more. */
#define READER_GONE_MS 2000

/* How much wider a window gets when its reader has to wait: each such wait is a
 * round trip, two until he has all the room; one who stops after the first
 * leaves 8 MiB. */
#define WINDOW_GROWS 8

struct reader {
	int64_t pos;	  /* the furthest position read */
	int64_t window;	  /* how far to get ahead; 0: reads here and there */
	int64_t grown_at; /* the window may grow again beyond this position */
	uint64_t used;	  /* when, by the readers' count; 0: nobody */
	int64_t used_ms;
	bool fresh; /* has not had to wait yet */
};

struct readers {
	struct reader all[READERS];
	uint64_t uses;
};

struct readers *readers_new(void)
{
	return calloc(1, sizeof(struct readers));
}

void readers_free(struct readers *readers)
{
	free(readers);
}

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

struct reader *readers_at(struct readers *readers, int64_t pos, int64_t now_ms)
{
	struct reader *oldest = &readers->all[0], *best = NULL;
	for (size_t i = 0; i < READERS; i++) {
		struct reader *reader = &readers->all[i];
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
	best->used = ++readers->uses;
	best->used_ms = now_ms;
	return best;
}

static bool is_at_work(const struct reader *reader, int64_t now_ms)
{
	return reader->window && now_ms - reader->used_ms < READER_GONE_MS;
}

unsigned readers_sequential(const struct readers *readers, int64_t now_ms)
{
	unsigned count = 0;
	for (size_t i = 0; i < READERS; i++)
		count += is_at_work(&readers->all[i], now_ms);
	return count;
}

bool readers_expect(
    const struct readers *readers, int64_t first, int64_t end, int64_t now_ms)
{
	for (size_t i = 0; i < READERS; i++) {
		const struct reader *reader = &readers->all[i];
		if (is_at_work(reader, now_ms) && end > reader->pos &&
		    first < reader->pos + reader->window)
			return true;
	}
	return false;
}

bool reader_is_sequential(const struct reader *reader)
{
	return reader->window > 0;
}

int64_t reader_pos(const struct reader *reader)
{
	return reader->pos;
}

void reader_begins(struct reader *reader)
{
	reader->window = RANGE_FIRST;
	reader->fresh = false;
}

void reader_moved(struct reader *reader, int64_t end)
{
	/* Kernel read-ahead may arrive a little out of order. */
	if (end > reader->pos)
		reader->pos = end;
}

void reader_stalled(struct reader *reader, int64_t pos)
{
	if (reader->fresh) {
		reader->fresh = false; /* a lone read, for all we know */
	} else if (!reader->window) {
		reader->window = RANGE_FIRST;
	} else if (reader->window < AHEAD_MAX && pos >= reader->grown_at) {
		/* Reads that wait for the same bytes count once. */
		reader->grown_at = pos + reader->window;
		reader->window *= WINDOW_GROWS;
		if (reader->window > AHEAD_MAX)
			reader->window = AHEAD_MAX;
	}
}

int64_t reader_window(const struct reader *reader, int64_t share)
{
	if (share < AHEAD_LEAST)
		share = AHEAD_LEAST;
	share -= share % RANGE_FIRST;
	return reader->window < share ? reader->window : share;
}
