#include "sync/record/fetch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/record.h"
#include "base/cleanup.h"
#include "sync/core/core.h"
#include "sync/core/folder.h"
#include "sync/core/op.h"
#include "sync/core/write.h"
#include "sync/record/put.h"
#include "tree/name.h"

struct fetches {
	struct core *core;
	TAILQ_HEAD(, fetch) list; /* those under way */
};

struct fetch {
	struct fetches *fetches;
	int64_t dir;
	struct buf id;
	bool spec;
	int64_t asked; /* a moment */
	int64_t known; /* the node that its name led to then; 0: none */
	struct wait_list waiting;
	struct commit_hook hook;
	struct api_call *call;
	TAILQ_ENTRY(fetch) link;
};

static void fetch_free(struct fetch *fetch)
{
	api_cancel(fetch->call);
	write_unhook(&fetch->hook);
	TAILQ_REMOVE(&fetch->fetches->list, fetch, link);
	buf_done(&fetch->id);
	free(fetch);
}

struct fetches *fetches_new(struct core *core)
{
	struct fetches *fetches = calloc(1, sizeof(*fetches));
	if (!fetches)
		return NULL;
	fetches->core = core;
	TAILQ_INIT(&fetches->list);
	return fetches;
}

void fetches_free(struct fetches *fetches)
{
	struct fetch *fetch;
	if (!fetches)
		return;
	while ((fetch = TAILQ_FIRST(&fetches->list)))
		fetch_free(fetch);
	free(fetches);
}

static void on_abandoned(void *ctx)
{
	fetch_free(ctx);
}

/* An id may hold the '_' that was taken for its end. */
static bool is_unsure_of_id(const struct sync_op *op)
{
	return op->dir == NODE_STORAGE &&
	       strchr(op->name, '_') != strrchr(op->name, '_');
}

/* Only the listing can tell what the replica does not know now. */
static void expect_listing(struct wait_list *waiting)
{
	struct sync_op *op;
	TAILQ_FOREACH (op, &waiting->queue, link)
		op->whole = true;
}

/* The waiting ones must not find the fetch again: free it first. */
static void conclude(struct fetch *fetch, int err, bool stored)
{
	struct wait_list waiting, unsure;
	struct sync_op *op, *next;
	wait_init(&waiting, NULL, NULL);
	wait_init(&unsure, NULL, NULL);
	wait_move(&fetch->waiting, &waiting);
	fetch_free(fetch);
	if (stored || err)
		expect_listing(&waiting);
	for (op = TAILQ_FIRST(&waiting.queue); op && err == -ENOENT;
	     op = next) {
		next = TAILQ_NEXT(op, link);
		if (is_unsure_of_id(op)) {
			wait_remove(op);
			wait_add(&unsure, op);
		}
	}
	wait_restart(&unsure);
	if (err)
		wait_finish(&waiting, err);
	else
		wait_restart(&waiting);
}

static void on_commit(void *ctx, int err)
{
	conclude(ctx, err, true);
}

/* The node that the name leads to now; 0: none. */
static int live_node(const struct fetch *fetch, int64_t *ret_id)
{
	CLEANUP_BUF struct buf name;
	struct node node = {0};
	write_deferred(fetch->fetches->core->write);
	buf_init(&name, NAME_WORK_MAX);
	int r = fetch->spec
		    ? buf_adds(&name, ".spec.json")
		    : name_of_record(buf_str(&fetch->id), fetch->id.len, &name);
	if (r == 0)
		r = replica_lookup(fetch->fetches->core->replica, fetch->dir,
		    buf_str(&name), &node);
	if (r == 0 || r == -ENOENT)
		*ret_id = node.id;
	return r == -ENOENT ? 0 : r;
}

static int store(struct fetch *fetch, const char *text, size_t len)
{
	static const struct replica_place nowhere;
	struct core *core = fetch->fetches->core;
	int64_t checked = confirmation(core, fetch->asked);
	struct put_place now;
	struct record record;
	if (fetch->spec) {
		int r = write_begin(core->write);
		return r < 0 ? r
			     : put_spec(core, fetch->dir, text, len, &nowhere,
				   checked);
	}
	int r = record_parse(text, len, &record);
	if (r < 0)
		return r;
	struct placement place = {.checked = checked};
	r = put_record(core, fetch->dir, &record, &place, &now);
	record_done(&record);
	return r;
}

static void on_text(
    void *ctx, const struct api_error *error, const char *text, size_t len)
{
	struct fetch *fetch = ctx;
	int64_t now = 0;
	fetch->call = NULL;
	int r = error->err;
	if (r == 0)
		r = live_node(fetch, &now);
	/* Another answer was stored since this was asked for, and may be the
	 * newer one: who waits looks at that first. */
	if (r == 0 && now != fetch->known) {
		conclude(fetch, 0, false);
		return;
	}
	if (r == 0)
		r = store(fetch, text, len);
	if (r < 0)
		conclude(fetch, r, false);
	else
		write_hook(fetch->fetches->core->write, &fetch->hook);
}

/* One under way that was asked since then. */
static struct fetch *find(struct fetches *fetches, int64_t dir, const char *id,
    size_t len, bool spec, int64_t since)
{
	struct fetch *fetch;
	TAILQ_FOREACH (fetch, &fetches->list, link) {
		if (fetch->dir == dir && fetch->spec == spec &&
		    fetch->asked >= since && fetch->id.len == len &&
		    memcmp(buf_str(&fetch->id), id, len) == 0)
			return fetch;
	}
	return NULL;
}

static struct api_call *ask(struct fetch *fetch, const struct folder *folder)
{
	struct api *api = fetch->fetches->core->api;
	const char *id = buf_str(&fetch->id);
	struct api_call *call = NULL;
	CLEANUP_BUF struct buf subject;
	buf_init(&subject, RECORD_ID_MAX * 4);
	int r = buf_printf(&subject, "%s/", folder->title);
	if (r == 0)
		r = fetch->spec ? buf_adds(&subject, ".spec.json")
				: name_of_record(id, fetch->id.len, &subject);
	if (r == 0 && fetch->spec)
		call = api_spec(
		    api, buf_str(&subject), folder->table, on_text, fetch);
	else if (r == 0)
		call = api_get(api, buf_str(&subject), folder->table, id,
		    fetch->id.len, fetch->known ? API_TOLD_OF : API_PERHAPS,
		    on_text, fetch);
	return call;
}

/* 0 or -errno. */
static int fetch_new(struct fetches *fetches, const struct folder *folder,
    const char *id, size_t len, bool spec, struct fetch **ret_fetch)
{
	struct fetch *fetch = calloc(1, sizeof(*fetch));
	if (!fetch)
		return -ENOMEM;
	fetch->fetches = fetches;
	fetch->dir = folder->id;
	fetch->spec = spec;
	fetch->asked = moment_event(fetches->core);
	fetch->hook = (struct commit_hook){.fn = on_commit, .ctx = fetch};
	wait_init(&fetch->waiting, on_abandoned, fetch);
	buf_init(&fetch->id, RECORD_ID_MAX);
	TAILQ_INSERT_TAIL(&fetches->list, fetch, link);
	int r = buf_add(&fetch->id, id, len);
	if (r == 0)
		r = live_node(fetch, &fetch->known);
	if (r == 0 && !(fetch->call = ask(fetch, folder)))
		r = -ENOMEM;
	if (r < 0)
		fetch_free(fetch);
	else
		*ret_fetch = fetch;
	return r;
}

static void join(struct fetches *fetches, const struct folder *folder,
    const char *id, size_t len, bool spec, struct sync_op *op)
{
	int64_t since = moment_believed(fetches->core, op->began);
	struct fetch *fetch = find(fetches, folder->id, id, len, spec, since);
	int r = fetch ? 0 : fetch_new(fetches, folder, id, len, spec, &fetch);
	if (r < 0)
		op_finish(op, r);
	else
		wait_add(&fetch->waiting, op);
}

void fetch_record(struct fetches *fetches, const struct folder *folder,
    const char *id, size_t len, struct sync_op *op)
{
	join(fetches, folder, id, len, false, op);
}

void fetch_spec_again(struct fetches *fetches, const struct folder *folder)
{
	struct replica *replica = fetches->core->replica;
	struct node node;
	struct fetch *fetch;
	/* A server that has refused it is not asked over and over. */
	if (replica_lookup(replica, folder->id, ".spec.json", &node) == 0 &&
	    !find(fetches, folder->id, "", 0, true, 0))
		fetch_new(fetches, folder, "", 0, true, &fetch);
}

void fetch_spec(
    struct fetches *fetches, const struct folder *folder, struct sync_op *op)
{
	join(fetches, folder, "", 0, true, op);
}
