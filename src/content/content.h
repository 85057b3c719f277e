/*
 * The content cache: bytes of stored files, in blocks, beside the database.
 *
 * A block is kept under the object's node id, which stands for one version of
 * one object for good. Each block has a checksum, and a block that does not
 * fit its own is as good as absent: so neither a crash in the middle of a
 * write nor a damaged disk can make a read wrong. Blocks are written by a
 * thread of their own (keeper.c), which also removes the longest unused ones
 * when all together take more than the limit.
 *
 * Any thread may call everything but open and close. Nothing here waits for
 * the network; reading waits for the disk.
 */
#ifndef CONTENT_CONTENT_H
#define CONTENT_CONTENT_H

#include "base/blob.h"
#include "content/block.h"
#include "replica/replica.h"

struct content;

/*
 * Open the cache of a replica, which must outlive it. limit: bytes on the disk
 * that the database and the content may take up together; where the database
 * alone takes more, nothing is kept. Of an archived replica, what was kept is
 * read, and nothing is written. 0, or -errno.
 */
int content_open(
    struct replica *replica, int64_t limit, struct content **ret_content);

/* Everything that was to be kept is written first. NULL is fine. */
void content_close(struct content *content);

/*
 * Closing it shall take about so long at most from now on, in milliseconds:
 * what is not written by then will be fetched again one day. A write that the
 * disk does not answer is waited for in any case. NULL is fine.
 */
void content_hurry(struct content *content, int64_t ms);

/*
 * Read [offset, offset + len) of an object of which the size is proven; the
 * range must lie within. 0: all of it is in out; -ENODATA: not all is here.
 */
int content_read(struct content *content, const struct node *object,
    int64_t offset, void *out, size_t len);

/* Which blocks of a segment are here: bit n is its n-th block. A block that
 * turns out to be damaged may be among them, once. */
uint64_t content_segment(
    struct content *content, int64_t node, int64_t segment);

/* Whether a whole object of that size is here. */
bool content_has(struct content *content, int64_t node, int64_t size);

/*
 * Keep the first len bytes of blob, which are those of the object at first.
 * The object's size is proven, by a commit that is over. What makes no whole
 * block is left out. A reference to blob is held until it is written. Best
 * effort: what cannot be kept is not.
 */
void content_keep(struct content *content, const struct node *object,
    int64_t first, struct blob *blob, int64_t len);

/* Bytes of blobs that wait to be written. */
int64_t content_backlog(struct content *content);

/* Whether all that was to be kept has been written, or never will be. */
bool content_is_settled(struct content *content);

/* Keep a whole object that stands in a file; the descriptor is duplicated. */
void content_keep_file(
    struct content *content, const struct node *object, int fd);

/* The database found no room on the disk: about half of what is kept makes way
 * for it, within seconds. NULL is fine. */
void content_make_way(struct content *content);

/* What it holds, and how it did since it was made. */
struct content_totals {
	int64_t limit;	  /* bytes, the database included */
	int64_t bytes;	  /* on the disk, as far as counted yet */
	uint64_t hits;	  /* reads that were answered from here */
	uint64_t damaged; /* blocks that did not fit their checksum */
	uint64_t removed; /* segments removed to make room */
};

/* As of now; all zero where content is NULL. Any thread. */
void content_totals(struct content *content, struct content_totals *ret_totals);

#endif
