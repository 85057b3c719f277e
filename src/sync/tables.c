#include "sync/tables.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "sync/core/core.h"
#include "sync/core/op.h"
#include "sync/core/write.h"
#include "tree/name.h"

/* Names whose answer is remembered; a crawler tries hundreds. */
#define ANSWERS_MAX 1024

/* What the server said of a name. */
struct answer {
	char *name; /* of the directory; NULL: unused */
	int64_t asked;
	int err; /* 0: it is there, but may not be listed */
};

/* A question under way. */
struct search {
	struct tables *tables;
	char *name;
	int64_t asked;
	bool there; /* and may be listed */
	struct wait_list waiting;
	struct commit_hook hook;
	struct api_call *call;
	LIST_ENTRY(search) link;
};

struct tables {
	struct core *core;
	LIST_HEAD(, search) searches;
	struct answer answers[ANSWERS_MAX];
	size_t next_answer;
};

struct tables *tables_new(struct core *core)
{
	struct tables *tables = calloc(1, sizeof(*tables));
	if (!tables)
		return NULL;
	tables->core = core;
	LIST_INIT(&tables->searches);
	return tables;
}

static void search_free(struct search *search)
{
	api_cancel(search->call);
	write_unhook(&search->hook);
	LIST_REMOVE(search, link);
	free(search->name);
	free(search);
}

void tables_free(struct tables *tables)
{
	struct search *search;
	if (!tables)
		return;
	while ((search = LIST_FIRST(&tables->searches)))
		search_free(search);
	for (size_t i = 0; i < ANSWERS_MAX; i++)
		free(tables->answers[i].name);
	free(tables);
}

/* ---- what is remembered ---- */

static struct answer *find_answer(
    struct tables *tables, const char *name, int64_t since)
{
	for (size_t i = 0; i < ANSWERS_MAX; i++) {
		struct answer *answer = &tables->answers[i];
		if (answer->name && answer->asked >= since &&
		    strcmp(answer->name, name) == 0)
			return answer;
	}
	return NULL;
}

static void remember(struct search *search, int err)
{
	struct tables *tables = search->tables;
	struct answer *answer =
	    &tables->answers[tables->next_answer++ % ANSWERS_MAX];
	free(answer->name);
	*answer = (struct answer){
	    .name = TAKE(search->name), .asked = search->asked, .err = err};
}

/* ---- asking ---- */

static void on_abandoned(void *ctx)
{
	search_free(ctx);
}

/* The waiting ones must not find the search again: free it first. */
static void conclude(struct search *search, int err)
{
	struct wait_list waiting;
	wait_init(&waiting, NULL, NULL);
	wait_move(&search->waiting, &waiting);
	search_free(search);
	if (err)
		wait_finish(&waiting, err);
	else
		wait_restart(&waiting);
}

static void on_commit(void *ctx, int err)
{
	struct search *search = ctx;
	if (err == 0 && !search->there)
		remember(search, 0);
	conclude(search, err);
}

static int on_record(void *ctx, const char *text, size_t len)
{
	(void)ctx;
	(void)text;
	(void)len;
	return 0;
}

static void on_restart(void *ctx)
{
	(void)ctx;
}

/* A table whose records may be read, though not be listed. */
static bool is_unlisted(const struct api_error *error)
{
	return error->status == 403 &&
	       strcasestr(error->code, "permission") != NULL;
}

static void on_answer(
    void *ctx, const struct api_error *error, const struct api_page *page)
{
	struct search *search = ctx;
	struct core *core = search->tables->core;
	int64_t id;
	(void)page;
	search->call = NULL;
	search->there = !error->err;
	if (error->err && !is_unlisted(error)) {
		if (error->err == -ENOENT || error->err == -EACCES)
			remember(search, error->err);
		conclude(search, error->err);
		return;
	}
	/* Shown from now on, if it can be listed. */
	int r = write_begin(core->write);
	if (r == 0) {
		r = replica_put_table(core->replica,
		    name_to_table(search->name), search->name, search->there,
		    &id);
		if (r == 0)
			write_hook(core->write, &search->hook);
	}
	if (r < 0)
		conclude(search, r);
}

static bool ask(struct search *search, bool doubtful)
{
	static const struct api_page_sink sink = {
	    .record = on_record,
	    .restart = on_restart,
	    .done = on_answer,
	};
	struct api_query query = {
	    .subject = search->name,
	    .table = name_to_table(search->name),
	    .page = 1,
	    .limit = 1,
	    .expects_miss = doubtful,
	};
	search->call =
	    api_list(search->tables->core->api, &query, &sink, search);
	return search->call != NULL;
}

static struct search *search_new(
    struct tables *tables, const char *name, bool doubtful)
{
	struct search *search = calloc(1, sizeof(*search));
	if (!search)
		return NULL;
	search->tables = tables;
	search->name = strdup(name);
	search->asked = moment_event(tables->core);
	search->hook = (struct commit_hook){.fn = on_commit, .ctx = search};
	wait_init(&search->waiting, on_abandoned, search);
	LIST_INSERT_HEAD(&tables->searches, search, link);
	if (!search->name || !ask(search, doubtful)) {
		search_free(search);
		return NULL;
	}
	return search;
}

static struct search *find_search(
    struct tables *tables, const char *name, int64_t since)
{
	struct search *search;
	LIST_FOREACH (search, &tables->searches, link) {
		if (search->asked >= since && strcmp(search->name, name) == 0)
			return search;
	}
	return NULL;
}

static void look_up(struct tables *tables, struct sync_op *op, bool doubtful)
{
	struct replica *replica = tables->core->replica;
	int64_t since = moment_believed(tables->core, op->began);
	const struct answer *answer = find_answer(tables, op->name, since);
	if (answer) {
		int r = answer->err;
		if (r == 0)
			r = replica_lookup(
			    replica, NODE_ROOT, op->name, &op->node);
		op_finish(op, r);
		return;
	}
	struct search *search = find_search(tables, op->name, since);
	if (!search)
		search = search_new(tables, op->name, doubtful);
	if (search)
		wait_add(&search->waiting, op);
	else
		op_finish(op, -ENOMEM);
}

void tables_look_up(struct tables *tables, struct sync_op *op)
{
	look_up(tables, op, false);
}

void tables_try(struct tables *tables, struct sync_op *op)
{
	look_up(tables, op, true);
}
