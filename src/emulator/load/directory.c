#include "emulator/load/directory.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "emulator/load/backup.h"

static int fail(const char *path, int error)
{
	log_error("%s: %s", path, strerror(error));
	return -error;
}

static void close_directory(DIR **directory)
{
	if (*directory)
		closedir(*directory);
}

/* path/name into a string of its own. */
static char *join(const char *path, const char *name)
{
	char *joined;
	return asprintf(&joined, "%s/%s", path, name) < 0 ? NULL : joined;
}

static int load_files(struct backup *backup, const char *path, const char *dir);

/* One entry of a directory; dir is "" in the root. */
static int load_entry(
    struct backup *backup, const char *path, const char *dir, const char *name)
{
	CLEANUP_FREE char *full = join(path, name);
	struct stat st;
	if (!full)
		return -ENOMEM;
	if (lstat(full, &st) < 0)
		return fail(full, errno);
	/* It might lead to any file that we may read, and others may not. */
	if (S_ISLNK(st.st_mode)) {
		log_warn("%s: a symbolic link, not followed, not served", full);
		return 0;
	}
	if (S_ISDIR(st.st_mode) && !*dir) {
		int r = backup_add_directory(backup, name);
		return r > 0 ? load_files(backup, full, name) : r;
	}
	if (!S_ISREG(st.st_mode)) {
		log_warn("%s: not a file, not served", full);
		return 0;
	}
	int64_t mtime_ms =
	    (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
	struct place place = {.path = TAKE(full), .len = (uint64_t)st.st_size};
	return backup_add_file(backup, dir, name, place, mtime_ms);
}

static int load_files(struct backup *backup, const char *path, const char *dir)
{
	CLEANUP(close_directory) DIR *directory = opendir(path);
	if (!directory)
		return fail(path, errno);
	for (;;) {
		errno = 0;
		const struct dirent *entry = readdir(directory);
		if (!entry)
			return errno ? fail(path, errno) : 0;
		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		int r = load_entry(backup, path, dir, entry->d_name);
		if (r < 0)
			return r;
	}
}

int directory_load(struct store *store, const char *path)
{
	struct backup *backup;
	CLEANUP_FREE char *real = realpath(path, NULL);
	if (!real)
		return fail(path, errno);
	int r = backup_new(store, &backup);
	if (r < 0)
		return r;
	r = load_files(backup, real, "");
	if (r == 0)
		r = backup_finish(backup);
	if (r < 0)
		log_error("%s: cannot be served", path);
	backup_free(backup);
	return r;
}
