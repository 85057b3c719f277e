#include "fs/op_read.h"

#include <errno.h>

#include "fs/control.h"
#include "fs/ndjsons.h"
#include "fs/notify.h"
#include "fs/push.h"
#include "fs/pending.h"
#include "fs/text.h"

static void on_read(struct sync_op *op, int err)
{
	struct pending *pending = (struct pending *)op;
	if (err == -EIO)
		notifier_reply_error(
		    pending->context->notifier, pending->req, err);
	else if (err)
		reply_error(pending->req, err);
	else
		fuse_reply_buf(pending->req, op->got ? op->data : "", op->got);
	pending_free(pending);
}

static void read_object(struct fs_context *fs, fuse_req_t req,
    const struct node *node, size_t size, off_t off)
{
	struct sync_bytes bytes;
	if (sync_read_now(fs->sync, node, (uint64_t)off, size, &bytes) == 0) {
		fuse_reply_buf(req, bytes.data, bytes.len);
		sync_bytes_done(&bytes);
		return;
	}
	struct pending *pending = pending_new(sizeof(*pending), req, on_read);
	if (!pending)
		return;
	pending->op.node_id = node->id;
	pending->op.offset = (uint64_t)off;
	pending->op.len = size;
	sync_read(fs->sync, &pending->op);
}

static void reply_slice(
    fuse_req_t req, const struct buf *text, size_t size, off_t off)
{
	size_t from = (size_t)off < text->len ? (size_t)off : text->len;
	size_t len = text->len - from < size ? text->len - from : size;
	fuse_reply_buf(req, buf_str(text) + from, len);
}

static void read_text(struct fs_context *fs, fuse_req_t req,
    const struct node *node, size_t size, off_t off)
{
	CLEANUP_BUF struct buf text;
	bool whole = text_is_small(node);
	buf_init(&text, whole ? TEXT_SMALL_MAX : size);
	int r = whole ? text_load(fs->texts, node->id, &text)
		      : text_read(fs->texts, node, (uint64_t)off, size, &text);
	if (r < 0)
		reply_error(req, r);
	else
		reply_slice(req, &text, size, whole ? off : 0);
}

static void read_control(
    struct fs_context *fs, fuse_req_t req, int64_t id, size_t size, off_t off)
{
	CLEANUP_BUF struct buf text;
	buf_init(&text, BUF_MAX_DEFAULT);
	int r = id >= NDJSON_FIRST
		    ? ndjsons_read(fs->ndjsons, id, off, size, &text)
		    : control_read(fs->control, id, (size_t)off, size, &text);
	if (r < 0)
		reply_error(req, r);
	else
		fuse_reply_buf(req, buf_str(&text), text.len);
}

void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
    struct fuse_file_info *fi)
{
	struct fs_context *fs = context_of(req);
	int64_t id = (int64_t)ino;
	struct node node;
	(void)fi;
	if (id >= CONTROL_FIRST) {
		read_control(fs, req, id, size, off);
		return;
	}
	int r = replica_get(fs->replica, id, &node);
	/* Before the reply: the next read may come right behind it. */
	if (r == 0 && off == 0)
		pusher_observe(fs->pusher, &node);
	if (r < 0)
		reply_stale(req, r);
	else if (node.kind == NODE_KIND_OBJECT)
		read_object(fs, req, &node, size, off);
	else if (attr_is_text(&node))
		read_text(fs, req, &node, size, off);
	else
		reply_error(req, -EISDIR);
}
