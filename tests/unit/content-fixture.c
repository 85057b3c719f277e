#include "content-fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "remove-tree.h"
#include "unit.h"

#include "base/log.h"
#include "base/timestamp.h"

struct content *content;
struct replica *replica;
char cache_dir[64];
_Atomic int64_t clock_ahead_ms;

static int64_t limit_now;
static int objects_made;

/* ---- the clock ---- */

int64_t __real_timestamp_mono_ms(void);
int64_t __wrap_timestamp_mono_ms(void);

int64_t __wrap_timestamp_mono_ms(void)
{
	return __real_timestamp_mono_ms() + clock_ahead_ms;
}

/* ---- life ---- */

int fixture_setup(void **state)
{
	(void)state;
	log_set_level(LOG_LEVEL_ERROR);
	clock_ahead_ms = 0;
	objects_made = 0;
	strcpy(cache_dir, "/tmp/test-content-XXXXXX");
	if (!mkdtemp(cache_dir))
		return -1;
	assert_int_equal(
	    replica_open(cache_dir, "project", false, &replica), 0);
	cache_open(AMPLE);
	return 0;
}

int fixture_teardown(void **state)
{
	(void)state;
	cache_close();
	replica_close(replica);
	replica = NULL;
	return remove_tree(cache_dir);
}

void cache_open(int64_t limit)
{
	limit_now = limit;
	assert_int_equal(content_open(replica, limit, &content), 0);
}

void cache_close(void)
{
	content_close(content);
	content = NULL;
}

void settle(void)
{
	cache_close();
	cache_open(limit_now);
}

int64_t put_objects(int count, int64_t size)
{
	int64_t first = 0;
	assert_int_equal(replica_begin(replica), 0);
	for (int i = 0; i < count; i++) {
		char name[32];
		struct node node;
		bool again;
		snprintf(name, sizeof(name), "f%06d", objects_made++);
		struct replica_row row = {
		    .dir = NODE_STORAGE,
		    .kind = NODE_KIND_OBJECT,
		    .key = name,
		    .key_len = strlen(name),
		    .name = name,
		    .mtime_ms = 1000,
		    .size = size,
		    .other_size = size,
		};
		const struct replica_place nowhere = {0};
		assert_int_equal(
		    replica_put(replica, &row, &nowhere, &node, &again), 0);
		first = first ? first : node.id;
	}
	assert_int_equal(replica_commit(replica), 0);
	return first;
}

/* ---- objects ---- */

char *object_bytes(int64_t node, int64_t first, int64_t len)
{
	char *data = malloc((size_t)len + 1);
	assert_non_null(data);
	for (int64_t i = 0; i < len; i++) {
		int64_t pos = first + i;
		data[i] = (char)(node * 31 + pos * 7 + (pos >> 8) * 13 +
				 (pos >> 17) * 5);
	}
	return data;
}

/* On a slow disk more may wait than is let wait: the rest would be dropped. */
static void await_room(int64_t len)
{
	const struct timespec nap = {0, 5000000};
	int64_t waits;
	while ((waits = content_backlog(content)) && waits + len > 32 * MIB)
		nanosleep(&nap, NULL);
}

void keep(int64_t node, int64_t size, int64_t first, int64_t len)
{
	struct blob *blob = blob_new((size_t)len, NULL);
	assert_non_null(blob);
	char *data = object_bytes(node, first, len);
	memcpy(blob->data, data, (size_t)len);
	free(data);
	struct node object = proven(node, size);
	await_room(len);
	content_keep(content, &object, first, blob, len);
	blob_unref(blob);
}

void keep_whole(int64_t node, int64_t size)
{
	keep(node, size, 0, size);
}

struct node proven(int64_t node, int64_t size)
{
	return (struct node){
	    .id = node, .kind = NODE_KIND_OBJECT, .size = size, .proven = true};
}

int try_read(int64_t node, int64_t size, int64_t offset, int64_t len)
{
	struct node object = proven(node, size);
	/* Exactly so long, so that writing past it is noticed. */
	char *out = malloc(len ? (size_t)len : 1);
	assert_non_null(out);
	int r = content_read(content, &object, offset, out, (size_t)len);
	if (r == 0) {
		char *expected = object_bytes(node, offset, len);
		assert_memory_equal(out, expected, (size_t)len);
		free(expected);
	}
	free(out);
	return r;
}

void assert_kept_at(int64_t node, int64_t size, int64_t offset, int64_t len,
    const char *file, int line)
{
	_assert_int_equal(
	    (uintmax_t)(intmax_t)try_read(node, size, offset, len), 0, file,
	    line);
}

void assert_absent_at(int64_t node, int64_t size, int64_t offset, int64_t len,
    const char *file, int line)
{
	_assert_int_equal(
	    (uintmax_t)(intmax_t)try_read(node, size, offset, len),
	    (uintmax_t)(intmax_t)-ENODATA, file, line);
}

void await_kept(int64_t node, int64_t size)
{
	const struct timespec nap = {0, 5000000};
	for (int i = 0; i < 4000 && (content_backlog(content) ||
					!content_has(content, node, size));
	     i++)
		nanosleep(&nap, NULL);
	assert_true(content_has(content, node, size));
	assert_int_equal(content_backlog(content), 0);
}

struct content_totals totals(void)
{
	struct content_totals now;
	content_totals(content, &now);
	return now;
}

/* ---- the disk ---- */

void content_path(const char *below, char out[256])
{
	char pattern[256];
	glob_t found;
	snprintf(
	    pattern, sizeof(pattern), "%s/*.content/*%s", cache_dir, below);
	assert_int_equal(glob(pattern, 0, NULL, &found), 0);
	assert_int_equal(found.gl_pathc, 1);
	snprintf(out, 256, "%s", found.gl_pathv[0]);
	globfree(&found);
}

void segment_file(int64_t node, int64_t segment, char out[256])
{
	struct segment_key key = {0, node, segment};
	char path[SEGMENT_PATH], below[SEGMENT_PATH + 1];
	segment_path(&key, path);
	snprintf(below, sizeof(below), "/%s", path);
	content_path(below, out);
}

static int64_t used;

static int add_usage(
    const char *path, const struct stat *info, int flag, struct FTW *ftw)
{
	(void)path;
	(void)ftw;
	/* What went away meanwhile takes up nothing. */
	if (flag != FTW_NS)
		used += (int64_t)info->st_blocks * 512;
	return 0;
}

int64_t disk_usage(const char *path)
{
	used = 0;
	nftw(path, add_usage, 16, FTW_PHYS);
	return used;
}

void flip(const char *path, int64_t offset)
{
	char byte;
	int fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, offset), 1);
	byte = (char)(byte ^ 0x40);
	assert_int_equal(pwrite(fd, &byte, 1, offset), 1);
	close(fd);
}
