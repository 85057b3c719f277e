#include "fs/op_dir.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "fs/control.h"
#include "fs/dirs.h"
#include "fs/lookups.h"
#include "fs/ndjsons.h"
#include "fs/notify.h"
#include "fs/op_tables.h"
#include "fs/pending.h"

/* Positions of what stands in front of the entries. */
enum { POS_DOT = 1, POS_DOTDOT = 2, POS_FILES = 3, POS_STORAGE = 4 };

static struct dir *dir_of(const struct fuse_file_info *fi)
{
	return (struct dir *)(uintptr_t)fi->fh;
}

/* Whether a directory's entries come from a listing. */
static bool is_listed(int64_t id)
{
	return id != NODE_ROOT && id != NODE_CONTROL && id != NODE_TABLES;
}

/* Whether they are the tables that are known. */
static bool has_tables(int64_t id)
{
	return id == NODE_ROOT || id == NODE_TABLES;
}

/* ---- opening ---- */

/*
 * A whole listing may stay in the kernel while its names are believed; then
 * readdir costs no request. When it was confirmed since, the kernel reads it
 * again, and gets fresh names with it: else it would look up each of them.
 */
static void choose_caching(
    struct fs_context *fs, struct fuse_file_info *fi, struct dir *dir)
{
	uint64_t version = 0;
	if (is_listed(dir->id) && dir->open.end)
		version = sync_dir_version(fs->sync, dir->id, &dir->open);
	if (!version)
		return;
	enum dirs_caching caching = dirs_cache(fs->dirs, dir, version);
	fi->cache_readdir = caching != DIRS_UNCACHED;
	fi->keep_cache = caching == DIRS_CACHED_BEFORE;
}

static void reply_open(
    fuse_req_t req, struct fuse_file_info *fi, struct dir *dir)
{
	choose_caching(context_of(req), fi, dir);
	fi->fh = (uint64_t)(uintptr_t)dir;
	fuse_reply_open(req, fi);
}

/* An opendir that waits for the listing's first page, or its check. */
struct opening {
	struct pending pending; /* first */
	struct dir *dir;
	struct fuse_file_info fi;
};

static void on_opened(struct sync_op *op, int err)
{
	struct opening *opening = (struct opening *)op;
	struct fs_context *fs = opening->pending.context;
	if (err) {
		dirs_close(fs->dirs, fs->notifier, opening->dir);
		reply_error(opening->pending.req, err);
	} else {
		opening->dir->open = op->open_dir;
		reply_open(opening->pending.req, &opening->fi, opening->dir);
	}
	pending_free(opening);
}

/* 0: it may be read; -EAGAIN: that has to be waited for. */
static int open_now(struct fs_context *fs, struct dir *dir)
{
	if (is_listed(dir->id))
		return sync_dir_open_now(fs->sync, dir->id, &dir->open);
	return has_tables(dir->id) ? sync_find_tables_now(fs->sync) : 0;
}

static void open_slowly(struct fs_context *fs, fuse_req_t req,
    const struct fuse_file_info *fi, struct dir *dir)
{
	struct opening *opening = pending_new(sizeof(*opening), req, on_opened);
	if (!opening) {
		dirs_close(fs->dirs, fs->notifier, dir);
		return;
	}
	opening->dir = dir;
	opening->fi = *fi;
	opening->pending.op.dir = dir->id;
	if (is_listed(dir->id))
		sync_dir_open(fs->sync, &opening->pending.op);
	else
		sync_find_tables(fs->sync, &opening->pending.op);
}

void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fs_context *fs = context_of(req);
	struct dir *dir = dirs_open(fs->dirs, (int64_t)ino);
	if (!dir) {
		reply_error(req, -ENOMEM);
		return;
	}
	int r = open_now(fs, dir);
	if (r == 0) {
		reply_open(req, fi, dir);
	} else if (r != -EAGAIN) {
		dirs_close(fs->dirs, fs->notifier, dir);
		reply_error(req, r);
	} else {
		open_slowly(fs, req, fi, dir);
	}
}

void op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fs_context *fs = context_of(req);
	struct dir *dir = dir_of(fi);
	(void)ino;
	sync_dir_close(fs->sync, &dir->open);
	dirs_close(fs->dirs, fs->notifier, dir);
	fuse_reply_err(req, 0);
}

/* ---- reading ---- */

/* A reply being filled. */
struct filling {
	struct fs_context *fs;
	fuse_req_t req;
	bool plus;
	char *data;
	size_t size;
	size_t used;
	double name_valid_s;
};

/* Add an entry: 0, or 1 when it does not fit. known: its attributes may be
 * told; else the kernel shall look it up when it wants them. */
static int add(struct filling *f, const char *name, const struct stat *attr,
    bool known, int64_t pos)
{
	size_t room = f->size - f->used, need;
	char *at = f->data + f->used;
	if (f->plus) {
		struct fuse_entry_param entry = {
		    .ino = known ? attr->st_ino : 0,
		    .generation =
			attr_generation(&f->fs->attrs, (int64_t)attr->st_ino),
		    .attr = *attr,
		    .attr_timeout = FOREVER_S,
		    .entry_timeout = f->name_valid_s,
		};
		need =
		    fuse_add_direntry_plus(f->req, at, room, name, &entry, pos);
	} else {
		need = fuse_add_direntry(f->req, at, room, name, attr, pos);
	}
	if (need > room)
		return 1;
	f->used += need;
	return 0;
}

static int add_node(
    void *ctx, const struct node *node, const char *name, int64_t pos)
{
	struct filling *f = ctx;
	struct stat attr;
	attr_of_node(&f->fs->attrs, node, &attr);
	bool known = sync_size_is_known(f->fs->sync, node) &&
		     !lookups_have(f->fs->lookups, node->dir, name);
	return add(f, name, &attr, known, pos);
}

/* An entry that always exists, unless the reader is past it. */
static int add_fixed(struct filling *f, const char *name, int64_t id,
    bool known, int64_t pos, int64_t after)
{
	struct stat attr;
	if (pos <= after || !attr_of_fixed(&f->fs->attrs, id, &attr))
		return 0;
	return add(f, name, &attr, known, pos);
}

static int add_dots(struct filling *f, int64_t id, int64_t after)
{
	struct stat attr = {.st_ino = (ino_t)id, .st_mode = S_IFDIR};
	if (after < POS_DOT && add(f, ".", &attr, false, POS_DOT))
		return 1;
	attr.st_ino = id == NODE_TABLES ? NODE_CONTROL : NODE_ROOT;
	return after < POS_DOTDOT && add(f, "..", &attr, false, POS_DOTDOT);
}

static int fill_root(struct filling *f, int64_t after)
{
	double tables_valid_s = f->name_valid_s;
	f->name_valid_s = FOREVER_S;
	if (add_fixed(f, "files", NODE_FILES, true, POS_FILES, after) ||
	    add_fixed(f, "storage", NODE_STORAGE, true, POS_STORAGE, after))
		return 0;
	f->name_valid_s = tables_valid_s;
	int r = replica_tables(f->fs->replica, after, add_node, f);
	return r < 0 ? r : 0;
}

static int fill_control(struct filling *f, int64_t after)
{
	struct stat attr = {.st_ino = CONTROL_FIRST, .st_mode = S_IFREG};
	const char *name;
	size_t i;
	for (i = 0; (name = control_name(f->fs->control, i)); i++) {
		int64_t pos = POS_DOTDOT + 1 + (int64_t)i;
		if (pos > after && add(f, name, &attr, false, pos))
			return 0;
	}
	attr_of_fixed(&f->fs->attrs, NODE_TABLES, &attr);
	int64_t last = POS_DOTDOT + 1 + (int64_t)i;
	if (last > after)
		add(f, "tables", &attr, true, last);
	return 0;
}

static int add_stream(
    void *ctx, const struct node *node, const char *name, int64_t pos)
{
	const struct stat attr = {.st_ino = NDJSON_FIRST, .st_mode = S_IFREG};
	char file[NAME_MAX + 1];
	(void)node;
	snprintf(file, sizeof(file), "%s" NDJSON_TAIL, name);
	return add(ctx, file, &attr, false, pos);
}

/* Of .bkendfs/tables: a file each, also for the stored files' metadata. */
static int fill_tables(struct filling *f, int64_t after)
{
	if (after < POS_FILES && add_stream(f, NULL, "files", POS_FILES))
		return 0;
	int r = replica_tables(f->fs->replica, after, add_stream, f);
	return r < 0 ? r : 0;
}

/*
 * Fill from a listing. 0: reply with what there is, be it nothing at the end;
 * -EAGAIN: wait for more, beyond *ret_after. One that is not whole ends in an
 * error: rsync has copied by then what there is, and deletes nothing.
 */
static int fill_listed(
    struct filling *f, const struct dir *dir, int64_t after, int64_t *ret_after)
{
	int64_t frontier;
	struct sync *sync = f->fs->sync;
	int end = sync_dir_frontier(sync, dir->id, &dir->open, &frontier);
	if (after < dir->open.base)
		after = dir->open.base;
	if (end >= 0) {
		int r = replica_entries(
		    f->fs->replica, dir->id, after, frontier, add_node, f);
		if (r < 0)
			return r;
	}
	/* What was read before a listing failed is still right. */
	if (f->used)
		return 0;
	if (end == 1)
		return sync_dir_is_whole(sync, dir->id, &dir->open);
	if (end < 0)
		return end;
	*ret_after = frontier - 1 > after ? frontier - 1 : after;
	return -EAGAIN;
}

static void read_dir(struct fs_context *fs, fuse_req_t req, struct dir *dir,
    size_t size, int64_t after, bool plus);

/* A readdir that waits for more of the listing. */
struct reading {
	struct pending pending; /* first */
	struct dir *dir;
	size_t size; /* of the reply */
	bool plus;   /* readdirplus */
};

static void on_more(struct sync_op *op, int err)
{
	struct reading *reading = (struct reading *)op;
	struct fs_context *fs = reading->pending.context;
	fuse_req_t req = reading->pending.req;
	struct dir *dir = reading->dir;
	size_t size = reading->size;
	int64_t after = op->after;
	bool plus = reading->plus;
	pending_free(reading);
	if (err)
		reply_not_gone(req, err);
	else
		read_dir(fs, req, dir, size, after, plus);
}

static void wait_for_more(struct fs_context *fs, fuse_req_t req,
    struct dir *dir, size_t size, int64_t after, bool plus)
{
	struct reading *reading = pending_new(sizeof(*reading), req, on_more);
	if (!reading)
		return;
	reading->dir = dir;
	reading->size = size;
	reading->plus = plus;
	struct sync_op *op = &reading->pending.op;
	op->dir = dir->id;
	op->open_dir = dir->open;
	op->after = after;
	sync_dir_wait(fs->sync, op);
}

/* What a listing says rests on the question that it began with. */
static int64_t name_valid_ms(struct fs_context *fs, const struct dir *dir)
{
	return sync_valid_ms(fs->sync,
	    is_listed(dir->id) ? dir->open.since : sync_now(fs->sync));
}

static void read_dir(struct fs_context *fs, fuse_req_t req, struct dir *dir,
    size_t size, int64_t after, bool plus)
{
	int64_t wait_after = after;
	int r = 0;
	uint64_t ticket = notifier_ticket(fs->notifier, dir->id);
	struct filling f = {
	    .fs = fs,
	    .req = req,
	    .plus = plus,
	    .data = malloc(size),
	    .size = size,
	};
	if (!f.data) {
		reply_error(req, -ENOMEM);
		return;
	}
	notifier_taken_in(fs->notifier, &dir->told);
	if (plus)
		f.name_valid_s = notifier_tell_many(fs->notifier, &dir->told,
		    dir->id, ticket, name_valid_ms(fs, dir));
	if (!add_dots(&f, dir->id, after)) {
		if (dir->id == NODE_ROOT)
			r = fill_root(&f, after);
		else if (dir->id == NODE_CONTROL)
			r = fill_control(&f, after);
		else if (dir->id == NODE_TABLES)
			r = fill_tables(&f, after);
		else
			r = fill_listed(&f, dir, after, &wait_after);
	}
	if (r < 0)
		notifier_untell(fs->notifier, &dir->told);
	if (r == -EAGAIN) {
		wait_for_more(fs, req, dir, size, wait_after, plus);
	} else if (r < 0) {
		reply_not_gone(req, r);
	} else {
		if (is_listed(dir->id) && after > dir->open.base)
			sync_dir_reading(fs->sync, dir->id, &dir->open, after);
		fuse_reply_buf(req, f.data, f.used);
	}
	free(f.data);
}

void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
    struct fuse_file_info *fi)
{
	(void)ino;
	read_dir(context_of(req), req, dir_of(fi), size, off, false);
}

void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
    struct fuse_file_info *fi)
{
	(void)ino;
	read_dir(context_of(req), req, dir_of(fi), size, off, true);
}
