/*
 * Inside sync/: what is gone from a listing, found by looking here and there.
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
 * Loop thread only; the lister is in the state PROBING.
 */
#ifndef SYNC_PRUNE_H
#define SYNC_PRUNE_H

#include "sync/listing/lister.h"

struct prune;

void prune_free(struct prune *prune); /* NULL is fine */

/*
 * Begin to look for what is gone: the server has total records, less than
 * delta.next, and the newest of them is from newest_ms. Ends with refresh_probe
 * when all is found, or with refresh_anew. False: a whole listing is cheaper,
 * the listing does not allow it, somebody still reads the known one, or there
 * was an attempt already.
 */
bool prune_run(struct lister *lister, int64_t total, int64_t newest_ms);

/* How many records were found to be gone. */
int64_t prune_found(const struct lister *lister);

/* They are gone, in the write under way, and from delta.next. 0 or -errno of
 * the replica. */
int prune_adopt(struct lister *lister);

#endif
