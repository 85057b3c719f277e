/*
 * The texts of nodes that follow each other, read from the replica in one
 * question: each question costs as much as a few texts. The pusher has one.
 *
 * Used by one thread at a time.
 */
#ifndef FS_TEXT_BATCH_H
#define FS_TEXT_BATCH_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "replica/replica.h"

/* So many texts, and bytes of them, are held. */
#define TEXT_BATCH_MOST 64
#define TEXT_BATCH_BYTES ((size_t)512 << 10)

/* Its fields are text_batch.c's own. */
struct text_batch {
	struct buf bytes;
	size_t count;
	struct {
		int64_t id;
		size_t at;
		size_t len;
	} texts[TEXT_BATCH_MOST]; /* by id */
};

/* Empty. text_batch_done is owed. */
void text_batch_init(struct text_batch *batch);

/* Frees what it holds. */
void text_batch_done(struct text_batch *batch);

/* Hold the texts of the first of these nodes, as the server sent them, in place
 * of others: of as many as have ids near each other (those of one page do), and
 * of these as many as there is room for. *ret_count: how many nodes that were,
 * one at least. 0, or an error of the replica. */
int text_batch_load(struct text_batch *batch, struct replica *replica,
    const int64_t *ids, size_t count, size_t *ret_count);

/* A node's text, borrowed until the next load; NULL: it is not held. */
const char *text_batch_find(
    const struct text_batch *batch, int64_t id, size_t *ret_len);

#endif
