/*
 * One pass over a listing: its parts are asked for in parallel, put into the
 * replica as they stream in, and published in order. A pass is made of rounds;
 * judge.h tells how it gets sure to be whole.
 *
 * A pass that nobody waits for any more is left where it is, and taken up when
 * somebody does.
 *
 * Loop thread only. The lister has one.
 */
#ifndef SYNC_LISTING_PASS_H
#define SYNC_LISTING_PASS_H

#include <stdbool.h>
#include <stdint.h>

#include "replica/replica.h"

struct core;
struct folder;
struct pass;

/* Called as long as it runs. whole and failed are its end. */
struct pass_events {
	/* More is readable. The pass may be ended from here. */
	void (*advanced)(void *ctx);
	/* The first record comes, and may take over places in the listing that
	 * is known. 0; or -errno: the pass fails. */
	int (*brings)(void *ctx);
	/* The listing would be this. It is to be forgotten when that is
	 * settled. */
	void (*whole)(void *ctx, const struct replica_listing *listing);
	void (*failed)(void *ctx, int err);
};

/* The folder and events are borrowed. NULL: out of memory. */
struct pass *pass_new(struct core *core, const struct folder *folder,
    const struct pass_events *events, void *ctx);

/* NULL is fine. */
void pass_free(struct pass *pass);

/* Begin a pass, on the other side than the listing that is known; or take up
 * the one that was left. */
void pass_run(struct pass *pass, const struct replica_listing *known);

/* Ask for what is wanted, if it runs. */
void pass_pump(struct pass *pass);

/* Stop asking; what is in the replica stays, and can be taken up. */
void pass_stop(struct pass *pass);

/* The same, but what it has found is not to be taken up. */
void pass_forget(struct pass *pass);

/* Somebody needs the listing whole; also of a pass that is still to begin. */
void pass_want_all(struct pass *pass, bool want);

/* A reader has got to pos. */
void pass_reader_at(struct pass *pass, int64_t pos);

/* Where a pass is. */
struct pass_state {
	int64_t base;  /* of its generation; 0: there is none to take up */
	int64_t began; /* a moment; of the last one */
	int side;
	int64_t frontier; /* below it all is in the replica, in order */
	int64_t total;	  /* records, as the server told; -1: it did not */
	bool is_empty;	  /* nothing is yet */
	bool has_brought; /* a record: see pass_events */
};

/* Where it is now. */
struct pass_state pass_state(const struct pass *pass);

#endif
