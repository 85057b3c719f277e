/*
 * Ranges of ids that are still to be asked for, each in one answer. What moves
 * about in a listing cannot leave its range.
 */
#ifndef SYNC_LISTING_RANGES_H
#define SYNC_LISTING_RANGES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/buf.h"

struct replica;

/* Ids from low (exclusive) to high (inclusive), in byte order. */
struct id_range {
	struct buf low;	 /* empty: from the very first */
	struct buf high; /* empty: to the very last */
	bool numbers;	 /* no range of texts: all ids that are numbers */
	TAILQ_ENTRY(id_range) link;
};

/* NULL is fine. */
void id_range_free(struct id_range *range);

/* Whether an id lies in it. Pure. */
bool id_range_has(const struct id_range *range, const struct buf *id);

/* The filter that asks for it. 0 or -errno of buf. */
int id_range_filter(const struct id_range *range, struct buf *out);

TAILQ_HEAD(ranges, id_range);

/* Forget all of them. */
void ranges_clear(struct ranges *ranges);

/* The next one, for the caller, who frees it or puts it back; NULL: none. */
struct id_range *ranges_take(struct ranges *ranges);

/* It is the next one again. */
void ranges_put_back(struct ranges *ranges, struct id_range *range);

/* Ask for a range in two parts, split at an id. 0 or -ENOMEM. */
int ranges_split(
    struct ranges *ranges, const struct id_range *range, const struct buf *at);

/*
 * Ranges that together have all ids, of about as many records as the slots 1 to
 * slots of the generation at base have each; before them one of all ids that
 * are numbers, which no range of texts has where servers compare like with
 * like. 0; -ENOMEM; or an error of the replica.
 */
int ranges_plan(struct ranges *ranges, struct replica *replica, int64_t dir,
    int64_t base, int64_t slots);

#endif
