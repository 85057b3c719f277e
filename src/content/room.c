#include "content/room.h"

#include <stdio.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/disk.h"
#include "content/segment.h"

/* A failed write makes so much room, as a part of what is there. */
#define ROOM_AFTER_FAILURE 8

/* Nor is the disk itself ever filled: others need some, and the database
 * cannot do without. */
#define SPARE_MOST ((int64_t)64 << 20)

/* Room that is left to the database, which grows between two looks at it: a
 * part of the limit, and at most so many bytes. */
#define GROWTH_PART 32
#define GROWTH_MOST ((int64_t)1 << 20)

/* What the database takes up, and the directory. Its log shrinks by itself, in
 * time. */
static int64_t database_bytes(const struct room *room)
{
	static const char *const tails[] = {"", "-wal", "-shm"};
	int64_t bytes = segment_usage(segments_dir(room->segments));
	for (size_t i = 0; i < ARRAY_SIZE(tails); i++) {
		struct stat st;
		CLEANUP_FREE char *path = NULL;
		if (asprintf(&path, "%s%s", replica_path(room->replica),
			tails[i]) >= 0 &&
		    stat(path, &st) == 0)
			bytes += (int64_t)st.st_blocks * 512;
	}
	return bytes;
}

static int64_t at_most(int64_t bytes, int64_t most)
{
	return bytes < most ? bytes : most;
}

/* What segments may take up. */
static int64_t segments_limit(const struct room *room)
{
	int64_t disk, limit = room->limit - database_bytes(room) -
			      at_most(room->limit / GROWTH_PART, GROWTH_MOST);
	if (disk_room(segments_dir(room->segments), SPARE_MOST, &disk) < 0)
		return limit;
	return at_most(limit, segments_bytes(room->segments) + disk);
}

bool room_make(struct room *room, int64_t bytes)
{
	/* What is not counted yet may be all that may be there. */
	while (!segments_count_some(room->segments))
		;
	int64_t limit = segments_limit(room);
	if (segments_bytes(room->segments) + bytes > limit)
		segments_shrink(room->segments, limit - limit / 10 - bytes);
	return segments_bytes(room->segments) + bytes <= limit;
}

void room_give_up_some(struct room *room)
{
	int64_t bytes = segments_bytes(room->segments);
	segments_shrink(room->segments, bytes - bytes / ROOM_AFTER_FAILURE);
}

void room_make_way(struct room *room)
{
	segments_shrink(room->segments, segments_bytes(room->segments) / 2);
}
