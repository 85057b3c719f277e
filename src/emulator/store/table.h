/*
 * A table: its rows in two orders, by id and by updatedAt. The list of stored
 * files is a table as well.
 *
 * name and stored_files never change; the sizes do not either once rows were
 * generated. All else is guarded by the store's lock.
 */
#ifndef EMULATOR_TABLE_H
#define EMULATOR_TABLE_H

#include "emulator/store/row.h"

struct table {
	char *name;
	bool stored_files;
	bool demand_spec;     /* without a spec text, one is made up */
	size_t text_size;     /* of generated records */
	uint64_t object_size; /* of generated files */
	bool generated;	      /* table_generate was called */
	char *spec;	      /* NULL: none */
	row_t *by_id;
	row_t *by_updated;
	size_t count;
	size_t cap;
};

enum table_order { TABLE_BY_ID, TABLE_BY_UPDATED };

int table_new(const char *name, struct table **ret_table);
void table_free(struct table *table);

/* Add the generated rows 0 to count-1; only once. 0 or -ENOMEM. */
int table_generate(struct table *table, uint64_t count);

/* Add a record at the end, out of order: the reference is taken over, also on
 * failure. table_settle must follow before anything else. 0 or -ENOMEM. */
int table_append(struct table *table, struct document *record);

/* Sort; of records with equal ids the one with the later updatedAt stays.
 * Returns how many were dropped; *ret_twin is one such id then (borrowed). */
size_t table_settle(struct table *table, const char **ret_twin);

/* Every second record from the first on (by id) is kept by --mutate. */
void table_mark_kept(struct table *table);

/* Insert or replace, by id. The reference is taken over. 0 or -ENOMEM. */
int table_put(struct table *table, struct document *record);

/* 0 or -ENOENT. */
int table_remove(struct table *table, const char *id, size_t id_len);

/* The position by id, or -1. */
ssize_t table_find(const struct table *table, const char *id, size_t id_len);

/* How many rows come before this id / this time, in the order's own way. */
size_t table_rank_id(
    const struct table *table, const char *id, size_t id_len, bool after);
size_t table_rank_updated(const struct table *table, int64_t ms, bool after);

/* Append the row's text, as the server has it. Any thread, without the lock. 0
 * or what place_read says. */
int table_read_text(const struct table *table, row_t row, struct buf *out);

#endif
