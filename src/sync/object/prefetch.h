/*
 * Stored files that are read one after the other in listing order: the next
 * ones are fetched before they are asked for, in a window that doubles with
 * each file that proves the guess. Any other order closes it, and so does a
 * quota that runs low. Loop thread only.
 */
#ifndef SYNC_OBJECT_PREFETCH_H
#define SYNC_OBJECT_PREFETCH_H

#include <stdint.h>

#include "replica/replica.h"

struct streams;

/* At most so many stored files are fetched ahead of one reader. */
#define PREFETCH_MOST 64

/* Stored files being read in listing order. */
struct prefetch_streak {
	int64_t last;	 /* position read last; 0: unused */
	int64_t fetched; /* fetched ahead up to this position */
	unsigned window; /* files to be ahead */
	unsigned ahead;	 /* files fetched and not yet read */
	uint64_t used;	 /* when, for the choice of a victim */
};

/* The window, in requests that the gates let through at once: URLs and objects
 * pass two gates, and a third share is being read. */
#define PREFETCH_GATES 3

/* A file's first bytes are being read. */
void prefetch_observe(struct streams *streams, const struct node *node);

#endif
