/* How much of a stored file is fetched at once, ahead of its readers, and held
 * for them: what the files of this room share. */
#ifndef SYNC_OBJECT_BUDGET_H
#define SYNC_OBJECT_BUDGET_H

#include <stdint.h>

#include "content/content.h"

/* A lone read fetches this much, so that random access stays small. All ranges
 * begin at a block, and end at one or at the object's end. */
#define RANGE_SMALL CONTENT_BLOCK

/* Sequential reading fetches in ranges from the first to the second size. */
#define RANGE_FIRST ((int64_t)1 << 20)
#define RANGE_LARGEST ((int64_t)4 << 20)

/* So much of the memory of ranges that are gone is kept for those that come.
 * Measured: half of it does for one large file, but not for many of 40 MiB;
 * twice as much does no better. */
#define RANGES_KEPT ((size_t)16 << 20)

/* How far ahead of a reader a stream gets at most, and all together; and how
 * far one reader may get, when many share that. */
#define AHEAD_MAX ((int64_t)64 << 20)
#define AHEAD_ALL_MAX ((int64_t)64 << 20)
#define AHEAD_LEAST ((int64_t)2 << 20)

/* Ranges that were fetched and not read, of one stream, at most; what its
 * readers are on their way to may be more, and is bounded by their windows. */
#define HELD_MAX (AHEAD_MAX + ((int64_t)8 << 20))

#endif
