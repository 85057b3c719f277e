/* SQLite's results as ours. Any thread, each with a database handle of its own.
 */
#ifndef REPLICA_SQL_H
#define REPLICA_SQL_H

#include <sqlite3.h>
#include <stdint.h>

/* -errno of a result: -ENOMEM, -ENOSPC, -EIO; 0 where it is no error. What is
 * worth it is logged, in the database's words where db is not NULL. */
int sql_error(sqlite3 *db, int result);

/* Run statements that give nothing. Errors: see sql_error. */
int sql_execute(sqlite3 *db, const char *sql);

/* The one number that a question gives. Errors: see sql_error. */
int sql_number(sqlite3 *db, const char *sql, int64_t *ret_number);

#endif
