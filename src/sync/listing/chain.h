/*
 * Inside sync/: a listing read in windows that overlap.
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

#include "sync/listing/pass.h"

void chain_begin(struct pass *pass);

/* The next page to ask for, and how many records to a page. False: there is no
 * such window. */
bool chain_next(struct pass *pass, int64_t *ret_page, unsigned *ret_limit);

/* An answer: sets round.over at the end. False: the server gives no windows.
 */
bool chain_absorb(struct pass *pass, const struct page_fetch *fetch);

#endif
