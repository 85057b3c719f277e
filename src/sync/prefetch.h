/*
 * Stored files that are read one after the other in listing order: the next
 * ones are fetched before they are asked for, in a window that doubles with
 * each file that proves the guess. Any other order closes it, and so does a
 * quota that runs low. Loop thread only.
 */
#ifndef SYNC_PREFETCH_H
#define SYNC_PREFETCH_H

#include "sync/core.h"

/* The window, in requests that the gates let through at once: URLs and objects
 * pass two gates, and a third share is being read. */
#define PREFETCH_GATES 3

/* A file's first bytes are being read. */
void prefetch_observe(struct sync *sync, const struct node *node);

#endif
