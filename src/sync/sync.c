#include "sync/core.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/timestamp.h"
#include "sync/lister.h"
#include "sync/tables.h"
#include "tree/name.h"

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
		op_restart(op);
	}
}

/* ---- operations ---- */

void op_finish(struct sync_op *op, int err)
{
	TAILQ_REMOVE(&op->sync->pending, op, pending_link);
	op->done(op, err);
}

void op_restart(struct sync_op *op)
{
	op->begin(op->sync, op);
}

static bool was_interrupted(const struct sync *sync, uint64_t op_id)
{
	for (size_t i = 0; i < ARRAY_SIZE(sync->early); i++) {
		if (sync->early[i] == op_id)
			return true;
	}
	return false;
}

static void on_begin(void *ctx)
{
	struct sync_op *op = ctx;
	op->since = op->began = moment_now(op->sync);
	TAILQ_INSERT_TAIL(&op->sync->pending, op, pending_link);
	if (was_interrupted(op->sync, op->id))
		op_finish(op, -EINTR);
	else
		op->begin(op->sync, op);
}

void op_start(struct sync *sync, struct sync_op *op,
    void (*begin)(struct sync *, struct sync_op *))
{
	op->sync = sync;
	op->list = NULL;
	op->tries = 0;
	op->whole = false;
	op->data = op->copy = NULL;
	op->begin = begin;
	op->task = (struct http_task){.fn = on_begin, .ctx = op};
	http_post(sync->http, &op->task);
}

uint64_t sync_op_id(struct sync *sync)
{
	return sync->next_op++;
}

struct interruption {
	struct http_task task;
	struct sync *sync;
	uint64_t op_id;
};

static void on_interrupt(void *ctx)
{
	struct interruption *interruption = ctx;
	struct sync *sync = interruption->sync;
	uint64_t id = interruption->op_id;
	struct sync_op *op;
	free(interruption);
	TAILQ_FOREACH (op, &sync->pending, pending_link) {
		if (op->id == id)
			break;
	}
	if (!op) {
		/* Over already, or not begun: then it shall end at once. */
		sync->early[sync->early_next++ % ARRAY_SIZE(sync->early)] = id;
		return;
	}
	struct wait_list *list = op->list;
	wait_remove(op);
	op_finish(op, -EINTR);
	if (list && TAILQ_EMPTY(&list->queue) && list->abandoned)
		list->abandoned(list->ctx);
}

void sync_interrupt(struct sync *sync, uint64_t op_id)
{
	struct interruption *interruption = malloc(sizeof(*interruption));
	if (!interruption)
		return; /* the operation goes on; the caller may ask again */
	*interruption = (struct interruption){
	    .task = {.fn = on_interrupt, .ctx = interruption},
	    .sync = sync,
	    .op_id = op_id,
	};
	http_post(sync->http, &interruption->task);
}

/* ---- writing ---- */

/* Of so many names is told in one go; others expire by themselves, in time. */
#define CHANGED_NAMES_MAX 100000

struct changed_name {
	int64_t dir;
	char *name;
	STAILQ_ENTRY(changed_name) link;
};

void write_changes_name(struct sync *sync, int64_t dir, const char *name)
{
	struct changed_name *changed = sync->changed_count < CHANGED_NAMES_MAX
					   ? calloc(1, sizeof(*changed))
					   : NULL;
	if (!changed || !(changed->name = strdup(name))) {
		free(changed); /* the name expires by itself, later */
		return;
	}
	changed->dir = dir;
	STAILQ_INSERT_TAIL(&sync->changed_names, changed, link);
	sync->changed_count++;
}

int write_changes_name_of(struct sync *sync, const struct node *node)
{
	CLEANUP_BUF struct buf name;
	buf_init(&name, 64 << 10);
	int r = replica_name(sync->replica, node->id, &name);
	if (r == 0)
		write_changes_name(sync, node->dir, buf_str(&name));
	return r;
}

static void tell_changed_names(struct sync *sync, bool tell)
{
	struct changed_name *changed;
	while ((changed = STAILQ_FIRST(&sync->changed_names))) {
		STAILQ_REMOVE_HEAD(&sync->changed_names, link);
		if (tell && sync->config.name_changed)
			sync->config.name_changed(
			    sync->config.ctx, changed->dir, changed->name);
		free(changed->name);
		free(changed);
	}
	sync->changed_count = 0;
}

static void on_commit(void *ctx)
{
	struct sync *sync = ctx;
	struct commit_hook *hook;
	sync->commit_timer = NULL;
	sync->writing = false;
	int r = replica_commit(sync->replica);
	tell_changed_names(sync, r == 0);
	/* What is hooked from here on belongs to the next write. */
	TAILQ_CONCAT(&sync->committed, &sync->hooks, link);
	TAILQ_FOREACH (hook, &sync->committed, link)
		hook->queue = &sync->committed;
	if (r < 0)
		lister_lose_all(sync, r);
	while ((hook = TAILQ_FIRST(&sync->committed))) {
		write_unhook(hook);
		hook->fn(hook->ctx, r);
	}
}

int write_begin(struct sync *sync)
{
	if (sync->writing)
		return 0;
	int r = replica_begin(sync->replica);
	if (r < 0)
		return r;
	sync->commit_timer = http_timer_start(sync->http, 0, on_commit, sync);
	if (!sync->commit_timer) {
		replica_rollback(sync->replica);
		return -ENOMEM;
	}
	sync->writing = true;
	return 0;
}

void write_hook(struct sync *sync, struct commit_hook *hook)
{
	if (hook->queue == &sync->hooks)
		return;
	write_unhook(hook);
	hook->queue = &sync->hooks;
	TAILQ_INSERT_TAIL(&sync->hooks, hook, link);
}

void write_unhook(struct commit_hook *hook)
{
	if (!hook->queue)
		return;
	TAILQ_REMOVE(hook->queue, hook, link);
	hook->queue = NULL;
}

/* ---- life ---- */

static void on_expire(void *ctx)
{
	struct sync *sync = ctx;
	sync->expiring = false;
	sync->expired = moment_event(sync);
	lister_expire_all(sync);
	if (sync->config.names_expired)
		sync->config.names_expired(sync->config.ctx);
}

static int show_named_tables(struct sync *sync)
{
	int r = replica_begin(sync->replica);
	for (const char *const *t = sync->config.tables; r == 0 && t && *t;
	     t++) {
		int64_t id;
		r = replica_put_table(
		    sync->replica, *t, name_of_table_dir(*t), true, &id);
	}
	if (r == 0)
		return replica_commit(sync->replica);
	replica_rollback(sync->replica);
	return r;
}

int sync_new(const struct sync_config *config, struct sync **ret_sync)
{
	struct sync *sync = calloc(1, sizeof(*sync));
	if (!sync)
		return -ENOMEM;
	sync->config = *config;
	sync->http = config->http;
	sync->api = config->api;
	sync->replica = config->replica;
	sync->next_op = 1;
	TAILQ_INIT(&sync->pending);
	TAILQ_INIT(&sync->streams);
	TAILQ_INIT(&sync->fetches);
	TAILQ_INIT(&sync->hooks);
	TAILQ_INIT(&sync->committed);
	STAILQ_INIT(&sync->changed_names);
	SLIST_INIT(&sync->listers);
	lock_init(&sync->lock);
	ready_init(&sync->ready);
	sync->expire_task = (struct http_task){.fn = on_expire, .ctx = sync};
	sync->notes_task = (struct http_task){.fn = sync_on_notes, .ctx = sync};
	sync->tables = tables_new(sync);
	int r = sync->tables ? show_named_tables(sync) : -ENOMEM;
	if (r < 0) {
		sync_free(sync);
		return r;
	}
	*ret_sync = sync;
	return 0;
}

void sync_end(struct sync *sync)
{
	struct sync_op *op;
	while (sync && (op = TAILQ_FIRST(&sync->pending))) {
		wait_remove(op);
		op_finish(op, -EIO);
	}
}

void sync_free(struct sync *sync)
{
	if (!sync)
		return;
	sync_end(sync);
	stream_free_all(sync);
	fetch_free_all(sync);
	tables_free(sync->tables);
	lister_free_all(sync);
	if (sync->writing)
		replica_commit(sync->replica);
	tell_changed_names(sync, false);
	ready_done(&sync->ready);
	lock_done(&sync->lock);
	free(sync);
}

/* ---- moments ---- */

int64_t moment_now(const struct sync *sync)
{
	int64_t now = timestamp_mono_ms() * MOMENTS_PER_MS;
	return now > sync->last_event ? now : sync->last_event;
}

int64_t moment_event(struct sync *sync)
{
	int64_t now = timestamp_mono_ms() * MOMENTS_PER_MS;
	int64_t next = sync->last_event + 1;
	sync->last_event = now > next ? now : next;
	return sync->last_event;
}

int64_t moment_believed(const struct sync *sync, int64_t now)
{
	int64_t ttl = sync->config.ttl_ms * MOMENTS_PER_MS;
	int64_t since = now - ttl + 1, expired = sync->expired + 1;
	return since > expired ? since : expired;
}

int64_t sync_now(struct sync *sync)
{
	return moment_now(sync);
}

int64_t sync_valid_ms(struct sync *sync, int64_t since)
{
	if (since == MOMENT_FOREVER || !sync->api)
		return INT32_MAX;
	int64_t believed = moment_believed(sync, moment_now(sync));
	return since < believed ? 0 : (since - believed + 1) / MOMENTS_PER_MS;
}

/* A moment takes the lower bits: those of 34 years. */
#define RUN_SHIFT 44
#define MOMENT_MASK ((INT64_C(1) << RUN_SHIFT) - 1)

int64_t confirmation(const struct sync *sync, int64_t moment)
{
	return replica_run(sync->replica) << RUN_SHIFT | (moment & MOMENT_MASK);
}

int64_t confirmed_at(const struct sync *sync, const struct node *node)
{
	if (node->checked >> RUN_SHIFT != replica_run(sync->replica))
		return 0;
	return node->checked & MOMENT_MASK;
}

void sync_expire(struct sync *sync)
{
	/* One that is on its way does for this, too. */
	if (!atomic_exchange(&sync->expiring, true))
		http_post(sync->http, &sync->expire_task);
}

bool sync_size_is_known(struct sync *sync, const struct node *node)
{
	if (node->kind != NODE_KIND_OBJECT || node->proven || !sync->api)
		return true;
	return node->size > 0 && !sync->config.verify_sizes;
}
