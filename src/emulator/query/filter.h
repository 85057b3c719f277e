/*
 * andFilters and orFilters: parsed once a request, matched against rows. What
 * concerns only id, createdAt and updatedAt is decided without a row's text.
 */
#ifndef EMULATOR_FILTER_H
#define EMULATOR_FILTER_H

#include "emulator/query/columns.h"

struct filter;

/* Either text may be NULL. 0; -EINVAL when one is not understood; -ENOMEM. */
int filter_new(
    const char *and_text, const char *or_text, struct filter **ret_filter);
/* NULL is fine. */
void filter_free(struct filter *filter);

/* Nothing to match at all. */
bool filter_is_empty(const struct filter *filter);

/* Whether a row, as far as columns (or NULL: all) show it, matches: 1, 0, or
 * what columns_read_text says. Thread-safe. */
int filter_match(const struct filter *filter, const struct columns *columns,
    const struct table *table, row_t row);

/*
 * The part of an order where matching rows are, [*ret_low, *ret_high), and
 * whether all rows in it match (then nothing needs to be asked any more). The
 * store's lock is held.
 */
void filter_range(const struct filter *filter, const struct table *table,
    enum table_order order, size_t *ret_low, size_t *ret_high, bool *ret_all);

#endif
