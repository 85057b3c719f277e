/*
 * Which members of a table's records somebody sees. What is hidden is hidden
 * from filters, search and sorting as well, which else would tell of it.
 * Immutable while it is in use, and so for any thread.
 */
#ifndef EMULATOR_COLUMNS_H
#define EMULATOR_COLUMNS_H

#include <stdbool.h>

#include "emulator/store/table.h"

/* No more columns than these can be hidden one by one: then all are but the
 * four that always come. */
#define COLUMNS_MAX 64

struct columns {
	const char *hidden[COLUMNS_MAX]; /* borrowed */
	size_t count;
	bool too_many;
};

/* Hide a column; its name is borrowed. */
void columns_hide(struct columns *columns, const char *name);

/* Append a text without what is hidden, which is something; the text itself is
 * used up. 0, -EPROTO where it is no JSON object, -ENOMEM. */
int columns_drop(
    const struct columns *columns, struct buf *text, struct buf *out);

/* Append a row's text without what is hidden; columns may be NULL. 0, -EPROTO
 * where something is to be hidden in what is no JSON object, or what
 * table_read_text says. */
int columns_read_text(const struct columns *columns, const struct table *table,
    row_t row, struct buf *out);

#endif
