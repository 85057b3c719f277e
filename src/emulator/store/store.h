/*
 * Everything that is served: tables, and the stored files. Tables come and
 * never go, so a table's pointer stays good; what is in them is reached under
 * the store's lock. Nothing is read from disk while it is held.
 */
#ifndef EMULATOR_STORE_H
#define EMULATOR_STORE_H

#include "emulator/store/table.h"

struct store;

/* 0 or -ENOMEM. */
int store_new(struct store **ret_store);
/* With all tables. NULL is fine. */
void store_free(struct store *store);

/* NULL when there is none of that name. */
struct table *store_find(struct store *store, const char *name);

/* Find or add: 0 or -ENOMEM. */
int store_table(
    struct store *store, const char *name, struct table **ret_table);

/* Take a table over, also on failure. 0, -EEXIST (there is one of its name),
 * -ENOMEM. */
int store_adopt(struct store *store, struct table *table);

/* The list of stored files. */
struct table *store_files(struct store *store);

/* The i-th table by name, or NULL past the end. */
struct table *store_nth(struct store *store, size_t i);

/* TABLE=N:BYTES. 0, -EINVAL, -EEXIST (done before), -ENOMEM. */
int store_generate(struct store *store, const char *text);

/* N:BYTES: the same for stored files. */
int store_generate_files(struct store *store, const char *text);

/* Call once, before the store is served: what exists is the beginning. */
void store_mark_kept(struct store *store);

/* Before what only reads of a table; nothing that may block is done under it.
 */
void store_read_lock(struct store *store);

/* Before what changes a table; nothing that may block is done under it. */
void store_write_lock(struct store *store);

/* After either. */
void store_unlock(struct store *store);

/* A row of its own reference (row_unref), by id: 0 or -ENOENT. */
int store_get(struct store *store, struct table *table, const char *id,
    size_t id_len, row_t *ret_row);

/* The document is taken over, also on failure. 0 or -ENOMEM. */
int store_put(
    struct store *store, struct table *table, struct document *record);
/* 0 or -ENOENT. */
int store_remove(
    struct store *store, struct table *table, const char *id, size_t id_len);

#endif
