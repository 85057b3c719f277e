/* SQLite's view of files, where the pages of a database have checksums: see
 * page_sum.h. Inside replica/ only. */
#ifndef REPLICA_PAGE_VFS_H
#define REPLICA_PAGE_VFS_H

#include <sqlite3.h>
#include <stdbool.h>

/*
 * Its name, for sqlite3_open_v2: made when a page goes to the database's file,
 * they are looked at when one comes from there, and SQLite never sees any. What
 * is not right is SQLITE_CORRUPT. trusting: a page without one is believed.
 * NULL, SQLite's own, where there is no memory. Any thread.
 */
const char *page_vfs(bool trusting);

/* Whether pages without sums were read since this was last asked. Any thread.
 */
bool page_vfs_saw_none(void);

/* Have a database that nothing was written to yet have pages with room for
 * sums; or one that is made of this one. An SQLite result. */
int page_vfs_keep(sqlite3 *db);

#endif
