/*
 * One record by its id, or one table's spec: asked for once, however many wait
 * for it.
 *
 * Loop thread only.
 */
#ifndef SYNC_RECORD_FETCH_H
#define SYNC_RECORD_FETCH_H

#include <stddef.h>
#include <stdint.h>

struct core;
struct fetches;
struct sync_op;

/* Where a record is. The strings are read only while the call lasts. */
struct fetch_from {
	int64_t dir;
	const char *title; /* the directory's name */
	const char *table; /* NULL: the stored files */
};

/* None under way. core is borrowed. NULL: out of memory. */
struct fetches *fetches_new(struct core *core);

/* Nobody may wait. NULL is fine. */
void fetches_free(struct fetches *fetches);

/* Get a table's spec and restart op then; or end it with an error, -ENOENT:
 * there is none. */
void fetch_spec(
    struct fetches *fetches, const struct fetch_from *from, struct sync_op *op);

/* See whether it has changed; nobody waits for it. */
void fetch_spec_again(struct fetches *fetches, const struct fetch_from *from);

/* Get one record, or a stored file's metadata, by id and restart op then; or
 * end it with an error, -ENOENT: there is none. */
void fetch_record(struct fetches *fetches, const struct fetch_from *from,
    const char *id, size_t len, struct sync_op *op);

#endif
