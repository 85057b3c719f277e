/*
 * Looking at a table's rows one by one: whether each matches what a listing
 * asks for, and what it is to be sorted by. A row's text is read once, if at
 * all. Belongs to one thread; no lock is held.
 */
#ifndef EMULATOR_SCAN_H
#define EMULATOR_SCAN_H

#include "emulator/query/listing_query.h"
#include "emulator/query/value.h"

struct scan;

/* Both are borrowed. sort_by is a dotted path whose values scan_key is asked
 * for, or NULL. 0 or -ENOMEM. */
int scan_new(const struct listing_query *query, const struct table *table,
    const char *sort_by, struct scan **ret_scan);

/* NULL is fine. */
void scan_free(struct scan *scan);

/* Whether the row matches: 1, 0, or what filter_match, search_match and
 * table_read_text say. */
int scan_match(struct scan *scan, row_t row);

/* What the row that was last matched is sorted by, into an initialised value:
 * of an array, the element that comes first. 0, -EPROTO or -ENOMEM. */
int scan_key(struct scan *scan, struct value *key);

#endif
