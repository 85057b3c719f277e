#include "command/fingerprint.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/hash.h"

/* Two changes within so long may bear one time: some filesystems count in
 * twos of seconds. */
#define TICK_S 2

/* Deeper directories are in no backup: an exported file's name has a directory
 * for each of its slashes, and an emulator follows fewer of them. */
#define DEPTH_MAX 64

/* The sum over all entries, so that their order does not matter. */
struct sum {
	uint64_t low, high;
	uint64_t count;
	time_t begun;
	bool recent; /* something changed just before or since */
};

static void close_stream(DIR **stream)
{
	if (*stream)
		closedir(*stream);
}

/* Every bit of the hash depends on each of the other one's. */
static uint64_t mix(uint64_t hash)
{
	hash ^= hash >> 33;
	hash *= UINT64_C(0xff51afd7ed558ccd);
	hash ^= hash >> 33;
	hash *= UINT64_C(0xc4ceb9fe1a85ec53);
	return hash ^ hash >> 33;
}

static void add(struct sum *sum, const char *dir, const char *name,
    const struct stat *st, int err)
{
	const int64_t facts[] = {
	    (int64_t)st->st_size,
	    (int64_t)st->st_mtim.tv_sec,
	    (int64_t)st->st_mtim.tv_nsec,
	    (int64_t)st->st_ctim.tv_sec,
	    (int64_t)st->st_ctim.tv_nsec,
	    (int64_t)st->st_mode,
	    (int64_t)err,
	};
	uint64_t hash = hash_fnv1a(HASH_FNV1A_INIT, dir, strlen(dir) + 1);
	hash = hash_fnv1a(hash, name, strlen(name) + 1);
	hash = hash_fnv1a(hash, (const char *)facts, sizeof(facts));
	sum->low += mix(hash);
	sum->high += mix(hash ^ UINT64_C(0x9e3779b97f4a7c15));
	sum->count++;
	/* A clock that was wrong may have left times to come. */
	if (st->st_ctim.tv_sec > sum->begun - TICK_S &&
	    st->st_ctim.tv_sec <= time(NULL) + TICK_S)
		sum->recent = true;
}

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* way is how dir is called from the top: "" for the top itself. */
static int add_all(struct sum *sum, int parent, const char *name,
    const char *way, unsigned depth);

/* What is in a directory in dir: 0, or an errno. */
static int add_deeper(
    struct sum *sum, int fd, const char *way, const char *name, unsigned depth)
{
	CLEANUP_FREE char *deeper = NULL;
	if (asprintf(&deeper, "%s%s%s", way, *way ? "/" : "", name) < 0) {
		deeper = NULL;
		return ENOMEM;
	}
	return -add_all(sum, fd, name, deeper, depth + 1);
}

static int add_entry(
    struct sum *sum, int fd, const char *way, const char *name, unsigned depth)
{
	struct stat st = {0};
	int err = fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ? errno : 0;
	if (!err && depth < DEPTH_MAX && S_ISDIR(st.st_mode))
		err = add_deeper(sum, fd, way, name, depth);
	if (err == ENOMEM)
		return -ENOMEM;
	/* What cannot be read is another matter once it can. */
	add(sum, way, name, &st, err);
	return 0;
}

/* parent/name and what is in it. */
static int add_all(struct sum *sum, int parent, const char *name,
    const char *way, unsigned depth)
{
	int fd = openat(parent, name,
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC | (depth > 0 ? O_NOFOLLOW : 0));
	CLEANUP(close_stream) DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	if (!stream) {
		int err = errno;
		if (fd >= 0)
			close(fd);
		return -err;
	}
	int r = 0;
	while (r == 0) {
		errno = 0;
		const struct dirent *entry = readdir(stream);
		if (!entry)
			return -errno;
		if (!is_dots(entry->d_name))
			r = add_entry(sum, fd, way, entry->d_name, depth);
	}
	return r;
}

int fingerprint_of(const char *dir, char **ret_text)
{
	struct sum sum = {.begun = time(NULL)};
	int r = add_all(&sum, AT_FDCWD, dir, "", 0);
	if (r < 0)
		return r;
	*ret_text = NULL;
	if (sum.recent)
		return 0;
	return asprintf(ret_text, "%016" PRIx64 "%016" PRIx64 "-%" PRIu64,
		   sum.low, sum.high, sum.count) < 0
		   ? -ENOMEM
		   : 0;
}
