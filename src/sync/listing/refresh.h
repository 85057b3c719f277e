/*
 * Whether a listing that was whole still is, and what changed.
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
 * Loop thread only. The lister has one.
 */
#ifndef SYNC_LISTING_REFRESH_H
#define SYNC_LISTING_REFRESH_H

#include <stdint.h>

#include "replica/replica.h"

struct core;
struct fetches;
struct folder;
struct refresh;
struct view;

/* How it ends, unless it is stopped before. */
struct refresh_events {
	/* The listing is this one; what asked for it began at that moment. What
	 * was found is in the write under way. It may be stopped once that is
	 * settled. */
	void (*proven)(
	    void *ctx, const struct replica_listing *listing, int64_t began);
	/* Only a whole listing can tell. */
	void (*anew)(void *ctx);
	/* Likewise, and a sound answer says otherwise: what is known is not so,
	 * whatever later ones seem to say. */
	void (*disproven)(void *ctx);
	void (*failed)(void *ctx, int err);
};

/* All is borrowed. NULL: out of memory. */
struct refresh *refresh_new(struct core *core, const struct folder *folder,
    struct fetches *fetches, struct view *view,
    const struct refresh_events *events, void *ctx);

/* NULL is fine. */
void refresh_free(struct refresh *refresh);

/* Begin, with the listing that is known. It may end at once. */
void refresh_run(struct refresh *refresh, const struct replica_listing *known);

/* Ask no more. */
void refresh_stop(struct refresh *refresh);

/* The listing was just loaded, and its pages were looked at by an earlier
 * mount: how long ago, the wall clock tells, the only one that goes on from
 * mount to mount; if it cannot, then too long ago. */
void refresh_loaded(
    struct refresh *refresh, const struct replica_listing *listing);

/* All pages were looked at since that moment. */
void refresh_looked_at(struct refresh *refresh, int64_t moment);

#endif
