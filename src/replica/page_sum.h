/*
 * Checksums of the database's pages: SQLite has none, so that a bit which flips
 * on the disk would be handed out as what the server said, or hide what it
 * said. They stand in room that SQLite leaves at the end of each page, are made
 * when one goes to the database's file and looked at when it comes from there;
 * the log has its own. Other programs may read the database, but not write to
 * it. What a version before the 8th has made has no such room: see renew.h.
 * Inside replica/ only.
 */
#ifndef REPLICA_PAGE_SUM_H
#define REPLICA_PAGE_SUM_H

#include <sqlite3.h>
#include <stdbool.h>

/*
 * Bytes a page of the database; those of another size have no sums. Records are
 * about 1 KB, of which SQLite's 4096 hold three and waste the rest; larger ones
 * cost more where a write touches few rows.
 */
#define PAGE_SUM_PAGE 8192

/* The name of SQLite's view of files that has them: for sqlite3_open_v2, after
 * page_sum_register. NULL: as SQLite itself. Any thread. */
const char *page_sum_vfs(void);

/* Have a database that nothing was written to yet have such pages, with room
 * for sums; or one that is made of this one. An SQLite result. */
int page_sum_keep(sqlite3 *db);

/* Whether a database is there that has no room for them. */
bool page_sum_is_wanted(const char *path);

/* Give sums to all pages of a database that has room for them, and that nobody
 * has open; it is on the disk then. 0 or -errno. */
int page_sum_complete(const char *path);

#endif
