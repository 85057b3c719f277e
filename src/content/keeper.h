/*
 * The thread that writes what waits to be kept, and removes what was unused
 * longest where there is no room. Made and ended by the content cache.
 */
#ifndef CONTENT_KEEPER_H
#define CONTENT_KEEPER_H

#include "content/backlog.h"
#include "replica/replica.h"

struct keeper;

/* Open the directory of a replica's contents, and begin with what is in the
 * backlog. Both must outlive the keeper. limit: see content_open. 0 or
 * -errno. */
int keeper_new(struct replica *replica, int64_t limit, struct backlog *backlog,
    struct keeper **ret_keeper);

/* Write what is in the backlog, to which nothing is added any more, and end.
 * NULL is fine. */
void keeper_free(struct keeper *keeper);

/* Remove about half of what is kept, for the database, and keep nothing for a
 * while: within seconds. Any thread. */
void keeper_make_way(struct keeper *keeper);

/* The directory that segments are in; borrowed. Any thread. */
int keeper_dir(const struct keeper *keeper);

/* Bytes on the disk as far as counted, and segments removed. Any thread. */
void keeper_totals(
    struct keeper *keeper, int64_t *ret_bytes, uint64_t *ret_removed);

#endif
