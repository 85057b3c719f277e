/* Directories: opendir, readdir, readdirplus. */
#include <errno.h>
#include <string.h>

#include "fs/internal.h"

/* Positions of what stands in front of the entries. */
enum { POS_DOT = 1, POS_DOTDOT = 2, POS_FILES = 3, POS_STORAGE = 4 };

/* One open directory. */
struct dir {
	int64_t id;
	struct sync_dir open; /* of a listed directory */
	uint64_t kept;	  /* the kernel keeps what is read here: its version */
	struct told told; /* by readdirplus */
	LIST_ENTRY(dir) link;
};

static struct dir *dir_new(struct fs *fs, int64_t id)
{
	struct dir *dir = calloc(1, sizeof(*dir));
	if (!dir)
		return NULL;
	dir->id = id;
	lock_acquire(&fs->lock);
	LIST_INSERT_HEAD(&fs->dirs, dir, link);
	lock_release(&fs->lock);
	return dir;
}

static void dir_free(struct fs *fs, struct dir *dir)
{
	notifier_taken_in(fs->notifier, &dir->told);
	lock_acquire(&fs->lock);
	LIST_REMOVE(dir, link);
	lock_release(&fs->lock);
	free(dir);
}

void dir_free_all(struct fs *fs)
{
	struct dir *dir;
	while ((dir = LIST_FIRST(&fs->dirs)))
		dir_free(fs, dir);
}

static struct dir *dir_of(const struct fuse_file_info *fi)
{
	return (struct dir *)(uintptr_t)fi->fh;
}

/* Whether a directory's entries come from a listing. */
static bool is_listed(int64_t id)
{
	return id != NODE_ROOT && id != NODE_CONTROL;
}

/* ---- opening ---- */

/* Somebody still reads another version of the directory. */
static bool reads_other_locked(
    const struct fs *fs, int64_t id, uint64_t version) REQUIRES(fs->lock)
{
	const struct dir *dir;
	LIST_FOREACH (dir, &fs->dirs, link) {
		if (dir->id == id && dir->kept && dir->kept != version)
			return true;
	}
	return false;
}

static struct cached_dir *cached_dir_locked(struct fs *fs, int64_t id)
    REQUIRES(fs->lock)
{
	for (size_t i = 0; i < CACHED_DIRS; i++) {
		if (fs->cached_dirs[i].dir == id)
			return &fs->cached_dirs[i];
	}
	return &fs->cached_dirs[fs->next_cached++ % CACHED_DIRS];
}

/*
 * A whole listing may stay in the kernel while its names are believed; then
 * readdir costs no request. When it was confirmed since, the kernel reads it
 * again, and gets fresh names with it: else it would look up each of them.
 * The kernel has one memory for all who read a directory: while somebody may
 * fill it with another version, nobody else shall read it.
 */
static void choose_caching(
    struct fs *fs, struct fuse_file_info *fi, struct dir *dir)
{
	uint64_t version = 0;
	if (is_listed(dir->id) && dir->open.end)
		version = sync_dir_version(fs->sync, dir->id, &dir->open);
	if (!version)
		return;
	lock_acquire(&fs->lock);
	struct cached_dir *cached = cached_dir_locked(fs, dir->id);
	if (reads_other_locked(fs, dir->id, version)) {
		*cached = (struct cached_dir){dir->id, 0};
	} else {
		fi->cache_readdir = 1;
		fi->keep_cache =
		    cached->dir == dir->id && cached->version == version;
		*cached = (struct cached_dir){dir->id, version};
		dir->kept = version;
	}
	lock_release(&fs->lock);
}

static void reply_open(
    fuse_req_t req, struct fuse_file_info *fi, struct dir *dir)
{
	choose_caching(fs_of(req), fi, dir);
	fi->fh = (uint64_t)(uintptr_t)dir;
	fuse_reply_open(req, fi);
}

static void on_opened(struct sync_op *op, int err)
{
	struct request *request = (struct request *)op;
	if (err) {
		dir_free(request->fs, request->dir);
		reply_error(request->req, err);
	} else {
		request->dir->open = op->open_dir;
		reply_open(request->req, &request->fi, request->dir);
	}
	request_free(request);
}

void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct dir *dir = dir_new(fs, (int64_t)ino);
	if (!dir) {
		reply_error(req, -ENOMEM);
		return;
	}
	int r = is_listed(dir->id)
		    ? sync_dir_open_now(fs->sync, dir->id, &dir->open)
		    : 0;
	if (r == 0) {
		reply_open(req, fi, dir);
	} else if (r != -EAGAIN) {
		dir_free(fs, dir);
		reply_error(req, r);
	} else {
		struct request *request = request_new(fs, req, on_opened);
		if (!request) {
			dir_free(fs, dir);
			return;
		}
		request->dir = dir;
		request->fi = *fi;
		request->op.dir = dir->id;
		sync_dir_open(fs->sync, &request->op);
	}
}

void op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct dir *dir = dir_of(fi);
	(void)ino;
	sync_dir_close(fs->sync, &dir->open);
	dir_free(fs, dir);
	fuse_reply_err(req, 0);
}

/* ---- reading ---- */

/* A reply being filled. */
struct filling {
	struct fs *fs;
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
		    .generation = generation_of(f->fs, attr->st_ino),
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
	attr_of_node(f->fs, node, &attr);
	bool known = sync_size_is_known(f->fs->sync, node) &&
		     !lookup_is_waiting(f->fs, node->dir, name);
	return add(f, name, &attr, known, pos);
}

/* An entry that always exists, unless the reader is past it. */
static int add_fixed(struct filling *f, const char *name, int64_t id,
    bool known, int64_t pos, int64_t after)
{
	struct stat attr;
	if (pos <= after || !attr_of_fixed(f->fs, id, &attr))
		return 0;
	return add(f, name, &attr, known, pos);
}

static int add_dots(struct filling *f, int64_t id, int64_t after)
{
	struct stat attr = {.st_ino = (ino_t)id, .st_mode = S_IFDIR};
	if (after < POS_DOT && add(f, ".", &attr, false, POS_DOT))
		return 1;
	attr.st_ino = NODE_ROOT;
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
	int r = replica_tables(f->fs->config.replica, after, add_node, f);
	return r < 0 ? r : 0;
}

static int fill_control(struct filling *f, int64_t after)
{
	struct stat attr = {.st_ino = CONTROL_FIRST, .st_mode = S_IFREG};
	for (int64_t i = 0; control_names[i]; i++) {
		int64_t pos = POS_DOTDOT + 1 + i;
		if (pos > after && add(f, control_names[i], &attr, false, pos))
			break;
	}
	return 0;
}

/*
 * Fill from a listing. 0: reply with what there is, be it nothing at the end;
 * -EAGAIN: wait for more, beyond *ret_after.
 */
static int fill_listed(
    struct filling *f, const struct dir *dir, int64_t after, int64_t *ret_after)
{
	int64_t frontier;
	struct sync *sync = f->fs->sync;
	int end = sync_dir_frontier(sync, dir->id, &dir->open, &frontier);
	if (after < dir->open.base)
		after = dir->open.base;
	size_t before = f->used;
	if (end >= 0) {
		int r = replica_entries(f->fs->config.replica, dir->id, after,
		    frontier, add_node, f);
		if (r < 0)
			return r;
	}
	/* What was read before a listing failed is still right. */
	if (f->used > before || end == 1)
		return 0;
	if (end < 0)
		return f->used ? 0 : end;
	*ret_after = frontier - 1 > after ? frontier - 1 : after;
	return f->used ? 0 : -EAGAIN;
}

static void read_dir(struct fs *fs, fuse_req_t req, struct dir *dir,
    size_t size, int64_t after, bool plus);

/* readdir(3) of glibc takes ENOENT for the end of the directory: a listing
 * that failed so would look whole. */
static void reply_listing_error(fuse_req_t req, int err)
{
	reply_error(req, err == -ENOENT ? -EIO : err);
}

static void on_more(struct sync_op *op, int err)
{
	struct request *request = (struct request *)op;
	struct fs *fs = request->fs;
	fuse_req_t req = request->req;
	struct dir *dir = request->dir;
	size_t size = request->size;
	int64_t after = op->after;
	bool plus = request->plus;
	request_free(request);
	if (err)
		reply_listing_error(req, err);
	else
		read_dir(fs, req, dir, size, after, plus);
}

static void wait_for_more(struct fs *fs, fuse_req_t req, struct dir *dir,
    size_t size, int64_t after, bool plus)
{
	struct request *request = request_new(fs, req, on_more);
	if (!request)
		return;
	request->dir = dir;
	request->size = size;
	request->plus = plus;
	request->op.dir = dir->id;
	request->op.open_dir = dir->open;
	request->op.after = after;
	sync_dir_wait(fs->sync, &request->op);
}

/* What a listing says rests on the question that it began with. */
static int64_t name_valid_ms(struct fs *fs, const struct dir *dir)
{
	return sync_valid_ms(fs->sync,
	    is_listed(dir->id) ? dir->open.since : sync_now(fs->sync));
}

static void read_dir(struct fs *fs, fuse_req_t req, struct dir *dir,
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
		else
			r = fill_listed(&f, dir, after, &wait_after);
	}
	if (r < 0)
		notifier_untell(fs->notifier, &dir->told);
	if (r == -EAGAIN) {
		wait_for_more(fs, req, dir, size, wait_after, plus);
	} else if (r < 0) {
		reply_listing_error(req, r);
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
	read_dir(fs_of(req), req, dir_of(fi), size, off, false);
}

void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
    struct fuse_file_info *fi)
{
	(void)ino;
	read_dir(fs_of(req), req, dir_of(fi), size, off, true);
}
