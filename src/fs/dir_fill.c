#include "fs/dir_fill.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include "fs/control.h"
#include "fs/lookups.h"
#include "fs/ndjsons.h"
#include "fs/op_tables.h"

/* Positions of what stands in front of the entries. */
enum { POS_DOT = 1, POS_DOTDOT = 2, POS_FILES = 3, POS_STORAGE = 4 };

bool dir_is_listed(int64_t id)
{
	return id != NODE_ROOT && id != NODE_CONTROL && id != NODE_TABLES;
}

bool dir_has_tables(int64_t id)
{
	return id == NODE_ROOT || id == NODE_TABLES;
}

int64_t dir_names_valid_ms(struct fs_context *fs, const struct dir *dir)
{
	return sync_valid_ms(fs->sync,
	    dir_is_listed(dir->id) ? dir->open.since : sync_now(fs->sync));
}

/* libfuse wants one, and does not look at it. */
#define NO_REQUEST NULL

/* A reply being filled. */
struct filling {
	struct fs_context *fs;
	bool plus;
	double name_valid_s;
	struct dir_reply *reply;
};

/* Add an entry: 0, or 1 when it does not fit. known: its attributes may be
 * told; else the kernel shall look it up when it wants them. */
static int add(struct filling *f, const char *name, const struct stat *attr,
    bool known, int64_t pos)
{
	struct dir_reply *reply = f->reply;
	size_t room = reply->size - reply->used, need;
	char *at = reply->data + reply->used;
	if (f->plus) {
		struct fuse_entry_param entry = {
		    .ino = known ? attr->st_ino : 0,
		    .generation =
			attr_generation(&f->fs->attrs, (int64_t)attr->st_ino),
		    .attr = *attr,
		    .attr_timeout = FOREVER_S,
		    .entry_timeout = f->name_valid_s,
		};
		need = fuse_add_direntry_plus(
		    NO_REQUEST, at, room, name, &entry, pos);
	} else {
		need = fuse_add_direntry(NO_REQUEST, at, room, name, attr, pos);
	}
	if (need > room)
		return 1;
	reply->used += need;
	reply->last = pos;
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
	if (f->reply->used)
		return 0;
	if (end == 1)
		return sync_dir_is_whole(sync, dir->id, &dir->open);
	if (end < 0)
		return end;
	*ret_after = frontier - 1 > after ? frontier - 1 : after;
	return -EAGAIN;
}

int dir_fill(struct fs_context *fs, const struct dir *dir, int64_t after,
    const struct dir_how *how, struct dir_reply *reply, int64_t *ret_after)
{
	struct filling f = {fs, how->plus, how->name_valid_s, reply};
	*ret_after = after;
	if (add_dots(&f, dir->id, after))
		return 0;
	if (dir->id == NODE_ROOT)
		return fill_root(&f, after);
	if (dir->id == NODE_CONTROL)
		return fill_control(&f, after);
	if (dir->id == NODE_TABLES)
		return fill_tables(&f, after);
	return fill_listed(&f, dir, after, ret_after);
}
