/*
 * What changed since a listing was last whole: the records whose date is not
 * older than the newest one known. New ones are put behind the others, changed
 * ones take their old version's place.
 *
 * An answer that has not all of them is followed by a question of its own, for
 * those with greater ids: nothing can move from one to the other.
 *
 * Loop thread only. The refresh has one.
 */
#ifndef SYNC_LISTING_DELTA_H
#define SYNC_LISTING_DELTA_H

#include <stdbool.h>
#include <stdint.h>

#include "sync/listing/judge.h"

struct core;
struct delta;
struct fetches;
struct folder;

enum delta_verdict {
	DELTA_FOUND,   /* all that changed is in the listing now */
	DELTA_ANEW,    /* only a whole listing can tell */
	DELTA_IGNORED, /* likewise: the server does not filter by time */
	DELTA_FAILED,  /* err says why */
};

typedef void (*delta_done_fn)(void *ctx, enum delta_verdict verdict, int err);

/* The folder is borrowed. NULL: out of memory. */
struct delta *delta_new(struct core *core, const struct folder *folder,
    struct fetches *fetches, delta_done_fn done, void *ctx);

/* NULL is fine. */
void delta_free(struct delta *delta);

/* A look for what changed. */
struct delta_question {
	enum date_field field;	      /* by this date */
	bool level;		      /* only for anything newer */
	bool finds_newest;	      /* the newest one known is still there:
					 what does not find even that has not
					 looked */
	int64_t threshold_ms;	      /* the server's clock: nothing was asked
					 before */
	int64_t latest_ms;	      /* and nothing is written after that */
	struct replica_listing *next; /* the listing, which takes in what is
					 found; borrowed until the end */
};

/* Begin; done is called once, unless it is stopped before. */
void delta_run(struct delta *delta, const struct delta_question *question);

/* Ask no more. */
void delta_stop(struct delta *delta);

/* The last look, all its answers, found something new. */
bool delta_has_news(const struct delta *delta);

#endif
