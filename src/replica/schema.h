/* The form of the database: its tables, and how one of an earlier version is
 * brought up to date. */
#ifndef REPLICA_SCHEMA_H
#define REPLICA_SCHEMA_H

#include <sqlite3.h>

/* The form's version, kept as user_version. */
#define SCHEMA_VERSION 8

/* From this version on, one can be read as it is. */
#define SCHEMA_READABLE 7

/* Make the form in an empty database, or bring one of an older version up to
 * date; throw away what earlier mounts left over. Before anybody else uses the
 * database. 0; -EBADMSG: made by a newer version; or see sql_error. */
int schema_prepare(sqlite3 *db);

#endif
