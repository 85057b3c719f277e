#include "sync/object/ahead.h"

#include <stdlib.h>

#include "sync/core/core.h"
#include "sync/object/budget.h"
#include "sync/object/held.h"
#include "sync/object/intake.h"
#include "sync/object/reader.h"
#include "sync/object/size.h"

/* What waits to be kept on the disk: beyond this, who reads waits as well. */
#define BACKLOG_MAX ((int64_t)16 << 20)

struct ahead {
	struct core *core;
	const struct size *size;
	const struct held *held;
	struct intake *intake;
	struct readers *readers;
	const struct ahead_room *room;
	/* What the content cache has of one segment, as of when it was asked.
	 */
	int64_t kept_segment; /* -1: not asked */
	uint64_t kept_blocks;
};

struct ahead *ahead_new(struct core *core, const struct size *size,
    const struct held *held, struct intake *intake, struct readers *readers,
    const struct ahead_room *room)
{
	struct ahead *ahead = calloc(1, sizeof(*ahead));
	if (!ahead)
		return NULL;
	*ahead = (struct ahead){.core = core,
	    .size = size,
	    .held = held,
	    .intake = intake,
	    .readers = readers,
	    .room = room,
	    .kept_segment = -1};
	return ahead;
}

void ahead_free(struct ahead *ahead)
{
	free(ahead);
}

/* ---- what is to be fetched ---- */

static bool is_kept(struct ahead *ahead, int64_t pos)
{
	int64_t block = pos / CONTENT_BLOCK;
	int64_t segment = block / CONTENT_SEGMENT;
	if (segment != ahead->kept_segment) {
		ahead->kept_segment = segment;
		ahead->kept_blocks =
		    content_segment(ahead->core->config.content,
			size_node(ahead->size)->id, segment);
	}
	return ahead->kept_blocks >> (block % CONTENT_SEGMENT) & 1;
}

static int64_t block_begin(int64_t pos)
{
	return pos - pos % CONTENT_BLOCK;
}

/* The first position from pos on that is to be fetched: no range covers it,
 * nor, from must on, does the content cache. */
static int64_t first_gap(
    struct ahead *ahead, int64_t pos, int64_t must, int64_t end)
{
	while (pos < end) {
		int64_t covered = held_covered(ahead->held, pos);
		if (covered > pos)
			pos = covered;
		else if (pos >= must && is_kept(ahead, pos))
			pos = block_begin(pos) + CONTENT_BLOCK;
		else
			break;
	}
	return pos;
}

/* How far a range from a gap on may get. */
static int64_t gap_size(
    struct ahead *ahead, int64_t gap, int64_t must, int64_t most)
{
	int64_t end = held_next(ahead->held, gap, gap + most);
	int64_t pos = block_begin(gap) + CONTENT_BLOCK;
	for (; pos < end; pos += CONTENT_BLOCK) {
		if (pos >= must && is_kept(ahead, pos))
			return pos - gap;
	}
	return end - gap;
}

/* What each connection gets of so many bytes, in whole pieces. */
static int64_t part_of(const struct ahead *ahead, int64_t bytes)
{
	int64_t part = bytes / ahead->core->config.connections;
	part -= part % RANGE_FIRST;
	if (part < RANGE_FIRST)
		part = RANGE_FIRST;
	return part > RANGE_LARGEST ? RANGE_LARGEST : part;
}

/* Start ranges over what is to be fetched of [pos, end), but for what there is
 * no room; what lies before must is fetched in any case: somebody waits. */
static int cover(struct ahead *ahead, int64_t pos, int64_t must, int64_t end,
    int64_t piece, int64_t room)
{
	for (int64_t gap = first_gap(ahead, pos, must, end);
	     gap < end && (room > 0 || gap < must);
	     gap = first_gap(ahead, gap, must, end)) {
		/* What is left is done everywhere at about the same time,
		 * in two pieces each: none is waited for alone. */
		int64_t rest =
		    part_of(ahead, 2 * (size_true(ahead->size) - gap));
		int64_t len = rest < piece ? rest : piece;
		if (len > end - gap)
			len = end - gap;
		len = gap_size(ahead, gap, must, len);
		int r = intake_fetch(ahead->intake, gap, len);
		if (r < 0)
			return r;
		room -= len;
	}
	return 0;
}

static struct reader *reader_at(struct ahead *ahead, int64_t pos)
{
	return readers_at(ahead->readers, pos, http_now(ahead->core->http));
}

int ahead_fetch_first(struct ahead *ahead, int64_t pos, int64_t end)
{
	int64_t begin = block_begin(pos);
	int64_t claimed = size_node(ahead->size)->size;
	int64_t len = begin == 0 ? RANGE_FIRST : RANGE_SMALL;
	if (!held_is_empty(ahead->held))
		return 0;
	if (len < end - begin)
		len = end - begin;
	if (claimed > begin && claimed - begin < len)
		len = claimed - begin;
	/* A whole block also where the claim ends within it: it may be false.
	 */
	len = block_begin(len + CONTENT_BLOCK - 1);
	if (pos == 0)
		reader_begins(reader_at(ahead, pos));
	return intake_fetch(ahead->intake, begin, len);
}

/* Until where a reader's stream shall get: whole pieces, or what is left. */
static int64_t aim(struct ahead *ahead, int64_t pos, int64_t window,
    int64_t piece, bool stalled)
{
	int64_t want = pos + window;
	int64_t gap = first_gap(ahead, pos, pos, want);
	if (stalled)
		want += piece - 1;
	if (want < size_true(ahead->size))
		want = gap + (want - gap) / piece * piece;
	return want;
}

/* Fetch for a reader that is at pos, whether it waits for what is before end or
 * not. */
static int fetch_for(struct ahead *ahead, const struct reader *reader,
    int64_t pos, int64_t end, bool stalled)
{
	const struct ahead_room *room = ahead->room;
	int64_t begin = block_begin(pos);
	int64_t must = stalled ? end : begin;
	int64_t window = reader_window(reader, room->share(room->ctx));
	int64_t piece = part_of(ahead, window);
	int64_t want = begin + RANGE_SMALL;
	if (window)
		want = aim(ahead, begin, window, piece, stalled);
	if (want < must)
		want = block_begin(must + CONTENT_BLOCK - 1);
	if (want > size_true(ahead->size))
		want = size_true(ahead->size);
	int64_t left = room->left(room->ctx);
	/* One who waits gets on, also while others have all the room. */
	if (stalled && left < RANGE_FIRST)
		left = RANGE_FIRST;
	return cover(ahead, begin, must, want, piece, left);
}

int ahead_fetch(struct ahead *ahead, int64_t pos, int64_t end, bool stalled)
{
	if (intake_is_whole(ahead->intake))
		return 0; /* the whole of it is on its way */
	if (size_true(ahead->size) < 0)
		return ahead_fetch_first(ahead, pos, end);
	if (stalled &&
	    content_backlog(ahead->core->config.content) > BACKLOG_MAX)
		return AHEAD_DISK_IS_BEHIND;
	struct reader *reader = reader_at(ahead, pos);
	if (stalled) {
		/* One who waits did not get it from the content cache, whatever
		 * that had when it was asked. */
		ahead->kept_segment = -1;
		reader_stalled(reader, pos);
	} else if (!reader_is_sequential(reader)) {
		return 0;
	} else if (pos < reader_pos(reader)) {
		/* A late word of an earlier read: what lies between was read,
		 * and may have been let go. */
		pos = end = reader_pos(reader);
	}
	/* The last block may have been let go of as well. */
	if (!stalled && pos >= size_true(ahead->size))
		return 0;
	return fetch_for(ahead, reader, pos, end, stalled);
}
