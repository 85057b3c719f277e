/*
 * From a name to a node. What the replica holds and is fresh answers at once;
 * a record that is asked for by name is fetched alone; names that cannot be
 * turned back into an id (cut ones) are found in a whole listing.
 */
#include <errno.h>
#include <string.h>

#include "api/record.h"
#include "sync/core/core.h"
#include "sync/core/folder.h"
#include "sync/core/offline.h"
#include "sync/listing/lister.h"
#include "sync/listing/listings.h"
#include "sync/listing/view.h"
#include "sync/parts.h"
#include "sync/record/fetch.h"
#include "sync/sync.h"
#include "sync/tables.h"
#include "tree/name.h"

#define SPEC_NAME ".spec.json"

static bool has_suffix(const char *name, const char *suffix)
{
	size_t len = strlen(name), tail = strlen(suffix);
	return len >= tail && strcmp(name + len - tail, suffix) == 0;
}

/* Whether a directory could hold the name at all. */
static bool is_possible(int64_t dir, const char *name)
{
	if (dir == NODE_ROOT)
		return name_to_table(name) != NULL;
	if (dir == NODE_STORAGE)
		return strchr(name, '_') != NULL;
	if (strcmp(name, SPEC_NAME) == 0)
		return dir != NODE_FILES;
	return has_suffix(name, ".json");
}

/*
 * Since when what the replica says of a node is confirmed, alone or in a
 * listing; a moment, 0: not in this mount.
 */
static int64_t confirmed_since(const struct core *core,
    const struct view_now *now, const struct node *node)
{
	int64_t since = confirmed_at(core, node);
	if (!core->api)
		return MOMENT_FOREVER;
	/* What tells that no record changed says nothing of the spec. */
	if (node->kind == NODE_KIND_SPEC)
		return since;
	if (now->listed_end && view_lists(now, node) && now->proven > since)
		since = now->proven;
	if (view_shows(now, node) && now->pass.began > since)
		since = now->pass.began;
	return since;
}

/* A directory of the root. */
static int answer_root(
    const struct core *core, const char *name, struct node *ret_node)
{
	struct node node;
	int r = replica_lookup(core->replica, NODE_ROOT, name, &node);
	if (r == -ENOENT && !core->api)
		return offline_lacks(core, "", name, OFFLINE_NOT_READ);
	if (r == -ENOENT || (r == 0 && !node.pos[0] && core->api))
		return -EAGAIN;
	if (r == 0)
		*ret_node = node;
	return r;
}

/*
 * What the replica says, if that was confirmed since believed. -ENOENT: surely
 * none; -EAGAIN: it cannot tell. The view comes first: what the replica has
 * then is not older.
 */
static int answer(struct sync *sync, int64_t dir, const char *name,
    int64_t believed, struct node *ret_node, int64_t *ret_since)
{
	const struct core *core = sync_core(sync);
	struct node node;
	if (!is_possible(dir, name)) {
		*ret_since = MOMENT_FOREVER;
		return -ENOENT;
	}
	if (dir == NODE_ROOT) {
		*ret_since = moment_now(core);
		return answer_root(core, name, ret_node);
	}
	struct lister *lister = listings_find(sync_listings(sync), dir);
	if (!lister)
		return -ENOTDIR;
	struct view_now now = view_now(lister_view(lister));
	int r = replica_lookup(core->replica, dir, name, &node);
	if (r < 0 && r != -ENOENT)
		return r;
	int64_t since =
	    r == 0 ? confirmed_since(core, &now, &node) : now.proven;
	bool spec = strcmp(name, SPEC_NAME) == 0;
	if (!core->api && r < 0 && (!now.listed_end || now.incomplete))
		return offline_lacks(core,
		    dir == NODE_STORAGE ? "storage"
					: lister_folder(lister)->title,
		    name, OFFLINE_NOT_READ);
	if (core->api && (since < believed || (spec && r < 0)))
		return -EAGAIN;
	*ret_since = core->api ? since : MOMENT_FOREVER;
	if (r == 0)
		*ret_node = node;
	return r;
}

int sync_lookup_now(struct sync *sync, int64_t dir, const char *name,
    struct node *ret_node, int64_t *ret_since)
{
	const struct core *core = sync_core(sync);
	int64_t believed = moment_believed(core, moment_now(core));
	return answer(sync, dir, name, believed, ret_node, ret_since);
}

/* ---- records and files ---- */

/* Fetch the stored file that the name seems to begin with. */
static void look_up_object(
    struct sync *sync, struct lister *files, struct sync_op *op)
{
	size_t len = strcspn(op->name, "_");
	struct buf id, name;
	buf_init(&id, RECORD_ID_MAX);
	buf_init(&name, NAME_BYTES_MAX + 1);
	int r = buf_printf(&name, "%.*s.json", (int)len, op->name);
	if (r == 0)
		r = name_to_record_id(buf_str(&name), &id);
	if (r == 0)
		fetch_record(sync_fetches(sync), lister_folder(files),
		    buf_str(&id), id.len, op);
	else if (r == -ENOENT)
		lister_complete(files, op);
	else
		op_finish(op, r);
	buf_done(&name);
	buf_done(&id);
}

static void look_up_record(
    struct sync *sync, struct lister *lister, struct sync_op *op)
{
	struct buf id;
	buf_init(&id, RECORD_ID_MAX);
	int r = name_to_record_id(op->name, &id);
	if (r == 0)
		fetch_record(sync_fetches(sync), lister_folder(lister),
		    buf_str(&id), id.len, op);
	else
		op_finish(op, r);
	buf_done(&id);
}

/* Times that an operation asks for one record alone, before the listing has to
 * tell: other answers may come between. */
#define TRIES_MAX 3

/* Only the listing can tell: of what it holds, and that it holds no other. */
static void ask_listing(
    struct lister *lister, struct sync_op *op, const struct node *listed)
{
	if (!lister_is_fresh(lister, op)) {
		lister_complete(lister, op);
		return;
	}
	op->since = view_now(lister_view(lister)).proven;
	if (listed)
		op->node = *listed;
	op_finish(op, listed ? 0 : -ENOENT);
}

/* The replica cannot tell: ask for the one, or for all. */
static void look_up_there(struct sync *sync, struct sync_op *op)
{
	struct lister *lister = listings_find(sync_listings(sync), op->dir);
	struct node known;
	int r =
	    replica_lookup(sync_core(sync)->replica, op->dir, op->name, &known);
	struct view_now now = view_now(lister_view(lister));
	bool listed = r == 0 && now.listed_end && view_lists(&now, &known);
	if (strcmp(op->name, SPEC_NAME) == 0) {
		fetch_spec(sync_fetches(sync), lister_folder(lister), op);
	} else if (listed && !lister_is_passing(lister) && !op->tries) {
		op->tries++;
		lister_wait_for_news(lister, op); /* all names at once */
	} else if (op->whole || name_is_marked(op->name) ||
		   op->tries > TRIES_MAX) {
		ask_listing(lister, op, listed ? &known : NULL);
	} else {
		op->tries++;
		if (op->dir == NODE_STORAGE)
			look_up_object(sync, lister, op);
		else
			look_up_record(sync, lister, op);
	}
}

static void begin_lookup(void *ctx, struct sync_op *op)
{
	struct sync *sync = ctx;
	int64_t believed = moment_believed(sync_core(sync), op->began);
	int r =
	    answer(sync, op->dir, op->name, believed, &op->node, &op->since);
	if (r != -EAGAIN)
		op_finish(op, r);
	else if (op->dir == NODE_ROOT)
		tables_look_up(sync_tables(sync), op);
	else
		look_up_there(sync, op);
}

void sync_lookup(struct sync *sync, struct sync_op *op)
{
	op_start(sync_core(sync), op, begin_lookup, sync);
}
