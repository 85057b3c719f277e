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

/* What never changes of a node. */
struct row_facts {
	int64_t id;
	int64_t dir;
	enum node_kind kind;
	const void *key;
	size_t key_len;
	const char *name;
	size_t name_len;
	int64_t mtime_ms;
	int64_t size; /* not of an object, whose size is found out later */
	int64_t other_size;
};

/* Of a node; never ROW_SUM_NONE, like the next. As SQLite has it, signed. */
int64_t row_sum(const struct row_facts *facts);

/* Of the node that a row makes, of that id. */
int64_t row_sum_of(const struct replica_row *row, int64_t id);

/* Of its text. */
int64_t row_sum_of_text(int64_t id, const void *text, size_t len);

/* The same of a text that comes in pieces: row_sum_end is owed. 0 or -ENOMEM.
 */
struct row_sum_state {
	XXH3_state_t *hash;
};

int row_sum_begin(struct row_sum_state *state, int64_t id);
void row_sum_add(struct row_sum_state *state, const void *data, size_t len);
int64_t row_sum_end(struct row_sum_state *state);

#endif
