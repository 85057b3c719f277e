/*
 * An object's true size, and the node that the object stands for. Once it is
 * learnt it goes into the replica; where somebody was told another one, the
 * object gets a new node, and what is read of the old one fails.
 *
 * stream.c owns it. Loop thread only.
 */
#ifndef SYNC_OBJECT_SIZE_H
#define SYNC_OBJECT_SIZE_H

#include <stdbool.h>
#include <stdint.h>

#include "replica/replica.h"

struct core;
struct size;

/* What came of writing it. */
enum size_end {
	SIZE_AS_CLAIMED, /* the node has it, or had it all the time */
	SIZE_CORRECTED,	 /* it was told wrongly: there is a new node */
	SIZE_CHANGED,	 /* the object is another one: see size_change */
	SIZE_FAILED,	 /* err */
};

/* From the loop, once for each write. The size may be freed from there. */
typedef void (*size_settled_fn)(void *ctx, enum size_end how, int err);

/* Of a node as the replica has it. 0, -ENOMEM, or an error of the replica
 * (-ENOENT: there is no such node). */
int size_new(struct core *core, int64_t node_id, size_settled_fn settled,
    void *ctx, struct size **ret_size);

/* Nothing is settled any more. NULL is fine. */
void size_free(struct size *size);

/* The node; it is another one after SIZE_CORRECTED. Borrowed. */
const struct node *size_node(const struct size *size);

/* How long the object is; -1: it has not answered yet. */
int64_t size_true(const struct size *size);

/* What it has answered, or what it did answer before; -1: nothing, ever. */
int64_t size_proven(const struct size *size);

/* What the node said before it was corrected. */
int64_t size_claimed(const struct size *size);

/* Whether a write is under way: it will be settled. */
bool size_is_being_written(const struct size *size);

/* The object has answered, as the version of that text. 0; -ESTALE: it was
 * another one before; -EFBIG; or an error of the replica. */
int size_learn(struct size *size, int64_t total, const char *version);

/* The object turned out to be another one than was told: its name leads to a
 * new node from now on. 0, now and ever after, or an error of the replica. */
int size_change(struct size *size);

#endif
