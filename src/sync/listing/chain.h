/*
 * A listing read in windows that overlap.
 *
 * A window is one answer, so one moment, and holds all records between its
 * first and its last. Where its first stands at or before the last one known,
 * whatever existed throughout and stands up to its last one is in, wherever
 * records came or went. That needs nothing but an order of the ids that stays
 * the same: no total, no filter, no clock.
 *
 * The API has pages, not windows: page p of l records begins at (p - 1) * l, so
 * the limit is chosen such that a page begins a little before the place where
 * the last one ended.
 */
#ifndef SYNC_CHAIN_H
#define SYNC_CHAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct part_answer;
struct part_sizes;

struct chain {
	int64_t index;	 /* how many records stand up to the last one known */
	int64_t overlap; /* how far a window reaches back */
	int64_t asked_from; /* of the window under way: its first index */
	unsigned asked;	    /* records in it */
	unsigned stalls;    /* windows in a row that led nowhere */
	struct buf last;    /* the last one known: all before it is in */
	bool last_number;   /* it is a number, not a text */
};

/* Of no links yet; chain_done is owed. */
void chain_init(struct chain *chain);

/* Its end. */
void chain_done(struct chain *chain);

/* Begin again, from the first record. */
void chain_begin(struct chain *chain);

/* The next page to ask for, and how many records to a page, where answers have
 * such sizes. False: there is no such window. */
bool chain_next(struct chain *chain, const struct part_sizes *sizes,
    int64_t *ret_page, unsigned *ret_limit);

enum chain_verdict {
	CHAIN_GOES_ON,
	CHAIN_OVER, /* the end is reached */
	CHAIN_TORN, /* it is, but the answer says otherwise */
	CHAIN_NONE, /* the server gives no windows, or memory is short */
};

/* Take in the answer to chain_next. orders: those that the ids may be in, by
 * all that came. */
enum chain_verdict chain_absorb(
    struct chain *chain, const struct part_answer *answer, unsigned orders);

#endif
