/*
 * Where an entry stands in its directory's listing: see also replica.h. Pure.
 */
#ifndef SYNC_CORE_POSITION_H
#define SYNC_CORE_POSITION_H

#include <stdbool.h>
#include <stdint.h>

/* Positions: a page's records have consecutive ones, and each page begins at a
 * multiple of 1 << SYNC_PAGE_BITS. */
#define SYNC_PAGE_BITS 20

/* Whether a position follows another one in reading order: the next of its page
 * or nearly so, or among the first of a later page. */
static inline bool sync_pos_follows(int64_t pos, int64_t last)
{
	int64_t index = pos & ((INT64_C(1) << SYNC_PAGE_BITS) - 1);
	return pos > last && (pos - last <= 4 || index <= 4);
}

/* Records asked for at once: the API's maximum. (Tests are built with less, so
 * that small tables have many pages.) */
#ifndef PAGE_LIMIT
#define PAGE_LIMIT 100
#endif

/* Positions a page has: pos = base + (slot << PAGE_BITS) + 1 + index. */
#define PAGE_BITS SYNC_PAGE_BITS
#define PAGE_RECORDS_MAX ((INT64_C(1) << PAGE_BITS) - 2)

/* The position before the first one of a generation's slot. */
static inline int64_t slot_start(int64_t base, int64_t slot)
{
	return base + (slot << PAGE_BITS);
}

#endif
