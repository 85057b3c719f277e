/*
 * A table: its rows in two orders, by id and by updatedAt, and its
 * specification. The list of stored files is a table as well.
 *
 * Everything but a table's name and kind is guarded by the lock of the store
 * that it is in, which the caller holds.
 */
#ifndef EMULATOR_TABLE_H
#define EMULATOR_TABLE_H

#include "emulator/store/row.h"

struct table;

enum table_order { TABLE_BY_ID, TABLE_BY_UPDATED };

/* name is copied. 0 or -ENOMEM. */
int table_new(const char *name, bool stored_files, struct table **ret_table);

/* With its references to all rows. NULL is fine. */
void table_free(struct table *table);

/* Of the table, borrowed; any thread, without the lock. */
const char *table_name(const struct table *table);

/* Whether it is the list of stored files. Any thread, without the lock. */
bool table_is_files(const struct table *table);

/* How large each generated object is. */
uint64_t table_object_size(const struct table *table);

/* How many rows there are. */
size_t table_count(const struct table *table);

/* All rows in an order, borrowed until the table changes. */
const row_t *table_rows(const struct table *table, enum table_order order);

/* Add the generated rows 0 to count-1, of about size bytes each. 0, -EEXIST
 * (only once), -ENOMEM. */
int table_generate(struct table *table, uint64_t count, uint64_t size);

/* Add a document at the end, out of order: the reference is taken over, also on
 * failure. table_settle must follow before anything else. 0 or -ENOMEM. */
int table_append(struct table *table, struct document *document);

/* Called for each document that another one with its id replaces. */
typedef void table_twin_fn(
    void *ctx, struct document *kept, struct document *dropped);

/* Sort; of documents with equal ids the one with the later updatedAt stays.
 * on_twin may be NULL. Returns how many were dropped. */
size_t table_settle(struct table *table, table_twin_fn *on_twin, void *ctx);

/* Before anybody else has it: every second document from the first on (by id)
 * is kept by --mutate. */
void table_mark_kept(struct table *table);

/* Insert or replace, by id. The reference is taken over. 0 or -ENOMEM. */
int table_put(struct table *table, struct document *document);

/* 0 or -ENOENT. */
int table_remove(struct table *table, const char *id, size_t id_len);

/* The position by id, or -1. */
ssize_t table_find(const struct table *table, const char *id, size_t id_len);

/* How many rows come before this id (after: or have it), in order of ids. */
size_t table_rank_id(
    const struct table *table, const char *id, size_t id_len, bool after);

/* How many rows come before this time (after: or have it), in order of
 * updatedAt. */
size_t table_rank_updated(const struct table *table, int64_t ms, bool after);

/* Append the row's text, as the server has it. Any thread, without the lock. 0
 * or what place_read says. */
int table_read_text(const struct table *table, row_t row, struct buf *out);

/* The same, of a row that will be looked at again: queries look at all. The
 * text is in out, or the row's own. */
int table_keep_text(const struct table *table, row_t row, struct buf *out,
    struct json_span *ret_text);

/* The specification's text, taken over. */
void table_take_spec(struct table *table, char *spec);

/* Where there is no such text, one that says nothing is made up. */
void table_make_up_spec(struct table *table);

/* Before anybody else has it: something of the table is known to be missing.
 * The text, which says what, is copied; the first of several stays. 0 or
 * -ENOMEM. */
int table_miss(struct table *table, const char *what);

/* What is missing, or NULL. Borrowed; any thread, without the lock. */
const char *table_missing(const struct table *table);

/* Append the specification. 0, -ENOENT (it has none), -ENOMEM. */
int table_read_spec(const struct table *table, struct buf *out);

#endif
