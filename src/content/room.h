/*
 * How much may be kept: the database and what is kept beside it together take
 * up no more than the limit, and the disk itself is never filled. The keeper's
 * thread, and nobody else.
 */
#ifndef CONTENT_ROOM_H
#define CONTENT_ROOM_H

#include "content/segments.h"

struct room {
	struct replica *replica;
	struct segments *segments;
	int64_t limit; /* in bytes, the database included */
};

/* Whether so many bytes more may be kept. The longest unused segments are
 * removed for them, if need be. */
bool room_make(struct room *room, int64_t bytes);

/* A write failed: the database may need some room as well. */
void room_give_up_some(struct room *room);

/* It does: half of what is there is removed for it. */
void room_make_way(struct room *room);

#endif
