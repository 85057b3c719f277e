/*
 * One record by its id, or one table's spec: asked for once, however many wait
 * for it.
 *
 * Loop thread only.
 */
#ifndef SYNC_RECORD_FETCH_H
#define SYNC_RECORD_FETCH_H

#include <stddef.h>

struct core;
struct folder;
struct fetches;
struct sync_op;

/* None under way. core is borrowed. NULL: out of memory. */
struct fetches *fetches_new(struct core *core);

/* Nobody may wait. NULL is fine. */
void fetches_free(struct fetches *fetches);

/* In what follows, folder is read only while the call lasts. */

/* Get a table's spec and restart op then; or end it with an error, -ENOENT:
 * there is none. */
void fetch_spec(
    struct fetches *fetches, const struct folder *folder, struct sync_op *op);

/* See whether it has changed; nobody waits for it. */
void fetch_spec_again(struct fetches *fetches, const struct folder *folder);

/* Get one record, or a stored file's metadata, by id and restart op then; or
 * end it with an error, -ENOENT: there is none. */
void fetch_record(struct fetches *fetches, const struct folder *folder,
    const char *id, size_t len, struct sync_op *op);

#endif
