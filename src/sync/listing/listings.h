/*
 * The listers of all directories, made when they are first asked for, and kept.
 */
#ifndef SYNC_LISTING_LISTINGS_H
#define SYNC_LISTING_LISTINGS_H

#include <stdint.h>

struct core;
struct fetches;
struct listings;
struct lister;

/* None yet. Both are borrowed. NULL: out of memory. */
struct listings *listings_new(struct core *core, struct fetches *fetches);

/* Nobody may wait for one. NULL is fine. */
void listings_free(struct listings *listings);

/* The lister of a directory, made if need be; NULL when out of memory or the
 * directory is none that is listed. It stays. Any thread. */
struct lister *listings_find(struct listings *listings, int64_t dir);

/* Everything is due for a check. Loop thread. */
void listings_expire(struct listings *listings);

/* A write was lost: see lister_lose. Loop thread. */
void listings_lose(struct listings *listings, int err);

#endif
