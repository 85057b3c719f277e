/*
 * All streams: which object has one, which of them are given up, and the room
 * that they have together. What they hold is shown to any thread.
 *
 * sync.c owns it, read.c asks here. Loop thread only, unless said.
 */
#ifndef SYNC_OBJECT_STREAMS_H
#define SYNC_OBJECT_STREAMS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct blob;
struct core;
struct streams;
struct sync_op;

/* A stream that nobody reads any more is given up after this time, one that
 * was fetched ahead and not read yet after the second one. */
#define STREAM_IDLE_MS 10000
#define STREAM_UNREAD_MS 60000

/* None yet. NULL: out of memory. */
struct streams *streams_new(struct core *core);

/* NULL is fine. Nobody may wait for one. */
void streams_free(struct streams *streams);

/* Give up all of them. Nobody may wait for one. */
void streams_drop_all(struct streams *streams);

/* How many there are. */
size_t streams_count(const struct streams *streams);

/* What counts the bytes that are held, by whomever. Any thread. */
_Atomic int64_t *streams_account(struct streams *streams);

/* Bytes of memory that are kept for more of them: none, once nothing was
 * fetched for a while. Any thread. */
size_t streams_spare(struct streams *streams);

/* Begin op of streams: read an object. */
void streams_read(void *streams, struct sync_op *op);

/* Begin op of streams: learn an object's true size. */
void streams_measure(void *streams, struct sync_op *op);

/* Begin to fetch an object that is likely to be read soon. 0; 1: it is here
 * already; -ENOSPC: there is no room for more ahead; or another error. */
int streams_prefetch(void *streams, int64_t node_id);

/*
 * Find [pos, end) of a node's object. asked: by a reader, not ahead of one. A
 * reference to its blob for the caller, *ret_data points into it; NULL: not
 * here in one piece. Any thread; does not block.
 */
struct blob *streams_take(struct streams *streams, int64_t node, int64_t pos,
    int64_t end, bool asked, const char **ret_data);

/* Learn at once what was taken, which happens soon in any case. */
void streams_read_notes(struct streams *streams);

#endif
