/* Inside sync/: what changed since a listing was last whole. Loop thread only;
 * the lister is in the state PROBING. */
#ifndef SYNC_DELTA_H
#define SYNC_DELTA_H

#include "sync/lister.h"

/* Nothing was found yet that the listing does not hold. */
void delta_reset(struct lister *lister);

/* Whether the listing, with what was found, is what the server has: so many
 * records, and the newest updatedAt of all. */
bool delta_agrees(struct lister *lister, int64_t total, int64_t newest_ms);

/* A question was answered at that time (server's clock, -1: not told). */
void delta_asked_at(struct lister *lister, int64_t date_ms);

/* Make what was found part of lister->listing, in the write under way. 0 or
 * -errno of the replica. */
int delta_adopt(struct lister *lister);

/* They do not agree: fetch what changed, or find what is gone, and probe
 * again; or list anew. */
void delta_run(struct lister *lister, int64_t total, int64_t newest_ms);

/* Forget what was found: only a whole listing can tell. */
void delta_anew(struct lister *lister);

#endif
