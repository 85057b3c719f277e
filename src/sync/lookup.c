/*
 * From a name to a node. What the replica holds and is fresh answers at once;
 * a record that is asked for by name is fetched alone; names that cannot be
 * turned back into an id (cut ones) are found in a whole listing.
 */
#include <errno.h>
#include <string.h>

#include "api/record.h"
#include "base/timestamp.h"
#include "sync/lister.h"
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

/* The server has confirmed the node lately, alone or in the listing. */
static bool is_current(
    struct sync *sync, const struct lister_view *view, const struct node *node)
{
	if (!sync->api)
		return true;
	/* What tells that no record changed says nothing of the spec. */
	if (node->kind == NODE_KIND_SPEC)
		return is_confirmed(sync, node);
	if (view_is_fresh(view) && node->pos > view->listed_base)
		return true;
	if (view->pass_base > view->listed_base &&
	    node->pos > view->pass_base && node->pos < view->frontier)
		return true;
	return is_confirmed(sync, node);
}

/* What the replica says. -ENOENT: surely none; -EAGAIN: it cannot tell. */
static int answer(
    struct sync *sync, int64_t dir, const char *name, struct node *ret_node)
{
	struct lister_view view = {0};
	struct node node;
	if (!is_possible(dir, name))
		return -ENOENT;
	int r = replica_lookup(sync->replica, dir, name, &node);
	if (r < 0 && r != -ENOENT)
		return r;
	if (dir == NODE_ROOT) {
		if (r < 0 || (!node.pos && sync->api))
			return sync->api ? -EAGAIN : -ENODATA;
		*ret_node = node;
		return 0;
	}
	struct lister *lister = sync_lister(sync, dir);
	if (!lister)
		return -ENOTDIR;
	lister_get_view(lister, &view);
	if (r == 0 && is_current(sync, &view, &node)) {
		*ret_node = node;
		return 0;
	}
	if (r == -ENOENT && view_is_fresh(&view))
		return -ENOENT;
	if (sync->api)
		return -EAGAIN;
	return view.listed_end ? -ENOENT : -ENODATA;
}

int sync_lookup_now(
    struct sync *sync, int64_t dir, const char *name, struct node *ret_node)
{
	return answer(sync, dir, name, ret_node);
}

/* ---- tables ---- */

/* The first page tells whether the server knows the table. */
static void look_up_table(struct sync *sync, struct sync_op *op)
{
	const char *table = name_to_table(op->name);
	int64_t dir;
	int r = write_begin(sync);
	if (r == 0)
		r = replica_put_table(
		    sync->replica, table, op->name, false, &dir);
	struct lister *lister = r == 0 ? sync_lister(sync, dir) : NULL;
	if (!lister) {
		op_finish(op, r < 0 ? r : -ENOMEM);
		return;
	}
	struct lister_view view;
	lister_get_view(lister, &view);
	bool answers = lister_is_fresh(lister, op) || view.pass_base;
	if (answers || lister->list_refused) {
		if (answers) /* show it from now on */
			r = replica_put_table(
			    sync->replica, table, op->name, true, &dir);
		if (r == 0)
			r = replica_get(sync->replica, dir, &op->node);
		op_finish(op, r);
		return;
	}
	lister_first_page(lister, op);
}

/* ---- records and files ---- */

/* Fetch the stored file that the name seems to begin with. */
static void look_up_object(struct sync *sync, struct sync_op *op)
{
	size_t len = strcspn(op->name, "_");
	struct buf id, name;
	buf_init(&id, RECORD_ID_MAX);
	buf_init(&name, NAME_BYTES_MAX + 1);
	int r = buf_printf(&name, "%.*s.json", (int)len, op->name);
	if (r == 0)
		r = name_to_record_id(buf_str(&name), &id);
	if (r == 0)
		fetch_record(sync, NODE_FILES, buf_str(&id), id.len, op);
	else if (r == -ENOENT)
		lister_complete(sync_lister(sync, NODE_FILES), op);
	else
		op_finish(op, r);
	buf_done(&name);
	buf_done(&id);
}

static void look_up_record(struct sync *sync, struct sync_op *op)
{
	struct buf id;
	buf_init(&id, RECORD_ID_MAX);
	int r = name_to_record_id(op->name, &id);
	if (r == 0)
		fetch_record(sync, op->dir, buf_str(&id), id.len, op);
	else
		op_finish(op, r);
	buf_done(&id);
}

static void begin_lookup(struct sync *sync, struct sync_op *op)
{
	struct node known;
	int r = answer(sync, op->dir, op->name, &op->node);
	if (r != -EAGAIN) {
		op_finish(op, r);
		return;
	}
	if (op->dir == NODE_ROOT) {
		look_up_table(sync, op);
		return;
	}
	struct lister *lister = sync_lister(sync, op->dir);
	r = replica_lookup(sync->replica, op->dir, op->name, &known);
	if (strcmp(op->name, SPEC_NAME) == 0 && !op->fetched) {
		op->fetched = true;
		fetch_spec(sync, op->dir, op);
	} else if (lister_is_fresh(lister, op)) {
		/* Confirmed for this question, though ttl is over already. */
		if (r == 0)
			op->node = known;
		op_finish(op, r);
	} else if (r == 0 && op->fetched) {
		op->node = known;
		op_finish(op, 0);
	} else if (r == 0 && lister->view.listed_end &&
		   lister->state != LISTER_PASSING) {
		lister_refresh(lister, op); /* settles all names at once */
	} else if (op->fetched || name_is_marked(op->name)) {
		lister_complete(lister, op);
	} else {
		op->fetched = true;
		if (op->dir == NODE_STORAGE)
			look_up_object(sync, op);
		else
			look_up_record(sync, op);
	}
}

void sync_lookup(struct sync *sync, struct sync_op *op)
{
	op_start(sync, op, begin_lookup);
}
