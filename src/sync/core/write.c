#include "sync/core/write.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "sync/core/core.h"

/* Of so many names is told in one go; others expire by themselves, in time. */
#define CHANGED_NAMES_MAX 100000

struct changed_name {
	int64_t dir;
	char *name;
	STAILQ_ENTRY(changed_name) link;
};

struct write {
	struct core *core;
	void (*lost)(void *ctx, int err);
	void *ctx;
	/* The write under way, committed at the next turn of the loop. */
	bool writing;
	struct http_timer *commit_timer;
	struct deferred_queue deferred;
	struct hook_queue hooks;
	struct hook_queue committed;		   /* being called */
	STAILQ_HEAD(, changed_name) changed_names; /* told after the commit */
	size_t changed_count;
};

struct write *write_new(
    struct core *core, void (*lost)(void *ctx, int err), void *ctx)
{
	struct write *write = calloc(1, sizeof(*write));
	if (!write)
		return NULL;
	write->core = core;
	write->lost = lost;
	write->ctx = ctx;
	TAILQ_INIT(&write->deferred);
	TAILQ_INIT(&write->hooks);
	TAILQ_INIT(&write->committed);
	STAILQ_INIT(&write->changed_names);
	return write;
}

void write_changes_name(struct write *write, int64_t dir, const char *name)
{
	struct changed_name *changed = write->changed_count < CHANGED_NAMES_MAX
					   ? calloc(1, sizeof(*changed))
					   : NULL;
	if (!changed || !(changed->name = strdup(name))) {
		free(changed); /* the name expires by itself, later */
		return;
	}
	changed->dir = dir;
	STAILQ_INSERT_TAIL(&write->changed_names, changed, link);
	write->changed_count++;
}

int write_changes_name_of(struct write *write, const struct node *node)
{
	CLEANUP_BUF struct buf name;
	buf_init(&name, 64 << 10);
	int r = replica_name(write->core->replica, node->id, &name);
	if (r == 0)
		write_changes_name(write, node->dir, buf_str(&name));
	return r;
}

static void tell_changed_names(struct write *write, bool tell)
{
	const struct sync_config *config = &write->core->config;
	struct changed_name *changed;
	while ((changed = STAILQ_FIRST(&write->changed_names))) {
		STAILQ_REMOVE_HEAD(&write->changed_names, link);
		if (tell && config->name_changed)
			config->name_changed(
			    config->ctx, changed->dir, changed->name);
		free(changed->name);
		free(changed);
	}
	write->changed_count = 0;
}

void write_free(struct write *write)
{
	if (!write)
		return;
	if (write->writing)
		replica_commit(write->core->replica);
	tell_changed_names(write, false);
	free(write);
}

static void on_commit(void *ctx)
{
	struct write *write = ctx;
	struct commit_hook *hook;
	write->commit_timer = NULL;
	write_deferred(write);
	write->writing = false;
	int r = replica_commit(write->core->replica);
	tell_changed_names(write, r == 0);
	/* What is hooked from here on belongs to the next write. */
	TAILQ_CONCAT(&write->committed, &write->hooks, link);
	TAILQ_FOREACH (hook, &write->committed, link)
		hook->queue = &write->committed;
	if (r < 0)
		write->lost(write->ctx, r);
	while ((hook = TAILQ_FIRST(&write->committed))) {
		write_unhook(hook);
		hook->fn(hook->ctx, r);
	}
}

static int open_write(struct write *write)
{
	struct core *core = write->core;
	if (write->writing)
		return 0;
	int r = replica_begin(core->replica);
	if (r < 0)
		return r;
	write->commit_timer = http_timer_start(core->http, 0, on_commit, write);
	if (!write->commit_timer) {
		replica_rollback(core->replica);
		return -ENOMEM;
	}
	write->writing = true;
	return 0;
}

int write_begin(struct write *write)
{
	write_deferred(write);
	return open_write(write);
}

int write_defer(struct write *write, struct deferred_write *deferred)
{
	if (deferred->queue)
		return 0;
	int r = open_write(write);
	if (r < 0)
		return r;
	deferred->queue = &write->deferred;
	TAILQ_INSERT_TAIL(deferred->queue, deferred, link);
	return 0;
}

void write_undefer(struct deferred_write *deferred)
{
	if (!deferred->queue)
		return;
	TAILQ_REMOVE(deferred->queue, deferred, link);
	deferred->queue = NULL;
}

void write_deferred(struct write *write)
{
	struct deferred_write *deferred;
	while ((deferred = TAILQ_FIRST(&write->deferred))) {
		write_undefer(deferred);
		deferred->fn(deferred->ctx);
	}
}

void write_hook(struct write *write, struct commit_hook *hook)
{
	if (hook->queue == &write->hooks)
		return;
	write_unhook(hook);
	hook->queue = &write->hooks;
	TAILQ_INSERT_TAIL(&write->hooks, hook, link);
}

void write_unhook(struct commit_hook *hook)
{
	if (!hook->queue)
		return;
	TAILQ_REMOVE(hook->queue, hook, link);
	hook->queue = NULL;
}
