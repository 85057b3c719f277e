/*
 * Sync fills the replica when somebody looks. The rooms above answer from the
 * replica; what is not there yet, or too old, they ask for here.
 *
 * An operation (struct sync_op) is started on any thread and ends exactly once,
 * by done, on the loop thread: when what it waits for is in the replica, or
 * with the errno of CONTRACT.md 6, or -EINTR when interrupted. Nothing here
 * blocks the caller.
 */
#ifndef SYNC_SYNC_H
#define SYNC_SYNC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sync/core/op.h"
#include "sync/core/position.h"
#include "sync/core/sync_config.h"

struct sync;

/* 0 or -errno. */
int sync_new(const struct sync_config *config, struct sync **ret_sync);

/* Once the loop has ended: what waits gets -EIO. NULL is fine. */
void sync_end(struct sync *sync);

/* The same, and the end of it all. NULL is fine. */
void sync_free(struct sync *sync);

/* A number for an operation, by which it can be interrupted. Any thread. */
uint64_t sync_op_id(struct sync *sync);

/* Find a name. -ENOENT: there is none, for certain. */
void sync_lookup(struct sync *sync, struct sync_op *op);

/* Find out which tables there are, where a server could tell: ends well also
 * where that fails. */
void sync_find_tables(struct sync *sync, struct sync_op *op);

/* The same, at once: 0, or -EAGAIN: start the operation. Any thread. */
int sync_find_tables_now(struct sync *sync);

/* Begin to read a directory; sync_dir_close is owed after success. */
void sync_dir_open(struct sync *sync, struct sync_op *op);

/* Wait until the replica holds entries beyond after, or there are none. */
void sync_dir_wait(struct sync *sync, struct sync_op *op);

/* Learn an object's true size. */
void sync_measure(struct sync *sync, struct sync_op *op);

/* Read an object's bytes: all that was asked for, up to its true end. */
void sync_read(struct sync *sync, struct sync_op *op);

/* Have the contents of all objects that are known now stay, once they are kept:
 * it ends when that is in the replica. */
void sync_pin_objects(struct sync *sync, struct sync_op *op);

/* End an operation with -EINTR, unless it is over. Any thread. */
void sync_interrupt(struct sync *sync, uint64_t op_id);

/*
 * The same questions, answered at once when the replica can, or what has come
 * already: any thread, never blocks on the network. -EAGAIN: start the
 * operation.
 */
int sync_lookup_now(struct sync *sync, int64_t dir, const char *name,
    struct node *ret_node, int64_t *ret_since);

/* As sync_lookup_now: a listing that is fresh; sync_dir_close is owed.
 * -ENOTDIR: dir is none. */
int sync_dir_open_now(struct sync *sync, int64_t dir, struct sync_dir *ret_dir);

/* An object's bytes, which stay until sync_bytes_done. */
struct sync_bytes {
	const char *data;
	size_t len;	   /* what was asked for, or less at the object's end */
	struct blob *blob; /* sync's own */
};

/* As sync_lookup_now: bytes that are here in one piece. */
int sync_read_now(struct sync *sync, const struct node *node, uint64_t offset,
    size_t len, struct sync_bytes *ret_bytes);

/* The same of an object's beginning, for somebody who has not asked yet. */
int sync_read_ahead(struct sync *sync, const struct node *node, size_t len,
    struct sync_bytes *ret_bytes);

/* They are not looked at any more. Any thread. */
void sync_bytes_done(struct sync_bytes *bytes);

/* Until where open_dir may be read now (exclusive). 0; 1 when that is the end
 * of the listing; or the -errno with which the listing failed. */
int sync_dir_frontier(struct sync *sync, int64_t dir,
    const struct sync_dir *open_dir, int64_t *ret_frontier);

/* How many records a listing is going to have, as its server told, or as it had
 * when it was listed last; -1: nobody knows. Any thread. */
int64_t sync_dir_total(struct sync *sync, int64_t dir);

/* Whether what open_dir has read to its end is all that there is: 0, or -EIO
 * with a line in .bkendfs/errors, where the server itself says that some of it
 * is missing. Any thread; from the replica alone. */
int sync_dir_is_whole(
    struct sync *sync, int64_t dir, const struct sync_dir *open_dir);

/* A reader has got to position after: fetch ahead of it. */
void sync_dir_reading(struct sync *sync, int64_t dir,
    const struct sync_dir *open_dir, int64_t after);

/* An open directory is no longer read. Any thread. */
void sync_dir_close(struct sync *sync, struct sync_dir *open_dir);

/* A number that changes whenever a directory's entries, or how long their names
 * may be believed, do. 0: what open_dir reads is not that any more, or is not
 * whole. Any thread. */
uint64_t sync_dir_version(
    struct sync *sync, int64_t dir, const struct sync_dir *open_dir);

/* How long what was answered may be believed from now on, in milliseconds: it
 * rests on a question of that moment (sync_dir.since, sync_op.since). Any
 * thread. */
int64_t sync_valid_ms(struct sync *sync, int64_t since);

/* The moment now, for what rests on nothing else. Any thread. */
int64_t sync_now(struct sync *sync);

/* Whether an object's size may be shown, or has to be measured first. */
bool sync_size_is_known(struct sync *sync, const struct node *node);

/* Append the metadata text of the stored file that an object's node stands for.
 * Any thread; from the replica alone. -ENOENT. */
int sync_metadata_of(struct sync *sync, int64_t object, struct buf *out);

/* Everything is due for a check (SIGHUP). Any thread. */
void sync_expire(struct sync *sync);

#endif
