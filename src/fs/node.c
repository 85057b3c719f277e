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

/*
 * A directory's date is that of its row and never moves. The time of the last
 * known change cannot be had: rsync asks for a directory's date before it reads
 * the directory, so before the listing is checked. The copy that brings a
 * change would have the date from before, and the one after it, with nothing
 * changed any more, would have to mend it. To check at stat already would be a
 * request a table for each look at the root.
 */
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

uint64_t generation_of(const struct fs *fs, fuse_ino_t ino)
{
	int64_t ms = (int64_t)ino < CONTROL_FIRST
			 ? replica_made_ms(fs->config.replica)
			 : fs->started_ms;
	/* The kernel knows the root's without being told: 0. */
	return ino == NODE_ROOT ? 0 : (uint32_t)(ms ^ ms >> 32);
}

/* ---- lookup ---- */

static int reply_entry(
    fuse_req_t req, const struct stat *attr, double name_valid_s)
{
	struct fuse_entry_param entry = {
	    .ino = attr->st_ino,
	    .generation = generation_of(fs_of(req), attr->st_ino),
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

static double name_valid_s(struct fs *fs, int64_t dir, struct basis basis)
{
	return notifier_tell(fs->notifier, dir, basis.ticket,
	    sync_valid_ms(fs->sync, basis.since));
}

/* No such name: known for as long as a name would be. */
static void reply_negative(
    struct fs *fs, fuse_req_t req, int64_t dir, struct basis basis)
{
	struct fuse_entry_param entry = {
	    .ino = 0, .entry_timeout = name_valid_s(fs, dir, basis)};
	fuse_reply_entry(req, &entry);
}

static void reply_node(
    struct fs *fs, fuse_req_t req, const struct node *node, struct basis basis)
{
	struct stat attr;
	attr_of_node(fs, node, &attr);
	reply_entry(req, &attr, name_valid_s(fs, node->dir, basis));
}

static void on_measured_lookup(struct sync_op *op, int err)
{
	struct request *request = (struct request *)op;
	if (err)
		reply_error(request->req, err);
	else
		reply_node(request->fs, request->req, &op->node,
		    (struct basis){request->since, request->ticket});
	request_free(request);
}

/* Reply with the node, once its size may be told. */
static void finish_lookup(
    struct fs *fs, fuse_req_t req, const struct node *node, struct basis basis)
{
	if (sync_size_is_known(fs->sync, node)) {
		reply_node(fs, req, node, basis);
		return;
	}
	struct request *request = request_new(fs, req, on_measured_lookup);
	if (!request)
		return;
	request->since = basis.since;
	request->ticket = basis.ticket;
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
	struct basis basis = {op->since, request->ticket};
	request_free(request);
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

static void look_up_control(struct fs *fs, fuse_req_t req, const char *name)
{
	struct stat attr;
	int64_t id = control_lookup(fs->control, name);
	int r = id < 0 ? (int)id : control_attr(fs->control, id, &attr);
	if (r < 0)
		reply_error(req, r);
	else if (reply_entry(req, &attr, 0) < 0)
		control_forget(fs->control, id); /* who asked has gone */
}

/* ".": a node that the kernel has forgotten, by its number, which a file handle
 * has kept. So NFS servers ask. */
static void look_up_self(struct fs *fs, fuse_req_t req, int64_t id)
{
	struct node node;
	struct stat attr;
	if (attr_of_fixed(fs, id, &attr)) {
		reply_entry(req, &attr, FOREVER_S);
		return;
	}
	/* What .bkendfs showed is gone when the kernel forgets it. */
	int r = id >= CONTROL_FIRST
		    ? -ENOENT
		    : replica_get(fs->config.replica, id, &node);
	if (r < 0)
		reply_error(req, r == -ENOENT ? -ESTALE : r);
	else
		/* No name is believed. */
		finish_lookup(fs, req, &node,
		    (struct basis){
			.ticket = notifier_ticket(fs->notifier, node.dir)});
}

/* "..": the directory that a node is in. */
static void look_up_parent(struct fs *fs, fuse_req_t req, int64_t id)
{
	struct node node;
	struct stat attr;
	if (attr_of_fixed(fs, id, &attr)) {
		look_up_self(fs, req, NODE_ROOT);
		return;
	}
	int r = replica_get(fs->config.replica, id, &node);
	if (r < 0)
		reply_error(req, r == -ENOENT ? -ESTALE : r);
	else
		look_up_self(fs, req, node.dir);
}

void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fs *fs = fs_of(req);
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
		attr_of_fixed(fs, fixed, &attr);
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
		struct request *request = request_new(fs, req, on_looked_up);
		if (!request)
			return;
		request->ticket = basis.ticket;
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

static void read_text(struct fs *fs, fuse_req_t req, const struct node *node,
    size_t size, off_t off)
{
	CLEANUP_BUF struct buf text;
	bool whole = text_is_small(node);
	buf_init(&text, whole ? TEXT_SMALL_MAX : size);
	int r = whole ? text_load(fs, node->id, &text)
		      : text_read(fs, node, (uint64_t)off, size, &text);
	if (r < 0)
		reply_error(req, r);
	else
		reply_slice(req, &text, size, whole ? off : 0);
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
		read_text(fs, req, &node, size, off);
	else
		reply_error(req, -EISDIR);
}
