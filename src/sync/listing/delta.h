/*
 * Inside sync/: what changed since a listing was last whole: the records whose
 * date is not older than the newest one known. New ones are put behind the
 * others, changed ones take their old version's place.
 *
 * An answer that has not all of them is followed by a question of its own, for
 * those with greater ids: nothing can move from one to the other.
 *
 * Loop thread only; the lister is in the state PROBING.
 */
#ifndef SYNC_DELTA_H
#define SYNC_DELTA_H

#include "sync/listing/lister.h"

/* A refresh begins. */
void delta_begin(struct lister *lister);

/* Look for what changed, by lister->delta.field; what is found becomes part of
 * delta.next. Ends with refresh_looked, or with refresh_anew. */
void delta_run(struct lister *lister);

#endif
