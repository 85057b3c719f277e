#include "fs/op_tables.h"

#include <errno.h>
#include <string.h>

#include "fs/ndjsons.h"
#include "fs/pending.h"

/*
 * A lookup on its way: the table's directory is found; it is opened; its
 * listing is read to its end; then its file is made. Each step waits for the
 * one before, and the last one replies.
 */
struct making {
	struct pending pending; /* first */
	struct ndjson_job job;
	struct sync_dir open;
	char name[];
};

static void reply_file(struct fs_context *fs, fuse_req_t req, int64_t id)
{
	struct fuse_entry_param entry = {
	    .ino = (fuse_ino_t)id,
	    .generation = attr_generation(&fs->attrs, id),
	    .attr_timeout = FOREVER_S,
	};
	int64_t size, made_ms;
	int r = ndjsons_facts(fs->ndjsons, id, &size, &made_ms);
	if (r < 0) {
		reply_error(req, r);
		return;
	}
	attr_of_snapshot(&fs->attrs, id, size, made_ms, &entry.attr);
	if (fuse_reply_entry(req, &entry) < 0)
		ndjsons_forget(fs->ndjsons, id, 1); /* who asked has gone */
}

static void fail(struct making *making, int err)
{
	reply_error(making->pending.req, err);
	pending_free(making);
}

/* A step that may wait: the operation begins anew. False: the caller of lookup
 * has given up, and has been told. */
static bool begin_step(
    struct making *making, void (*done)(struct sync_op *op, int err))
{
	struct sync_op *op = &making->pending.op;
	*op = (struct sync_op){.id = op->id, .done = done};
	return !fuse_req_interrupted(making->pending.req);
}

static void close_and_fail(struct making *making, int err)
{
	sync_dir_close(making->pending.context->sync, &making->open);
	fail(making, err);
}

static void on_made(void *ctx, int64_t id)
{
	struct making *making = ctx;
	struct fs_context *fs = making->pending.context;
	if (id < 0) {
		close_and_fail(making, (int)id);
		return;
	}
	sync_dir_close(fs->sync, &making->open);
	reply_file(fs, making->pending.req, id);
	pending_free(making);
}

static void read_on(struct making *making);

static void on_more(struct sync_op *op, int err)
{
	struct making *making = (struct making *)op;
	if (err)
		close_and_fail(making, err == -ENOENT ? -EIO : err);
	else
		read_on(making);
}

/* Wait for the listing's end. */
static void read_on(struct making *making)
{
	struct fs_context *fs = making->pending.context;
	struct ndjson_job *job = &making->job;
	int64_t frontier;
	int end =
	    sync_dir_frontier(fs->sync, job->dir, &making->open, &frontier);
	/* No program that reads a stream would look for what it lacks. */
	if (end == 1) {
		int r = sync_dir_is_whole(fs->sync, job->dir, &making->open);
		end = r < 0 ? r : 1;
	}
	if (end < 0) {
		close_and_fail(making, end == -ENOENT ? -EIO : end);
	} else if (end == 1) {
		job->base = making->open.base;
		job->end = frontier;
		job->version =
		    sync_dir_version(fs->sync, job->dir, &making->open);
		job->done = on_made;
		job->ctx = making;
		ndjsons_make(fs->ndjsons, job);
	} else if (!begin_step(making, on_more)) {
		close_and_fail(making, -EINTR);
	} else {
		struct sync_op *op = &making->pending.op;
		op->dir = job->dir;
		op->open_dir = making->open;
		op->after = frontier - 1 > making->open.base
				? frontier - 1
				: making->open.base;
		sync_dir_wait(fs->sync, op);
	}
}

static void on_opened(struct sync_op *op, int err)
{
	struct making *making = (struct making *)op;
	if (err) {
		fail(making, err);
		return;
	}
	making->open = op->open_dir;
	read_on(making);
}

static void open_listing(struct making *making, int64_t dir)
{
	struct fs_context *fs = making->pending.context;
	making->job.dir = dir;
	int r = sync_dir_open_now(fs->sync, dir, &making->open);
	if (r == 0) {
		read_on(making);
	} else if (r != -EAGAIN) {
		fail(making, r);
	} else if (!begin_step(making, on_opened)) {
		fail(making, -EINTR);
	} else {
		making->pending.op.dir = dir;
		sync_dir_open(fs->sync, &making->pending.op);
	}
}

static void on_found(struct sync_op *op, int err)
{
	struct making *making = (struct making *)op;
	if (err)
		fail(making, err);
	else
		open_listing(making, op->node.id);
}

static void find_table(struct making *making)
{
	struct fs_context *fs = making->pending.context;
	struct node node;
	int64_t since;
	int r =
	    sync_lookup_now(fs->sync, NODE_ROOT, making->name, &node, &since);
	if (r == 0) {
		open_listing(making, node.id);
	} else if (r != -EAGAIN) {
		fail(making, r);
	} else if (!begin_step(making, on_found)) {
		fail(making, -EINTR);
	} else {
		making->pending.op.dir = NODE_ROOT;
		making->pending.op.name = making->name;
		sync_lookup(fs->sync, &making->pending.op);
	}
}

void tables_lookup(struct fs_context *fs, fuse_req_t req, const char *name)
{
	size_t len = strlen(name), tail = strlen(NDJSON_TAIL);
	(void)fs;
	if (len <= tail || strcmp(name + len - tail, NDJSON_TAIL) != 0) {
		reply_error(req, -ENOENT);
		return;
	}
	struct making *making =
	    pending_new(sizeof(*making) + len, req, on_found);
	if (!making)
		return;
	memcpy(making->name, name, len - tail);
	if (strcmp(making->name, "files") == 0)
		open_listing(making, NODE_FILES);
	else
		find_table(making);
}
