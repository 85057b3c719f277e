/*
 * What is gone from a listing, found by looking here and there.
 *
 * Where nothing changed but the count, some records were deleted. The server's
 * listing is then the known one with gaps: up to the first gap the n-th record
 * of one is the n-th of the other. So the page with the first gap is found by
 * halving, with one record a question, and that page tells which records are
 * gone; and so on, until as many are found as the counts differ by. A table
 * that changes meanwhile, or is not given in a lasting order, does not fit,
 * and is listed anew. That nothing came in is known, as ever, by updatedAt.
 *
 * The listing must be in the order of the pages (LISTING_ORDERED).
 *
 * Loop thread only. The refresh makes one for each attempt.
 */
#ifndef SYNC_LISTING_PRUNE_H
#define SYNC_LISTING_PRUNE_H

#include <stdint.h>

#include "replica/replica.h"

struct core;
struct folder;
struct prune;

enum prune_verdict {
	PRUNE_FOUND,  /* all that is gone */
	PRUNE_ANEW,   /* only a whole listing can tell */
	PRUNE_FAILED, /* err says why */
};

typedef void (*prune_done_fn)(void *ctx, enum prune_verdict verdict, int err);

/*
 * Look for what is gone: the server has total records, less than listing, and
 * the newest of them is from newest_ms. folder and listing are borrowed.
 * NULL: a whole listing is cheaper, the listing does not allow it, or memory is
 * short.
 */
struct prune *prune_new(struct core *core, const struct folder *folder,
    struct replica_listing *listing, int64_t total, int64_t newest_ms,
    prune_done_fn done, void *ctx);

/* Begin: done is called once, perhaps at once, and may free it. */
void prune_run(struct prune *prune);

/* Asks no more. NULL is fine. */
void prune_free(struct prune *prune);

/* How many records were found to be gone. NULL is fine. */
int64_t prune_found(const struct prune *prune);

/* They are gone, in the write under way, and from the listing. 0 or -errno of
 * the replica. NULL is fine. */
int prune_adopt(struct prune *prune);

#endif
