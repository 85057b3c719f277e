/*
 * Stored files that are read one after the other in listing order: the next
 * ones are fetched before they are asked for, in a window that doubles with
 * each file that proves the guess. Any other order closes it, and so does a
 * quota that runs low.
 *
 * streams.c owns it. Loop thread only.
 */
#ifndef SYNC_OBJECT_PREFETCH_H
#define SYNC_OBJECT_PREFETCH_H

#include <stdint.h>

struct core;
struct node;
struct prefetch;

/* Begin to fetch a node's object. 0; 1: it is here already; -ENOSPC: there is
 * no room for more ahead; or another error. */
typedef int (*prefetch_fn)(void *ctx, int64_t node_id);

/* NULL: out of memory. */
struct prefetch *prefetch_new(struct core *core, prefetch_fn fetch, void *ctx);

/* NULL is fine. */
void prefetch_free(struct prefetch *prefetch);

/* A file's first bytes are being read. */
void prefetch_observe(struct prefetch *prefetch, const struct node *node);

#endif
