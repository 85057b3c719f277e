/*
 * A view a table, for programs that read the database by themselves: its
 * records with their ids and dates, in listing order, as they were when the
 * table was last known whole. A table that never was has none, so that a
 * question for it is an error and no empty answer. The manual tells users.
 *
 * The writing thread, within a write.
 */
#ifndef REPLICA_VIEWS_H
#define REPLICA_VIEWS_H

#include <sqlite3.h>
#include <stdint.h>

/* Have a view of a directory, whose listing is whole now. It is named as the
 * directory; or table.NAME where the database has that name otherwise, be it in
 * other letters' case. 0, or see sql_error. */
int views_show(sqlite3 *db, int64_t dir);

/* The same of all directories whose listing is whole. */
int views_show_all(sqlite3 *db);

#endif
