/*
 * Inside sync/: whether a listing that was whole still is, and what changed.
 *
 * One question (a probe) tells the number of records and the newest of all:
 * with those that are listed, that says whether anything came or went. What
 * changed is asked for by its date (delta.c), then it is probed again: both
 * probes must fit what is known then. Where only the number differs, what is
 * gone is found by looking here and there (prune.c). Anything that does not fit
 * is listed anew.
 *
 * Records without an updatedAt are watched by their createdAt: a listing that
 * has both kinds is asked about twice.
 *
 * Loop thread only; the lister is in the state PROBING.
 */
#ifndef SYNC_REFRESH_H
#define SYNC_REFRESH_H

#include "sync/listing/lister.h"

/* Begin. */
void refresh_run(struct lister *lister);

/* When the pages of a listing that was just loaded were looked at: a moment of
 * this mount, before it began. The wall clock tells, the only one that goes on
 * from mount to mount; if it cannot, then too long ago. */
int64_t refresh_looked_at(const struct lister *lister);

/* Nobody waits any more: ask no more. */
void refresh_stop(struct lister *lister);

/* ---- for delta.c and prune.c ---- */

/* An answer's date, for the threshold. */
void refresh_asked_at(struct lister *lister, int64_t date_ms);

/* What went is found: probe again. */
void refresh_probe(struct lister *lister);

/* What changed is found, and in delta.next. */
void refresh_looked(struct lister *lister);

/* Only a whole listing can tell. */
void refresh_anew(struct lister *lister);

/* Whether a record is listed (or found since) with just this text: 1, 0, or
 * -errno of the replica. */
int refresh_knows(struct lister *lister, const struct record *record);

#endif
