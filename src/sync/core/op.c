#include "sync/core/op.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "sync/core/core.h"

/* ---- waiting ---- */

void wait_init(struct wait_list *list, void (*abandoned)(void *ctx), void *ctx)
{
	TAILQ_INIT(&list->queue);
	list->abandoned = abandoned;
	list->ctx = ctx;
}

void wait_add(struct wait_list *list, struct sync_op *op)
{
	op->list = list;
	TAILQ_INSERT_TAIL(&list->queue, op, link);
}

void wait_remove(struct sync_op *op)
{
	if (!op->list)
		return;
	TAILQ_REMOVE(&op->list->queue, op, link);
	op->list = NULL;
}

void wait_move(struct wait_list *from, struct wait_list *to)
{
	struct sync_op *op;
	while ((op = TAILQ_FIRST(&from->queue))) {
		wait_remove(op);
		wait_add(to, op);
	}
}

/* Take all out first: what one does must not meet the others half done. */
static void drain(struct wait_list *list, struct op_queue *batch)
{
	TAILQ_INIT(batch);
	TAILQ_CONCAT(batch, &list->queue, link);
	struct sync_op *op;
	TAILQ_FOREACH (op, batch, link)
		op->list = NULL;
}

void wait_finish(struct wait_list *list, int err)
{
	struct op_queue batch;
	struct sync_op *op;
	drain(list, &batch);
	while ((op = TAILQ_FIRST(&batch))) {
		TAILQ_REMOVE(&batch, op, link);
		op_finish(op, err);
	}
}

void wait_restart(struct wait_list *list)
{
	struct op_queue batch;
	struct sync_op *op;
	drain(list, &batch);
	while ((op = TAILQ_FIRST(&batch))) {
		TAILQ_REMOVE(&batch, op, link);
		op->begin(op->ctx, op);
	}
}

/* ---- operations ---- */

struct ops {
	_Atomic uint64_t next_op;
	struct op_queue pending; /* every operation that is not done */
	/* Interruptions that came before their operation had begun. */
	uint64_t early[64];
	size_t early_next;
};

struct ops *ops_new(void)
{
	struct ops *ops = calloc(1, sizeof(*ops));
	if (!ops)
		return NULL;
	ops->next_op = 1;
	TAILQ_INIT(&ops->pending);
	return ops;
}

void ops_free(struct ops *ops)
{
	free(ops);
}

void ops_end(struct ops *ops, int err)
{
	struct sync_op *op;
	while (ops && (op = TAILQ_FIRST(&ops->pending))) {
		wait_remove(op);
		op_finish(op, err);
	}
}

void op_finish(struct sync_op *op, int err)
{
	TAILQ_REMOVE(&op->core->ops->pending, op, pending_link);
	op->done(op, err);
}

static bool was_interrupted(const struct ops *ops, uint64_t op_id)
{
	for (size_t i = 0; i < ARRAY_SIZE(ops->early); i++) {
		if (ops->early[i] == op_id)
			return true;
	}
	return false;
}

static void on_begin(void *ctx)
{
	struct sync_op *op = ctx;
	op->since = op->began = moment_now(op->core);
	TAILQ_INSERT_TAIL(&op->core->ops->pending, op, pending_link);
	if (was_interrupted(op->core->ops, op->id))
		op_finish(op, -EINTR);
	else
		op->begin(op->ctx, op);
}

void op_start(struct core *core, struct sync_op *op,
    void (*begin)(void *ctx, struct sync_op *op), void *ctx)
{
	op->core = core;
	op->list = NULL;
	op->tries = 0;
	op->whole = op->measures = false;
	op->data = op->copy = NULL;
	op->begin = begin;
	op->ctx = ctx;
	op->task = (struct http_task){.fn = on_begin, .ctx = op};
	http_post(core->http, &op->task);
}

uint64_t ops_id(struct ops *ops)
{
	return ops->next_op++;
}

struct interruption {
	struct http_task task;
	struct ops *ops;
	uint64_t op_id;
};

static void on_interrupt(void *ctx)
{
	struct interruption *interruption = ctx;
	struct ops *ops = interruption->ops;
	uint64_t id = interruption->op_id;
	struct sync_op *op;
	free(interruption);
	TAILQ_FOREACH (op, &ops->pending, pending_link) {
		if (op->id == id)
			break;
	}
	if (!op) {
		/* Over already, or not begun: then it shall end at once. */
		ops->early[ops->early_next++ % ARRAY_SIZE(ops->early)] = id;
		return;
	}
	struct wait_list *list = op->list;
	wait_remove(op);
	op_finish(op, -EINTR);
	if (list && TAILQ_EMPTY(&list->queue) && list->abandoned)
		list->abandoned(list->ctx);
}

void ops_interrupt(struct core *core, uint64_t op_id)
{
	struct interruption *interruption = malloc(sizeof(*interruption));
	if (!interruption)
		return; /* the operation goes on; the caller may ask again */
	*interruption = (struct interruption){
	    .task = {.fn = on_interrupt, .ctx = interruption},
	    .ops = core->ops,
	    .op_id = op_id,
	};
	http_post(core->http, &interruption->task);
}
