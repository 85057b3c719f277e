/*
 * Checksums of what rows say, made when they are put and looked at when they
 * are read: SQLite has none for its pages, so that a bit which flips on the
 * disk would be handed out as what the server said. Of a node they cover what
 * never changes. Any thread; inside replica/ only.
 */
#ifndef REPLICA_ROW_SUM_H
#define REPLICA_ROW_SUM_H

#include <stddef.h>
#include <stdint.h>
#include <xxhash.h>

#include "replica/replica.h"

/* Stands for the sum in a row that was put by a version that knew none. */
#define ROW_SUM_NONE 0

/* Of the node that a row makes, of that id: what may change of it does not
 * count. Never ROW_SUM_NONE, like the next. As SQLite has it, signed; the same
 * on every machine, for databases go from one to another. */
int64_t row_sum(const struct replica_row *row, int64_t id);

/* Of its text. */
int64_t row_sum_of_text(int64_t id, const void *text, size_t len);

/* Of an entry of a listing. */
int64_t row_sum_of_entry(int64_t dir, int64_t pos, int64_t node);

/* The sum of a text that comes in pieces. */
struct row_sum_state {
	XXH3_state_t *hash;
};

/* Begin with none of it: row_sum_end is owed. 0 or -ENOMEM. */
int row_sum_begin(struct row_sum_state *state, int64_t id);

/* Go on with the next piece. */
void row_sum_add(struct row_sum_state *state, const void *data, size_t len);

/* What row_sum_of_text says of all of them; frees the state. */
int64_t row_sum_end(struct row_sum_state *state);

#endif
