/* Nodes: lookup, getattr, read. */
#include <errno.h>
#include <string.h>

#include "fs/push.h"
#include "fs/text.h"

/* ---- requests ---- */

static void on_interrupt(fuse_req_t req, void *data)
{
	struct fs *fs = fs_of(req);
	sync_interrupt(fs->sync, (uint64_t)(uintptr_t)data);
}

struct request *request_new(
    struct fs *fs, fuse_req_t req, void (*done)(struct sync_op *op, int err))
{
	struct request *request = calloc(1, sizeof(*request));
	if (!request) {
		fuse_reply_err(req, ENOMEM);
		return NULL;
	}
	request->fs = fs;
	request->req = req;
	request->op.done = done;
	request->op.id = sync_op_id(fs->sync);
	fuse_req_interrupt_func(
	    req, on_interrupt, (void *)(uintptr_t)request->op.id);
	return request;
}

void request_free(struct request *request)
{
	free(request->name);
	free(request);
}

void reply_error(fuse_req_t req, int err)
{
	fuse_reply_err(req, -err);
}

/* ---- attributes ---- */

static struct timespec timespec_of(int64_t ms)
{
	int64_t seconds = ms / 1000, rest = ms % 1000;
	if (rest < 0) {
		rest += 1000;
		seconds--;
	}
	return (struct timespec){
	    .tv_sec = (time_t)seconds, .tv_nsec = (long)rest * 1000000};
}

static void fill(const struct fs *fs, int64_t id, mode_t mode, int64_t size,
    int64_t mtime_ms, struct stat *out)
{
	*out = (struct stat){
	    .st_ino = (ino_t)id,
	    .st_mode = mode,
	    .st_nlink = S_ISDIR(mode) ? 2 : 1,
	    .st_uid = fs->uid,
	    .st_gid = fs->gid,
	    .st_size = size,
	    .st_blksize = 128 << 10,
	    .st_blocks = (size + 511) / 512,
	    .st_mtim = timespec_of(mtime_ms),
	};
	out->st_ctim = out->st_atim = out->st_mtim;
}

static bool is_text(const struct node *node)
{
	return node->kind == NODE_KIND_RECORD || node->kind == NODE_KIND_SPEC;
}

void attr_of_node(
    const struct fs *fs, const struct node *node, struct stat *out)
{
	bool dir = node->kind == NODE_KIND_DIR || node->kind == NODE_KIND_TABLE;
	int64_t size = node->size;
	if (is_text(node) && !fs->config.raw)
		size = node->other_size;
	if (dir || size < 0)
		size = 0;
	fill(fs, node->id, dir ? S_IFDIR | 0555 : S_IFREG | 0444, size,
	    node->mtime_ms, out);
}

bool attr_of_fixed(const struct fs *fs, int64_t id, struct stat *out)
{
	if (id < NODE_ROOT || id > NODE_CONTROL)
		return false;
	fill(fs, id, S_IFDIR | 0555, 0, replica_made_ms(fs->config.replica),
	    out);
	return true;
}

/* ---- lookup ---- */

static void reply_entry(
    fuse_req_t req, const struct stat *attr, double name_valid_s)
{
	struct fuse_entry_param entry = {
	    .ino = attr->st_ino,
	    .attr = *attr,
	    .attr_timeout = FOREVER_S,
	    .entry_timeout = name_valid_s,
	};
	fuse_reply_entry(req, &entry);
}

static double name_valid_s(struct fs *fs, int64_t dir, uint64_t ticket)
{
	return notifier_tell(
	    fs->notifier, dir, ticket, sync_name_valid_ms(fs->sync, dir));
}

/* No such name: known for as long as a name would be. */
static void reply_negative(
    struct fs *fs, fuse_req_t req, int64_t dir, uint64_t ticket)
{
	struct fuse_entry_param entry = {
	    .ino = 0, .entry_timeout = name_valid_s(fs, dir, ticket)};
	fuse_reply_entry(req, &entry);
}

static void reply_node(struct fs *fs, fuse_req_t req, int64_t dir,
    uint64_t ticket, const struct node *node)
{
	struct stat attr;
	attr_of_node(fs, node, &attr);
	reply_entry(req, &attr, name_valid_s(fs, dir, ticket));
}

static void on_measured_lookup(struct sync_op *op, int err)
{
	struct request *request = (struct request *)op;
	if (err)
		reply_error(request->req, err);
	else
		reply_node(request->fs, request->req, op->node.dir,
		    request->ticket, &op->node);
	request_free(request);
}

/* Reply with the node, once its size may be told. */
static void finish_lookup(struct fs *fs, fuse_req_t req, int64_t dir,
    uint64_t ticket, const struct node *node)
{
	if (sync_size_is_known(fs->sync, node)) {
		reply_node(fs, req, dir, ticket, node);
		return;
	}
	struct request *request = request_new(fs, req, on_measured_lookup);
	if (!request)
		return;
	request->ticket = ticket;
	request->op.node_id = node->id;
	sync_measure(fs->sync, &request->op);
}

static void lookup_begins(struct request *request)
{
	struct fs *fs = request->fs;
	lock_acquire(&fs->lock);
	LIST_INSERT_HEAD(&fs->lookups, request, lookup_link);
	lock_release(&fs->lock);
}

static void lookup_ends(struct request *request)
{
	struct fs *fs = request->fs;
	lock_acquire(&fs->lock);
	LIST_REMOVE(request, lookup_link);
	lock_release(&fs->lock);
}

bool lookup_is_waiting(struct fs *fs, int64_t dir, const char *name)
{
	struct request *request;
	bool found = false;
	lock_acquire(&fs->lock);
	LIST_FOREACH (request, &fs->lookups, lookup_link)
		found = found || (request->op.dir == dir &&
				     strcmp(request->name, name) == 0);
	lock_release(&fs->lock);
	return found;
}

static void on_looked_up(struct sync_op *op, int err)
{
	struct request *request = (struct request *)op;
	struct fs *fs = request->fs;
	lookup_ends(request);
	fuse_req_t req = request->req;
	struct node node = op->node;
	int64_t dir = op->dir;
	uint64_t ticket = request->ticket;
	request_free(request);
	if (err == -ENOENT)
		reply_negative(fs, req, dir, ticket);
	else if (err)
		reply_error(req, err);
	else
		finish_lookup(fs, req, dir, ticket, &node);
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

static void look_up_control(struct fs *fs, fuse_req_t req, const char *name)
{
	struct stat attr;
	int64_t id = control_lookup(fs->control, name);
	int r = id < 0 ? (int)id : control_attr(fs->control, id, &attr);
	if (r < 0)
		reply_error(req, r);
	else
		reply_entry(req, &attr, 0);
}

void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fs *fs = fs_of(req);
	int64_t dir = (int64_t)parent, fixed;
	struct node node;
	struct stat attr;
	if (dir == NODE_ROOT && (fixed = fixed_in_root(name))) {
		attr_of_fixed(fs, fixed, &attr);
		reply_entry(req, &attr, FOREVER_S);
		return;
	}
	if (dir == NODE_CONTROL) {
		look_up_control(fs, req, name);
		return;
	}
	uint64_t ticket = notifier_ticket(fs->notifier, dir);
	int r = sync_lookup_now(fs->sync, dir, name, &node);
	if (r == 0) {
		finish_lookup(fs, req, dir, ticket, &node);
	} else if (r == -ENOENT) {
		reply_negative(fs, req, dir, ticket);
	} else if (r != -EAGAIN) {
		reply_error(req, r);
	} else {
		struct request *request = request_new(fs, req, on_looked_up);
		if (!request)
			return;
		request->ticket = ticket;
		request->op.dir = dir;
		request->op.name = request->name = strdup(name);
		if (!request->name) {
			reply_error(req, -ENOMEM);
			request_free(request);
			return;
		}
		lookup_begins(request);
		sync_lookup(fs->sync, &request->op);
	}
}

/* ---- getattr ---- */

static void on_measured_attr(struct sync_op *op, int err)
{
	struct request *request = (struct request *)op;
	struct stat attr;
	if (err) {
		reply_error(request->req, err);
	} else {
		attr_of_node(request->fs, &op->node, &attr);
		fuse_reply_attr(request->req, &attr, FOREVER_S);
	}
	request_free(request);
}

void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct node node;
	struct stat attr;
	(void)fi;
	if (attr_of_fixed(fs, (int64_t)ino, &attr)) {
		fuse_reply_attr(req, &attr, FOREVER_S);
		return;
	}
	if ((int64_t)ino >= CONTROL_FIRST) {
		int r = control_attr(fs->control, (int64_t)ino, &attr);
		if (r < 0)
			reply_error(req, r);
		else
			fuse_reply_attr(req, &attr, FOREVER_S);
		return;
	}
	int r = replica_get(fs->config.replica, (int64_t)ino, &node);
	if (r < 0) {
		reply_error(req, r == -ENOENT ? -ESTALE : r);
	} else if (sync_size_is_known(fs->sync, &node)) {
		attr_of_node(fs, &node, &attr);
		fuse_reply_attr(req, &attr, FOREVER_S);
	} else {
		struct request *request =
		    request_new(fs, req, on_measured_attr);
		if (!request)
			return;
		request->op.node_id = node.id;
		sync_measure(fs->sync, &request->op);
	}
}

/* ---- read ---- */

static void on_read(struct sync_op *op, int err)
{
	struct request *request = (struct request *)op;
	if (err == -EIO)
		notifier_reply_error(request->fs->notifier, request->req, err);
	else if (err)
		reply_error(request->req, err);
	else
		fuse_reply_buf(request->req, op->got ? op->data : "", op->got);
	request_free(request);
}

static void read_object(struct fs *fs, fuse_req_t req, const struct node *node,
    size_t size, off_t off)
{
	struct sync_bytes bytes;
	if (sync_read_now(fs->sync, node, (uint64_t)off, size, &bytes) == 0) {
		fuse_reply_buf(req, bytes.data, bytes.len);
		sync_bytes_done(&bytes);
		return;
	}
	struct request *request = request_new(fs, req, on_read);
	if (!request)
		return;
	request->op.node_id = node->id;
	request->op.offset = (uint64_t)off;
	request->op.len = size;
	sync_read(fs->sync, &request->op);
}

static void reply_slice(
    fuse_req_t req, const struct buf *text, size_t size, off_t off)
{
	size_t from = (size_t)off < text->len ? (size_t)off : text->len;
	size_t len = text->len - from < size ? text->len - from : size;
	fuse_reply_buf(req, buf_str(text) + from, len);
}

static void read_text(
    struct fs *fs, fuse_req_t req, int64_t id, size_t size, off_t off)
{
	struct text *text;
	int r = text_get(fs, id, &text);
	if (r < 0) {
		reply_error(req, r);
		return;
	}
	reply_slice(req, &text->buf, size, off);
	text_unref(text);
}

static void read_control(
    struct fs *fs, fuse_req_t req, int64_t id, size_t size, off_t off)
{
	CLEANUP_BUF struct buf text;
	buf_init(&text, BUF_MAX_DEFAULT);
	int r = control_read(fs->control, id, (size_t)off, size, &text);
	if (r < 0)
		reply_error(req, r);
	else
		fuse_reply_buf(req, buf_str(&text), text.len);
}

void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
    struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	int64_t id = (int64_t)ino;
	struct node node;
	(void)fi;
	if (id >= CONTROL_FIRST) {
		read_control(fs, req, id, size, off);
		return;
	}
	int r = replica_get(fs->config.replica, id, &node);
	/* Before the reply: the next read may come right behind it. */
	if (r == 0 && off == 0)
		pusher_observe(fs->pusher, &node);
	if (r < 0)
		reply_error(req, r == -ENOENT ? -ESTALE : r);
	else if (node.kind == NODE_KIND_OBJECT)
		read_object(fs, req, &node, size, off);
	else if (is_text(&node))
		read_text(fs, req, id, size, off);
	else
		reply_error(req, -EISDIR);
}
