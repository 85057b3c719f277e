/*
 * The entries of a listing in the replica, and those of its twin, where a
 * folder has one: taken back, swept, buried, and made the listing.
 *
 * In the write under way, which is begun if need be. Loop thread only. Each
 * returns 0 or -errno of the replica.
 */
#ifndef SYNC_LISTING_ENTRIES_H
#define SYNC_LISTING_ENTRIES_H

#include <stdbool.h>
#include <stdint.h>

#include "replica/replica.h"

struct core;
struct folder;

/* Take entries back: first <= pos <= last. */
int entries_unlist(struct core *core, const struct folder *folder,
    int64_t first, int64_t last);

/* A listing is whole: what it has not is gone, but for what was confirmed alone
 * since then (node.checked); entries below oldest are of no use any more. */
int entries_sweep(struct core *core, const struct folder *folder,
    const struct replica_listing *listing, int64_t since, int64_t oldest);

/* Nodes are gone from the generation on that side. */
int entries_bury(struct core *core, const struct folder *folder, int side,
    const int64_t *nodes, int64_t count);

/* The folder's listing is this one. */
int entries_set_listing(struct core *core, const struct folder *folder,
    const struct replica_listing *listing);

/* Whether the entries of a listing up to position last take up no more than so
 * many bytes; false also where the replica cannot tell. Nothing is written. */
bool entries_are_small(struct core *core, const struct folder *folder,
    const struct replica_listing *listing, int64_t last, int64_t bytes_max);

#endif
