/*
 * The rows that replica_put_new puts, as a table that statements of the writing
 * connection can read: so one statement writes all of them, and what each one
 * costs besides its rows (to begin, to look the schema over, to open what it
 * writes to, to end) is paid once. Inside replica/ only.
 */
#ifndef REPLICA_NEW_ROWS_H
#define REPLICA_NEW_ROWS_H

#include <sqlite3.h>
#include <stddef.h>

#include "replica/replica.h"

/* All borrowed while a statement runs. */
struct new_rows {
	const struct replica_row *rows;
	size_t count;
	struct replica_place first; /* of the first one; the others follow */
};

/* Make them known to a connection, as the table new_rows; source is borrowed
 * for its life. An SQLite result. */
int new_rows_register(sqlite3 *db, const struct new_rows *source);

#endif
