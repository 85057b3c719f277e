/*
 * Inside sync/: whether a server sorts by a date when it is asked to.
 *
 * One that does not know sortBy, or that field, gives its own order, mostly
 * that of the ids; and as long as records are in the same order by id as by
 * date, what it says looks just as if it were sorted. Then the first record of
 * an answer need not be the newest one. So that a server sorts is believed only
 * once an answer had to be in another order than its own, and was. One that
 * sorts one table sorts all of them: it is kept with each listing
 * (LISTING_SORTS_ …), and shared by all of a kind.
 *
 * Loop thread only. compare.c watches answers, the refresh learns from them,
 * the lister keeps it.
 */
#ifndef SYNC_LISTING_SORTING_H
#define SYNC_LISTING_SORTING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "sync/listing/judge.h"

struct core;

/* ---- an answer ---- */

/* What the records of an answer that are listed tell, in turn. */
struct sorting {
	unsigned orders; /* of the ids: order.h */
	bool climbs;	 /* in the listing, each stands behind the one before */
	bool sinks;	 /* each stands before it */
	bool falls;	 /* one is older than one before it ... */
	bool rises;	 /* ... or newer */
	int64_t last_pos;
	int64_t last_ms;
	struct buf last_id;
};

/* sorting_done is owed. */
void sorting_init(struct sorting *sorting);
void sorting_done(struct sorting *sorting);

/* Another answer begins. */
void sorting_begin(struct sorting *sorting);

/* A record came that stands in the listing at pos, of that date; NO_DATE. 0 or
 * -errno of buf. */
int sorting_record(struct sorting *sorting, const struct buf *id, int64_t pos,
    int64_t date_ms);

/* Whether they came in the order of their dates, the newest first, and in none
 * in which they would have come anyway: that of ids, or that of the pages. */
bool sorting_is_by_date(const struct sorting *sorting);

/* ---- what is known of the server ---- */

/* Whether it sorts by that date. */
bool sorting_is_known(const struct core *core, enum date_field field);

/* It does. */
void sorting_learn(struct core *core, enum date_field field);

/* What listings of this mount's replica tell counts from now on, as far as they
 * can be read. Before anything else is asked. */
void sorting_load(struct core *core);

/* What was known when a listing was written counts; what is known now is
 * written with it. */
void sorting_recall(struct core *core, unsigned flags);
unsigned sorting_flags(const struct core *core);

#endif
