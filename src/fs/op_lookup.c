#include "fs/op_lookup.h"

#include <errno.h>
#include <string.h>

#include "fs/control.h"
#include "fs/lookups.h"
#include "fs/notify.h"
#include "fs/op_tables.h"
#include "fs/pending.h"

static int reply_entry(
    fuse_req_t req, const struct stat *attr, double name_valid_s)
{
	struct fuse_entry_param entry = {
	    .ino = attr->st_ino,
	    .generation =
		attr_generation(&context_of(req)->attrs, (int64_t)attr->st_ino),
	    .attr = *attr,
	    .attr_timeout = FOREVER_S,
	    .entry_timeout = name_valid_s,
	};
	return fuse_reply_entry(req, &entry);
}

/* What a reply about a name rests on. */
struct basis {
	int64_t since;	 /* for sync_valid_ms */
	uint64_t ticket; /* see notifier_ticket */
};

static double name_valid_s(
    struct fs_context *fs, int64_t dir, struct basis basis)
{
	return notifier_tell(fs->notifier, dir, basis.ticket,
	    sync_valid_ms(fs->sync, basis.since));
}

/* No such name: known for as long as a name would be. */
static void reply_negative(
    struct fs_context *fs, fuse_req_t req, int64_t dir, struct basis basis)
{
	struct fuse_entry_param entry = {
	    .ino = 0, .entry_timeout = name_valid_s(fs, dir, basis)};
	fuse_reply_entry(req, &entry);
}

static void reply_node(struct fs_context *fs, fuse_req_t req,
    const struct node *node, struct basis basis)
{
	struct stat attr;
	attr_of_node(&fs->attrs, node, &attr);
	reply_entry(req, &attr, name_valid_s(fs, node->dir, basis));
}

/* A lookup that waits: for the name, or then for its size. */
struct lookup {
	struct pending pending; /* first */
	struct basis basis;
	struct waiting waiting; /* while it waits for the name */
	char name[];
};

static void on_measured(struct sync_op *op, int err)
{
	struct lookup *lookup = (struct lookup *)op;
	struct pending *pending = &lookup->pending;
	if (err)
		reply_not_gone(pending->req, err);
	else
		reply_node(
		    pending->context, pending->req, &op->node, lookup->basis);
	pending_free(pending);
}

/* Reply with the node, once its size may be told. */
static void finish_lookup(struct fs_context *fs, fuse_req_t req,
    const struct node *node, struct basis basis)
{
	if (sync_size_is_known(fs->sync, node)) {
		reply_node(fs, req, node, basis);
		return;
	}
	struct lookup *lookup = pending_new(sizeof(*lookup), req, on_measured);
	if (!lookup)
		return;
	lookup->basis = basis;
	lookup->pending.op.node_id = node->id;
	sync_measure(fs->sync, &lookup->pending.op);
}

static void on_looked_up(struct sync_op *op, int err)
{
	struct lookup *lookup = (struct lookup *)op;
	struct fs_context *fs = lookup->pending.context;
	lookups_remove(fs->lookups, &lookup->waiting);
	fuse_req_t req = lookup->pending.req;
	struct node node = op->node;
	int64_t dir = op->dir;
	struct basis basis = {op->since, lookup->basis.ticket};
	pending_free(lookup);
	if (err == -ENOENT)
		reply_negative(fs, req, dir, basis);
	else if (err)
		reply_error(req, err);
	else
		finish_lookup(fs, req, &node, basis);
}

static int64_t fixed_in_root(const char *name)
{
	static const struct {
		const char *name;
		int64_t id;
	} fixed[] = {
	    {"files", NODE_FILES},
	    {"storage", NODE_STORAGE},
	    {".bkendfs", NODE_CONTROL},
	};
	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++) {
		if (strcmp(name, fixed[i].name) == 0)
			return fixed[i].id;
	}
	return 0;
}

static void look_up_control(
    struct fs_context *fs, fuse_req_t req, const char *name)
{
	struct stat attr;
	int64_t size, made_ms;
	int64_t id = control_lookup(fs->control, name);
	int r =
	    id < 0 ? (int)id : control_facts(fs->control, id, &size, &made_ms);
	if (r < 0) {
		reply_error(req, r);
		return;
	}
	attr_of_snapshot(&fs->attrs, id, size, made_ms, &attr);
	if (reply_entry(req, &attr, 0) < 0)
		control_forget(fs->control, id); /* who asked has gone */
}

/* ".": a node that the kernel has forgotten, by its number, which a file handle
 * has kept. So NFS servers ask. */
static void look_up_self(struct fs_context *fs, fuse_req_t req, int64_t id)
{
	struct node node;
	struct stat attr;
	if (attr_of_fixed(&fs->attrs, id, &attr)) {
		reply_entry(req, &attr, FOREVER_S);
		return;
	}
	/* What .bkendfs showed is gone when the kernel forgets it. */
	int r =
	    id >= CONTROL_FIRST ? -ENOENT : replica_get(fs->replica, id, &node);
	if (r < 0)
		reply_stale(req, r);
	else
		/* No name is believed. */
		finish_lookup(fs, req, &node,
		    (struct basis){
			.ticket = notifier_ticket(fs->notifier, node.dir)});
}

/* "..": the directory that a node is in. */
static void look_up_parent(struct fs_context *fs, fuse_req_t req, int64_t id)
{
	struct node node;
	struct stat attr;
	if (attr_of_fixed(&fs->attrs, id, &attr)) {
		look_up_self(
		    fs, req, id == NODE_TABLES ? NODE_CONTROL : NODE_ROOT);
		return;
	}
	int r = replica_get(fs->replica, id, &node);
	if (r < 0)
		reply_stale(req, r);
	else
		look_up_self(fs, req, node.dir);
}

/* Ask sync, which asks the server. */
static void look_up_slowly(struct fs_context *fs, fuse_req_t req, int64_t dir,
    const char *name, struct basis basis)
{
	size_t size = strlen(name) + 1;
	struct lookup *lookup =
	    pending_new(sizeof(*lookup) + size, req, on_looked_up);
	if (!lookup)
		return;
	memcpy(lookup->name, name, size);
	lookup->basis = basis;
	lookup->waiting = (struct waiting){.dir = dir, .name = lookup->name};
	lookup->pending.op.dir = dir;
	lookup->pending.op.name = lookup->name;
	lookups_add(fs->lookups, &lookup->waiting);
	sync_lookup(fs->sync, &lookup->pending.op);
}

void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fs_context *fs = context_of(req);
	int64_t dir = (int64_t)parent, fixed;
	struct node node;
	struct stat attr;
	if (strcmp(name, ".") == 0) {
		look_up_self(fs, req, dir);
		return;
	}
	if (strcmp(name, "..") == 0) {
		look_up_parent(fs, req, dir);
		return;
	}
	if (dir == NODE_ROOT && (fixed = fixed_in_root(name))) {
		attr_of_fixed(&fs->attrs, fixed, &attr);
		reply_entry(req, &attr, FOREVER_S);
		return;
	}
	if (dir == NODE_TABLES) {
		tables_lookup(fs, req, name);
		return;
	}
	if (dir == NODE_CONTROL && strcmp(name, "tables") == 0) {
		attr_of_fixed(&fs->attrs, NODE_TABLES, &attr);
		reply_entry(req, &attr, FOREVER_S);
		return;
	}
	if (dir == NODE_CONTROL) {
		look_up_control(fs, req, name);
		return;
	}
	struct basis basis = {.ticket = notifier_ticket(fs->notifier, dir)};
	int r = sync_lookup_now(fs->sync, dir, name, &node, &basis.since);
	if (r == 0) {
		finish_lookup(fs, req, &node, basis);
	} else if (r == -ENOENT) {
		reply_negative(fs, req, dir, basis);
	} else if (r != -EAGAIN) {
		reply_error(req, r);
	} else {
		look_up_slowly(fs, req, dir, name, basis);
	}
}
