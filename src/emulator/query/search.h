/* Full text search, the plain way: a part of any string in a record. Pure, for
 * any thread. */
#ifndef EMULATOR_SEARCH_H
#define EMULATOR_SEARCH_H

#include "emulator/query/columns.h"

/* Whether a string (not a key) in the row's text holds what is asked for,
 * letters of ASCII in any case: 1, 0, or -errno of reading. */
int search_row(const char *asked, const struct columns *columns,
    const struct table *table, row_t row);

#endif
