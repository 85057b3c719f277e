/*
 * Operations, and waiting.
 *
 * An operation is begun on the loop thread and ends exactly once, by done, on
 * the loop thread as well. Meanwhile it may wait in one list, with others that
 * wait for the same thing. The faces of sync start operations; whatever room
 * has what they wait for ends them, or starts them over.
 *
 * All on the loop thread, unless said.
 */
#ifndef SYNC_CORE_OP_H
#define SYNC_CORE_OP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "http/http.h"
#include "replica/replica.h"

struct core;
struct ops;
struct registration;
struct wait_list;

/* An open directory's place: what it may read, and until where. */
struct sync_dir {
	int64_t base;	  /* positions above base ... */
	int64_t end;	  /* ... and below end; 0: a listing still under way */
	int64_t since;	  /* for sync_valid_ms */
	uint64_t version; /* of a whole listing; see sync_dir_version */
	bool incomplete;  /* the server itself says that some is missing */
	struct registration *registration; /* sync's own */
};

struct sync_op {
	/* Set by the caller. */
	uint64_t id; /* from sync_op_id */
	void (*done)(struct sync_op *op, int err);
	int64_t dir;		  /* lookup, open, wait */
	const char *name;	  /* lookup; must live until done */
	struct sync_dir open_dir; /* open: result; wait: which */
	int64_t after;		  /* wait: the position read so far */
	int64_t node_id;	  /* read, measure */
	uint64_t offset;	  /* read */
	size_t len;		  /* read */
	/* Results. */
	struct node node; /* lookup, measure */
	int64_t since;	  /* lookup, also of -ENOENT: for sync_valid_ms */
	size_t got;	  /* read: len, or less at the true end */
	const char *data; /* read: the bytes; borrowed, until done returns */
	/* Sync's own. */
	char *copy; /* read: where data had to be put together */
	struct http_task task;
	struct core *core;
	void (*begin)(void *ctx, struct sync_op *op);
	void *ctx;
	struct wait_list *list;
	int64_t began;	/* a moment */
	unsigned tries; /* lookup, read */
	bool whole;	/* lookup: only the whole listing can tell */
	bool measures;	/* it asks for the size alone */
	TAILQ_ENTRY(sync_op) link;
	TAILQ_ENTRY(sync_op) pending_link;
};

TAILQ_HEAD(op_queue, sync_op);

/* Operations that wait for the same thing. */
struct wait_list {
	struct op_queue queue;
	/* The last one was interrupted: nobody waits any more. */
	void (*abandoned)(void *ctx);
	void *ctx;
};

/* An empty list. abandoned may be NULL. */
void wait_init(struct wait_list *list, void (*abandoned)(void *ctx), void *ctx);

/* op waits here, and nowhere else. */
void wait_add(struct wait_list *list, struct sync_op *op);

/* op waits no more, if it did. */
void wait_remove(struct sync_op *op);

/* Let those of one list wait in another one. */
void wait_move(struct wait_list *from, struct wait_list *to);

/* End all of them. */
void wait_finish(struct wait_list *list, int err);

/* Start all of them over: what they waited for is there. */
void wait_restart(struct wait_list *list);

/* All operations that are under way. NULL: out of memory. */
struct ops *ops_new(void);

/* NULL is fine. None may be under way: see ops_end. */
void ops_free(struct ops *ops);

/* Once the loop has ended: what is under way gets err. NULL is fine. */
void ops_end(struct ops *ops, int err);

/* A number for an operation, by which it can be interrupted. Any thread. */
uint64_t ops_id(struct ops *ops);

/* End an operation of core's with -EINTR, unless it is over. Any thread. */
void ops_interrupt(struct core *core, uint64_t op_id);

/* Begin an operation on the loop thread, by begin. Any thread. */
void op_start(struct core *core, struct sync_op *op,
    void (*begin)(void *ctx, struct sync_op *op), void *ctx);

/* op is over. It may be gone afterwards. */
void op_finish(struct sync_op *op, int err);

#endif
