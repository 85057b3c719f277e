/*
 * One page of a table: which rows, in which order, out of how many. For any
 * thread; takes the store's lock, and reads no text while it holds it.
 */
#ifndef EMULATOR_LISTING_H
#define EMULATOR_LISTING_H

#include "emulator/query/listing_query.h"
#include "emulator/store/store.h"

struct listing {
	row_t *rows; /* each with a reference */
	size_t count;
	size_t total;
};

/*
 * By id and by updatedAt, without conditions or with conditions on the same
 * key, a page costs the page; all else costs a look at every row.
 * 0, -ENOMEM, or what reading a text says.
 */
int listing_run(struct store *store, struct table *table,
    const struct listing_query *query, struct listing *ret_listing);
/* Give the rows back. */
void listing_done(struct listing *listing);

#endif
