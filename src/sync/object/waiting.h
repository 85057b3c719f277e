/*
 * Who waits for an object's bytes, or for its size, and when they go on.
 *
 * stream.c owns it. Loop thread only.
 */
#ifndef SYNC_OBJECT_WAITING_H
#define SYNC_OBJECT_WAITING_H

#include <stdbool.h>
#include <stdint.h>

struct http;
struct sync_op;
struct wait_list;
struct waiting;

struct waiting_events {
	/* What waiting_soon announced. */
	void (*soon)(void *ctx);
	/* Whether [pos, end) is there. */
	bool (*has)(void *ctx, int64_t pos, int64_t end);
	/* Nobody waits any more: the last one was interrupted. */
	void (*abandoned)(void *ctx);
};

/* NULL: out of memory. */
struct waiting *waiting_new(
    struct http *http, const struct waiting_events *events, void *ctx);

/* Nobody may wait. NULL is fine. */
void waiting_free(struct waiting *waiting);

/* op waits. */
void waiting_add(struct waiting *waiting, struct sync_op *op);

/* Whether none does. */
bool waiting_is_empty(const struct waiting *waiting);

/* Whether a read waits that has to do with [first, end). */
bool waiting_concerns(
    const struct waiting *waiting, int64_t first, int64_t end);

/* All begin again. The waiting may be gone afterwards. */
void waiting_restart(struct waiting *waiting);

/* Likewise those who read what is there, of an object of that size. */
void waiting_restart_ready(struct waiting *waiting, int64_t size);

/* At the next turn of the loop, soon is called. Safe within a transfer. */
void waiting_soon(struct waiting *waiting);

/* All begin again when the disk has had some time. 0 or -ENOMEM. */
int waiting_for_disk(struct waiting *waiting);

/* Let them wait in another list. */
void waiting_move(struct waiting *waiting, struct wait_list *to);

#endif
