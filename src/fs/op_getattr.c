#include "fs/op_getattr.h"

#include "fs/control.h"
#include "fs/ndjsons.h"
#include "fs/pending.h"

static void on_measured(struct sync_op *op, int err)
{
	struct pending *pending = (struct pending *)op;
	struct stat attr;
	if (err) {
		reply_not_gone(pending->req, err);
	} else {
		attr_of_node(&pending->context->attrs, &op->node, &attr);
		fuse_reply_attr(pending->req, &attr, FOREVER_S);
	}
	pending_free(pending);
}

static void get_control(struct fs_context *fs, fuse_req_t req, int64_t id)
{
	struct stat attr;
	int64_t size, made_ms;
	int r = id >= NDJSON_FIRST
		    ? ndjsons_facts(fs->ndjsons, id, &size, &made_ms)
		    : control_facts(fs->control, id, &size, &made_ms);
	if (r < 0) {
		reply_error(req, r);
		return;
	}
	attr_of_snapshot(&fs->attrs, id, size, made_ms, &attr);
	fuse_reply_attr(req, &attr, FOREVER_S);
}

void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fs_context *fs = context_of(req);
	struct node node;
	struct stat attr;
	(void)fi;
	if (attr_of_fixed(&fs->attrs, (int64_t)ino, &attr)) {
		fuse_reply_attr(req, &attr, FOREVER_S);
		return;
	}
	if ((int64_t)ino >= CONTROL_FIRST) {
		get_control(fs, req, (int64_t)ino);
		return;
	}
	int r = replica_get(fs->replica, (int64_t)ino, &node);
	if (r < 0) {
		reply_stale(req, r);
	} else if (sync_size_is_known(fs->sync, &node)) {
		attr_of_node(&fs->attrs, &node, &attr);
		fuse_reply_attr(req, &attr, FOREVER_S);
	} else {
		struct pending *pending =
		    pending_new(sizeof(*pending), req, on_measured);
		if (!pending)
			return;
		pending->op.node_id = node.id;
		sync_measure(fs->sync, &pending->op);
	}
}
