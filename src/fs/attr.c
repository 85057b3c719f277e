#include "fs/attr.h"

#include "fs/control.h"

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

/* All dates are one, as far as nobody knows better. */
static void fill(const struct attrs *attrs, int64_t id, mode_t mode,
    int64_t size, int64_t mtime_ms, struct stat *out)
{
	*out = (struct stat){
	    .st_ino = (ino_t)id,
	    .st_mode = mode,
	    .st_nlink = S_ISDIR(mode) ? 2 : 1,
	    .st_uid = attrs->uid,
	    .st_gid = attrs->gid,
	    .st_size = size,
	    .st_blksize = 128 << 10,
	    .st_blocks = (size + 511) / 512,
	    .st_mtim = timespec_of(mtime_ms),
	};
	out->st_ctim = out->st_atim = out->st_mtim;
}

bool attr_is_text(const struct node *node)
{
	return node->kind == NODE_KIND_RECORD || node->kind == NODE_KIND_SPEC;
}

/*
 * A file's status changed when the mount came to show it so, which may be later
 * than its own date says: what was dated before a backup began, and shown only
 * after, is new to the next one. Programs that save what has changed since then
 * (tar --listed-incremental, find -newerct) go by that.
 *
 * A directory's date is that of its row and never moves. The time of the last
 * known change cannot be had: rsync asks for a directory's date before it reads
 * the directory, so before the listing is checked. The copy that brings a
 * change would have the date from before, and the one after it, with nothing
 * changed any more, would have to mend it. To check at stat already would be a
 * request a table for each look at the root.
 */
void attr_of_node(
    const struct attrs *attrs, const struct node *node, struct stat *out)
{
	bool dir = node->kind == NODE_KIND_DIR || node->kind == NODE_KIND_TABLE;
	int64_t size = node->size;
	if (attr_is_text(node) && !attrs->raw)
		size = node->other_size;
	if (dir || size < 0)
		size = 0;
	fill(attrs, node->id, dir ? S_IFDIR | 0555 : S_IFREG | 0444, size,
	    node->mtime_ms, out);
	if (!dir && node->taken_ms)
		out->st_ctim = timespec_of(node->taken_ms);
}

bool attr_of_fixed(const struct attrs *attrs, int64_t id, struct stat *out)
{
	if (id < NODE_ROOT || id > NODE_TABLES)
		return false;
	fill(attrs, id, S_IFDIR | 0555, 0, attrs->made_ms, out);
	return true;
}

void attr_of_snapshot(const struct attrs *attrs, int64_t id, int64_t size,
    int64_t made_ms, struct stat *out)
{
	fill(attrs, id, S_IFREG | 0444, size, made_ms, out);
}

uint64_t attr_generation(const struct attrs *attrs, int64_t id)
{
	int64_t ms = id < CONTROL_FIRST ? attrs->made_ms : attrs->started_ms;
	/* The kernel knows the root's without being told: 0. */
	return id == NODE_ROOT ? 0 : (uint32_t)(ms ^ ms >> 32);
}
