/*
 * Bytes of stored files that have come and not been let go of: what any thread
 * may hand out without asking the loop. The loop shows a range here as it
 * fills, and hides it before it goes; whoever hands bytes out leaves a note,
 * by which the loop knows how far readers have got.
 *
 * Any thread, but for init and done; nothing here blocks.
 */
#ifndef SYNC_OBJECT_READY_H
#define SYNC_OBJECT_READY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/blob.h"
#include "base/lock.h"

/* Nodes are spread over so many lists. */
#define READY_LISTS 64

/* What was handed out of a range since the loop looked last. */
struct ready_use {
	int64_t bytes;
	int64_t end;	 /* the furthest position, in the object */
	bool from_begin; /* a reader has asked for the object's first byte */
};

/* A range as it is shown. The loop sets what is not under the lock, and leaves
 * it alone while it is shown. */
struct ready_range {
	int64_t node;
	int64_t first; /* position of the blob's first byte */
	struct blob *blob;
	void *owner; /* whom a note concerns */
	/* Under the lock of struct ready. */
	bool shown;
	bool noted;
	int64_t filled;
	struct ready_use use;
	LIST_ENTRY(ready_range) link;
	TAILQ_ENTRY(ready_range) note_link;
};

struct ready {
	struct lock lock;
	/* Under lock. */
	LIST_HEAD(, ready_range) lists[READY_LISTS];
	TAILQ_HEAD(, ready_range) notes;
	bool waking; /* the loop has been told that there are notes */
};

/* With nothing in it; ready_done is owed. */
void ready_init(struct ready *ready);

/* Its end: nothing may be shown any more. */
void ready_done(struct ready *ready);

/* So many bytes of a range may be handed out now. */
void ready_show(struct ready *ready, struct ready_range *range, int64_t filled);

/* None may any more; who took some keeps it. */
void ready_hide(struct ready *ready, struct ready_range *range);

/*
 * Find [offset, end) of a node in one range. asked: by a reader, not ahead of
 * one. A reference to its blob for the
 * caller, *ret_data points into it; NULL: not there. *ret_wake: tell the loop
 * that there are notes.
 */
struct blob *ready_take(struct ready *ready, int64_t node, int64_t offset,
    int64_t end, bool asked, const char **ret_data, bool *ret_wake);

/* The next range with a note, which is taken off; NULL: there is none, and who
 * leaves the next one will wake the loop. */
struct ready_range *ready_note(struct ready *ready, struct ready_use *ret_use);

#endif
