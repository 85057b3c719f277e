#include "fs/op_dir.h"

#include <errno.h>
#include <stdlib.h>

#include "fs/dir_ahead.h"
#include "fs/dir_fill.h"
#include "fs/notify.h"
#include "fs/op_tables.h"
#include "fs/pending.h"

static struct dir *dir_of(const struct fuse_file_info *fi)
{
	return (struct dir *)(uintptr_t)fi->fh;
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
	if (dir_is_listed(dir->id) && dir->open.end)
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
	if (dir_is_listed(dir->id))
		return sync_dir_open_now(fs->sync, dir->id, &dir->open);
	return dir_has_tables(dir->id) ? sync_find_tables_now(fs->sync) : 0;
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
	if (dir_is_listed(dir->id))
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
	dir_ahead_end(dir);
	sync_dir_close(fs->sync, &dir->open);
	dirs_close(fs->dirs, fs->notifier, dir);
	fuse_reply_err(req, 0);
}

/* ---- reading ---- */

/* What a readdir asks for. */
struct wanted {
	struct dir *dir;
	size_t size;   /* of the reply */
	int64_t after; /* the position that it goes on from */
	bool plus;     /* readdirplus */
	bool on_loop;  /* it had to wait: the loop's thread replies */
};

static void read_dir(
    struct fs_context *fs, fuse_req_t req, const struct wanted *wanted);

/* One that waits for more of the listing. */
struct reading {
	struct pending pending; /* first */
	struct wanted wanted;
};

static void on_more(struct sync_op *op, int err)
{
	struct reading *reading = (struct reading *)op;
	struct fs_context *fs = reading->pending.context;
	fuse_req_t req = reading->pending.req;
	struct wanted wanted = reading->wanted;
	wanted.after = op->after;
	wanted.on_loop = true;
	pending_free(reading);
	if (err)
		reply_not_gone(req, err);
	else
		read_dir(fs, req, &wanted);
}

static void wait_for_more(struct fs_context *fs, fuse_req_t req,
    const struct wanted *wanted, int64_t after)
{
	struct reading *reading = pending_new(sizeof(*reading), req, on_more);
	if (!reading)
		return;
	reading->wanted = *wanted;
	struct sync_op *op = &reading->pending.op;
	op->dir = wanted->dir->id;
	op->open_dir = wanted->dir->open;
	op->after = after;
	sync_dir_wait(fs->sync, op);
}

/* One who goes on beyond the first reply is likely to go on further. */
static void reply_with(struct fs_context *fs, fuse_req_t req,
    const struct wanted *wanted, const struct dir_reply *reply)
{
	struct dir *dir = wanted->dir;
	bool goes_on = dir_is_listed(dir->id) && wanted->after > dir->open.base;
	if (goes_on)
		sync_dir_reading(fs->sync, dir->id, &dir->open, wanted->after);
	if (goes_on && wanted->plus && !wanted->on_loop)
		dir_ahead_reply(fs, req, dir, reply);
	else
		fuse_reply_buf(req, reply->data, reply->used);
}

static void make_and_reply(struct fs_context *fs, fuse_req_t req,
    const struct wanted *wanted, struct dir_reply *reply)
{
	struct dir *dir = wanted->dir;
	struct dir_how how = {.plus = wanted->plus};
	int64_t wait_after;
	uint64_t ticket = notifier_ticket(fs->notifier, dir->id);
	if (how.plus)
		how.name_valid_s = notifier_tell_many(fs->notifier, &dir->told,
		    dir->id, ticket, dir_names_valid_ms(fs, dir));
	int r = dir_fill(fs, dir, wanted->after, &how, reply, &wait_after);
	if (r < 0)
		notifier_untell(fs->notifier, &dir->told);
	if (r == -EAGAIN)
		wait_for_more(fs, req, wanted, wait_after);
	else if (r < 0)
		reply_not_gone(req, r);
	else
		reply_with(fs, req, wanted, reply);
}

static void read_dir(
    struct fs_context *fs, fuse_req_t req, const struct wanted *wanted)
{
	struct dir_reply reply;
	notifier_taken_in(fs->notifier, &wanted->dir->told);
	if (wanted->plus && dir_ahead_take(fs, wanted->dir, wanted->size,
				wanted->after, &reply)) {
		reply_with(fs, req, wanted, &reply);
	} else if (dir_reply_init(&reply, wanted->size) < 0) {
		reply_error(req, -ENOMEM);
		return;
	} else {
		make_and_reply(fs, req, wanted, &reply);
	}
	free(reply.data);
}

void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
    struct fuse_file_info *fi)
{
	(void)ino;
	read_dir(context_of(req), req,
	    &(struct wanted){.dir = dir_of(fi), .size = size, .after = off});
}

void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
    struct fuse_file_info *fi)
{
	(void)ino;
	read_dir(context_of(req), req,
	    &(struct wanted){
		.dir = dir_of(fi), .size = size, .after = off, .plus = true});
}
