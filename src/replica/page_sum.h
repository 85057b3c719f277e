/*
 * Checksums of the database's pages: SQLite has none, so that a bit which flips
 * on the disk would be handed out as what the server said, or hide what it
 * said. They stand in room that SQLite leaves at the end of each page of the
 * database's file. The log's pages have none of these: it has SQLite's own,
 * which are looked at after a crash only. What a version before the 8th has
 * made has no such room: see renew.h. Any thread; inside replica/ only.
 */
#ifndef REPLICA_PAGE_SUM_H
#define REPLICA_PAGE_SUM_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Bytes a page of the database; those of another size have no sums. Records are
 * about 1 KB, of which SQLite's 4096 hold three and waste the rest; larger ones
 * cost more where a write touches few rows.
 */
#define PAGE_SUM_PAGE 8192

/* Bytes that it ends with: a sum, and what is not used. A database without room
 * has 0 there, which no single flipped bit makes of this: all checks would be
 * off. */
#define PAGE_SUM_ROOM 12

/* Bytes that the first page, and the file, begins with: SQLite's header. */
#define PAGE_SUM_HEADER 100

/* What the header says of a database's pages. */
enum page_sum_state {
	PAGE_SUM_UNKNOWN, /* there is no header yet */
	PAGE_SUM_WITHOUT, /* no room for sums */
	PAGE_SUM_WITH,
	PAGE_SUM_STRANGE, /* it is damaged */
};

enum page_sum_state page_sum_state(const unsigned char *header);

/* How many pages it says that there are. */
int64_t page_sum_count(const unsigned char *header);

/* Give a page its sum; offset is its place in the file. */
void page_sum_put(unsigned char *page, int64_t offset);

/* Whether it has one. What has none has come out of the log by another
 * program's hand, or a disk has made its end zero. */
bool page_sum_is_there(const unsigned char *page);

/* Whether a page is as it was when it got its sum. One without a sum is
 * believed unless it ends in zeros; trusting: then as well. */
bool page_sum_is_right(
    const unsigned char *page, int64_t offset, bool trusting);

/* Take its sum away, as SQLite is given it: with what it changes in the page
 * the sum would be wrong, and go into the log. */
void page_sum_strip(unsigned char *page, int64_t offset);

/* ---- a whole file, that nobody writes to: 0 or -errno ---- */

/* The header of a database. -ENODATA: there is none. */
int page_sum_header(const char *path, unsigned char header[PAGE_SUM_HEADER]);

/* Give all pages a sum that have none, of a database that has room for them. It
 * is on the disk then. -EBADMSG: it is none, or shorter than it says; -EINTR:
 * over said so, which is asked often. */
int page_sum_complete(const char *path, bool (*over)(void));

/*
 * In the file mark_fd is noted that all pages of a database have sums, when it
 * is closed; and taken back before it is written to. What is noted is of this
 * file alone: not of one that is put in its place.
 */
int page_sum_mark(const char *path, int mark_fd);
int page_sum_unmark(int mark_fd);

/* Whether that is noted of this database. */
bool page_sum_is_marked(const char *path, int mark_fd);

#endif
