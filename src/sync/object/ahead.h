/*
 * What to fetch of an object: what somebody waits for, and what its readers are
 * likely to read next, as far as there is room.
 *
 * stream.c owns it. Loop thread only.
 */
#ifndef SYNC_OBJECT_AHEAD_H
#define SYNC_OBJECT_AHEAD_H

#include <stdbool.h>
#include <stdint.h>

struct ahead;
struct core;
struct held;
struct intake;
struct readers;
struct size;

/* The room that all streams have together. */
struct ahead_room {
	/* How much more may be held: those that are not read make room. */
	int64_t (*left)(void *ctx);
	/* What is one reader's share. */
	int64_t (*share)(void *ctx);
	void *ctx;
};

/* Of one object, whose parts and room are borrowed. NULL: out of memory. */
struct ahead *ahead_new(struct core *core, const struct size *size,
    const struct held *held, struct intake *intake, struct readers *readers,
    const struct ahead_room *room);

/* NULL is fine. */
void ahead_free(struct ahead *ahead);

/* The disk has to catch up first with what it is to keep. */
#define AHEAD_DISK_IS_BEHIND 1

/* See to it that [pos, end) will come, and what its reader is likely to read
 * next. stalled: it waits. 0; AHEAD_DISK_IS_BEHIND; or -ENOMEM. */
int ahead_fetch(struct ahead *ahead, int64_t pos, int64_t end, bool stalled);

/* The first request of all: one range, which tells the size as well. 0 or
 * -ENOMEM. */
int ahead_fetch_first(struct ahead *ahead, int64_t pos, int64_t end);

#endif
