/*
 * andFilters and orFilters: parsed once a request, matched against rows. What
 * concerns only id, createdAt and updatedAt is decided without a row's text.
 * Belongs to one thread.
 */
#ifndef EMULATOR_FILTER_H
#define EMULATOR_FILTER_H

#include "emulator/store/table.h"

struct filter;

/*
 * Either text may be NULL. Members of orFilters (or of its array) are
 * alternatives; all the rest has to hold. 0; -EINVAL when one is not
 * understood, with what is wrong appended to problem, which names what it is
 * about; -ENOMEM.
 */
int filter_new(const char *and_text, const char *or_text, struct buf *problem,
    struct filter **ret_filter);

/* NULL is fine. */
void filter_free(struct filter *filter);

/* A field has to be this very string. 0, -EINVAL (too many conditions),
 * -ENOMEM. */
int filter_add_equal(
    struct filter *filter, const char *field, const char *string);

/* Nothing to match at all. NULL is fine, and empty. */
bool filter_is_empty(const struct filter *filter);

/* Whether filter_match looks at the text. NULL is fine. */
bool filter_needs_text(const struct filter *filter);

/* Whether a row with this text matches: 1, 0, -E2BIG (a pattern takes too
 * long), -EPROTO or -ENOMEM. */
int filter_match(struct filter *filter, row_t row, struct json_span text);

/*
 * The part of an order where matching rows are, [*ret_low, *ret_high), and
 * whether all rows in it match (then nothing needs to be asked any more). The
 * store's lock is held.
 */
void filter_range(const struct filter *filter, const struct table *table,
    enum table_order order, size_t *ret_low, size_t *ret_high, bool *ret_all);

#endif
