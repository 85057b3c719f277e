#include "content/segments.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "content/segment.h"
#include "replica/replica.h"

/* Directories that the files are spread over, as segment_path does it. */
#define PARTS 256

/* A walk chooses so many files to remove, at most. */
#define VICTIMS 8192

struct segments {
	struct replica *replica;
	int dir;
	unsigned counted;     /* parts */
	int64_t bytes;	      /* the parts' directories included */
	int64_t parts[PARTS]; /* what each directory itself takes up */
	uint64_t removed;
};

/* ---- walking ---- */

struct file {
	int64_t used_ns;
	int64_t bytes;
	int64_t node;
	unsigned part;
	char name[SEGMENT_PATH];
};

static DIR *open_dir_at(int dir, const char *name)
{
	int fd =
	    openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	if (!stream && fd >= 0)
		close(fd);
	return stream;
}

static void part_name(unsigned part, char out[3])
{
	snprintf(out, 3, "%02x", part & 0xff);
}

/* A part's directory may have come, grown or gone. */
static void measure_part(struct segments *segments, unsigned part)
{
	struct stat st;
	char name[3];
	part_name(part, name);
	int64_t bytes =
	    fstatat(segments->dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0
		? (int64_t)st.st_blocks * 512
		: 0;
	segments->bytes += bytes - segments->parts[part];
	segments->parts[part] = bytes;
}

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Call fn with each file of a part. */
static void walk_part(struct segments *segments, unsigned part,
    void (*fn)(void *ctx, const struct file *file), void *ctx)
{
	char name[3];
	struct dirent *entry;
	part_name(part, name);
	measure_part(segments, part);
	DIR *stream = open_dir_at(segments->dir, name);
	while (stream && (entry = readdir(stream))) {
		struct stat st;
		struct file file = {
		    .part = part, .node = segment_node(entry->d_name)};
		if (file.node < 0 || strlen(entry->d_name) >= SEGMENT_PATH ||
		    fstatat(dirfd(stream), entry->d_name, &st,
			AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		strcpy(file.name, entry->d_name);
		file.bytes = (int64_t)st.st_blocks * 512;
		file.used_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 +
			       st.st_mtim.tv_nsec;
		fn(ctx, &file);
	}
	if (stream)
		closedir(stream);
}

static void add_bytes(void *ctx, const struct file *file)
{
	struct segments *segments = ctx;
	segments->bytes += file->bytes;
}

bool segments_count_some(struct segments *segments)
{
	if (segments->counted < PARTS)
		walk_part(segments, segments->counted++, add_bytes, segments);
	return segments->counted == PARTS;
}

int64_t segments_bytes(const struct segments *segments)
{
	return segments->bytes;
}

uint64_t segments_removed(const struct segments *segments)
{
	return segments->removed;
}

void segments_added(struct segments *segments, int64_t node, int64_t bytes)
{
	unsigned part = (unsigned)(node & 0xff);
	/* Otherwise the walk will find it. */
	if (part < segments->counted) {
		segments->bytes += bytes;
		measure_part(segments, part);
	}
}

/* ---- removing ---- */

/* The longest unused files that a walk has met so far. */
struct victims {
	struct segments *segments;
	size_t count;
	struct file *files; /* room for twice VICTIMS */
};

static int by_use(const void *a, const void *b)
{
	int64_t x = ((const struct file *)a)->used_ns;
	int64_t y = ((const struct file *)b)->used_ns;
	return (x > y) - (x < y);
}

/* What becomes of a file where room is needed. */
enum fate { STAYS, GOES_BY_USE, GOES_FIRST };

static enum fate fate_of(struct segments *segments, int64_t id)
{
	struct node node;
	int r = replica_get(segments->replica, id, &node);
	if (r == -ENOENT || (r == 0 && node.spoiled))
		return GOES_FIRST;
	/* Only the current version is worth it. */
	return r == 0 && node.pinned && node.live ? STAYS : GOES_BY_USE;
}

static void consider(void *ctx, const struct file *file)
{
	struct victims *victims = ctx;
	enum fate fate = fate_of(victims->segments, file->node);
	victims->segments->bytes += file->bytes;
	if (fate == STAYS)
		return;
	struct file *copy = &victims->files[victims->count++];
	*copy = *file;
	if (fate == GOES_FIRST)
		copy->used_ns = 0;
	if (victims->count < 2 * (size_t)VICTIMS)
		return;
	qsort(victims->files, victims->count, sizeof(*copy), by_use);
	victims->count = VICTIMS;
}

/* 0, or -errno when it is still there. */
static int remove_file(struct segments *segments, const struct file *file)
{
	char path[SEGMENT_PATH + 3], part[3];
	snprintf(path, sizeof(path), "%02x/%s", file->part & 0xff, file->name);
	if (unlinkat(segments->dir, path, 0) == 0)
		segments->removed++;
	else if (errno != ENOENT)
		return -errno;
	segments->bytes -= file->bytes;
	part_name(file->part, part);
	/* Refused while there are others. */
	if (unlinkat(segments->dir, part, AT_REMOVEDIR) == 0)
		measure_part(segments, file->part);
	return 0;
}

/* Remove the oldest of them, as many as needed; how many files that was. */
static size_t remove_some(
    struct segments *segments, struct victims *victims, int64_t bytes)
{
	size_t removed = 0;
	qsort(victims->files, victims->count, sizeof(*victims->files), by_use);
	if (victims->count > VICTIMS)
		victims->count = VICTIMS;
	for (size_t i = 0; i < victims->count && segments->bytes > bytes; i++)
		removed += remove_file(segments, &victims->files[i]) == 0;
	return removed;
}

void segments_shrink(struct segments *segments, int64_t bytes)
{
	struct victims victims = {.segments = segments};
	if (segments->bytes <= bytes || segments->bytes == 0)
		return;
	victims.files = calloc(2 * (size_t)VICTIMS, sizeof(*victims.files));
	if (!victims.files)
		return;
	do {
		/* The sum may have strayed from the truth: count anew. */
		segments->bytes = 0;
		memset(segments->parts, 0, sizeof(segments->parts));
		segments->counted = PARTS;
		victims.count = 0;
		for (unsigned part = 0; part < PARTS; part++)
			walk_part(segments, part, consider, &victims);
	} while (remove_some(segments, &victims, bytes) > 0 &&
		 segments->bytes > bytes);
	free(victims.files);
}

/* ---- opening ---- */

static void remove_tree(int parent, const char *name)
{
	struct dirent *entry;
	DIR *stream = open_dir_at(parent, name);
	while (stream && (entry = readdir(stream))) {
		if (is_dots(entry->d_name))
			continue;
		if (unlinkat(dirfd(stream), entry->d_name, 0) < 0)
			remove_tree(dirfd(stream), entry->d_name);
	}
	if (stream)
		closedir(stream);
	unlinkat(parent, name, AT_REMOVEDIR);
}

/* Contents of a replica that is no more mean nothing. */
static void remove_others(int parent, const char *own)
{
	struct dirent *entry;
	DIR *stream = open_dir_at(parent, ".");
	while (stream && (entry = readdir(stream))) {
		if (!is_dots(entry->d_name) && strcmp(entry->d_name, own) != 0)
			remove_tree(parent, entry->d_name);
	}
	if (stream)
		closedir(stream);
}

/* Where a replica's lie, and in what there: ret_parent is the caller's. */
static int name_places(struct replica *replica, char **ret_parent, char own[32])
{
	const char *database = replica_path(replica);
	size_t stem = strlen(database) - strlen(".db");
	if (asprintf(ret_parent, "%.*s.content", (int)stem, database) < 0)
		return -ENOMEM;
	snprintf(
	    own, 32, "%" PRIx64 "-%d", replica_made_ms(replica), SEGMENT_FORM);
	return 0;
}

int segments_look(struct replica *replica)
{
	char own[32];
	CLEANUP_FREE char *path = NULL;
	int r = name_places(replica, &path, own);
	if (r < 0)
		return r;
	CLEANUP_CLOSE int parent =
	    open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int dir = parent < 0
		      ? -1
		      : openat(parent, own,
			    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return dir < 0 ? -errno : dir;
}

int segments_open(struct replica *replica, struct segments **ret_segments)
{
	char own[32];
	CLEANUP_FREE char *path = NULL;
	int err = name_places(replica, &path, own);
	if (err < 0)
		return err;
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return -errno;
	CLEANUP_CLOSE int parent =
	    open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (parent < 0 || (mkdirat(parent, own, 0700) < 0 && errno != EEXIST))
		return -errno;
	remove_others(parent, own);
	struct segments *segments = calloc(1, sizeof(*segments));
	if (!segments)
		return -ENOMEM;
	segments->replica = replica;
	segments->dir = openat(
	    parent, own, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (segments->dir < 0) {
		int r = -errno;
		free(segments);
		return r;
	}
	*ret_segments = segments;
	return 0;
}

void segments_close(struct segments *segments)
{
	if (!segments)
		return;
	close(segments->dir);
	free(segments);
}

int segments_dir(const struct segments *segments)
{
	return segments->dir;
}
