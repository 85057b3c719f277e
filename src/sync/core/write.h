/*
 * Writing to the replica: what is written within one turn of the loop is one
 * transaction. Memory follows the database, never the other way round: what
 * stands on a write waits for its commit, by a hook.
 *
 * Loop thread only.
 */
#ifndef SYNC_CORE_WRITE_H
#define SYNC_CORE_WRITE_H

#include <stdint.h>
#include <sys/queue.h>

#include "replica/replica.h"

struct core;
struct write;

/* lost: a write did not come about, and nobody knows what all was in it; called
 * before the hooks of those who do know. NULL: out of memory. */
struct write *write_new(
    struct core *core, void (*lost)(void *ctx, int err), void *ctx);

/* The write under way, if any, is committed; no hook may be left. NULL is fine.
 */
void write_free(struct write *write);

/*
 * Open the write under way, if there is none, and write what was put off: 0 or
 * -errno. It is committed at the next turn of the loop, together with what else
 * was written until then.
 */
int write_begin(struct write *write);

/* Called after the write under way was committed (err 0), or was lost. All zero
 * but for fn and ctx. */
TAILQ_HEAD(hook_queue, commit_hook);
struct commit_hook {
	void (*fn)(void *ctx, int err);
	void *ctx;
	struct hook_queue *queue; /* NULL: it is not to be called */
	TAILQ_ENTRY(commit_hook) link;
};

/* Call hook after the write under way; once, however often it is hooked. */
void write_hook(struct write *write, struct commit_hook *hook);

/* Do not call it, if it was to be. */
void write_unhook(struct commit_hook *hook);

/*
 * What is put off until the write under way needs it: fn writes it, before
 * anything else is written or the whole is committed. So many small writes can
 * become a large one, and nobody sees that they were late. All zero but for fn
 * and ctx.
 */
TAILQ_HEAD(deferred_queue, deferred_write);
struct deferred_write {
	void (*fn)(void *ctx);
	void *ctx;
	struct deferred_queue *queue; /* NULL: there is nothing to write */
	TAILQ_ENTRY(deferred_write) link;
};

/* Put it off; the write under way is opened for it. Once, however often it is
 * put off. 0 or -errno. */
int write_defer(struct write *write, struct deferred_write *deferred);

/* It is written, or is not to be. */
void write_undefer(struct deferred_write *deferred);

/* Write what was put off: for who is about to read what he wrote. */
void write_deferred(struct write *write);

/* A name leads to another node, once the write under way is committed. */
void write_changes_name(struct write *write, int64_t dir, const char *name);

/* The same of a node's own name. 0 or -errno of the replica. */
int write_changes_name_of(struct write *write, const struct node *node);

#endif
