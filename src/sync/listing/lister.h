/*
 * A lister keeps one directory's listing: it knows whether what the replica
 * holds is whole and fresh, asks the server whether it changed (refresh.h), and
 * runs passes over its pages (pass.h). The stored files have one lister for two
 * directories, their metadata and the objects.
 *
 * The faces of sync, and the list of listers, call it. Loop thread only, unless
 * said.
 */
#ifndef SYNC_LISTING_LISTER_H
#define SYNC_LISTING_LISTER_H

#include <stdbool.h>
#include <stdint.h>

#include "sync/core/op.h"

struct core;
struct fetches;
struct folder;
struct lister;
struct view;

/* The lister of a directory. NULL: out of memory, or the directory is none that
 * is listed. Any thread. */
struct lister *lister_new(
    struct core *core, struct fetches *fetches, int64_t dir);

/* NULL is fine. Nobody may wait. */
void lister_free(struct lister *lister);

/* Everything is due for a check: what the kernel keeps of the directory is due
 * as well. */
void lister_expire(struct lister *lister);

/* A write was lost, and nobody knows what all was in it: a pass or a refresh
 * that stands on it is given up. err: why. */
void lister_lose(struct lister *lister, int err);

/* The directory that it lists; borrowed. Any thread. */
const struct folder *lister_folder(const struct lister *lister);

/* What any thread may know of it; borrowed. Any thread. */
struct view *lister_view(const struct lister *lister);

/* Whether the listing is whole, and fresh enough for op: its proof began less
 * than ttl before op did. */
bool lister_is_fresh(const struct lister *lister, const struct sync_op *op);

/* Whether the server has said, lately enough for op, that there is no such
 * table. */
bool lister_is_missing(const struct lister *lister, const struct sync_op *op);

/* Whether a pass is under way. */
bool lister_is_passing(const struct lister *lister);

/* Whether op may read along with the pass under way: its first page is there,
 * and it began as lately as op asks for. */
bool lister_may_join(const struct lister *lister, const struct sync_op *op);

/* Begin to read the listing that is whole; view_leave is owed. 0 or -ENOMEM. */
int lister_enter(struct lister *lister, struct sync_dir *ret_dir);

/* Begin to read along with the pass under way; view_leave is owed. 0 or
 * -ENOMEM. */
int lister_join(struct lister *lister, struct sync_dir *ret_dir);

/* Restart op at the next news, and see to it that there will be some: refresh
 * the listing, or run a pass. A pass that op may not join is made whole first
 * where somebody reads it, else given up. */
void lister_wait_for_news(struct lister *lister, struct sync_op *op);

/* The same for one who reads the pass under way, or left, and has got to
 * op->after. */
void lister_read_on(struct lister *lister, struct sync_op *op);

/* Restart op at the next news, and see to it that the listing gets whole. */
void lister_complete(struct lister *lister, struct sync_op *op);

/* Somebody who reads along with the pass that began at base has got to pos. */
void lister_reader_at(struct lister *lister, int64_t base, int64_t pos);

#endif
