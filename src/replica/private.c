#include "replica/private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/cleanup.h"

#define PREFIX "private-"
#define PREFIX_SHARED "bkendfs-copy-"
#define LOCK "lock"

/* So often others may take a new directory for an old one. */
#define TRIES_MAX 100

static void close_stream(DIR **stream)
{
	if (*stream)
		closedir(*stream);
}

static int open_dir(int parent, const char *path)
{
	return openat(
	    parent, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Open a directory's lock file and lock it: the descriptor, or -errno; -ESTALE:
 * somebody else has it, or has had it and removed it. */
static int lock_in(int dir, int flags)
{
	struct stat st;
	CLEANUP_CLOSE int fd =
	    openat(dir, LOCK, O_RDWR | O_NOFOLLOW | O_CLOEXEC | flags, 0600);
	if (fd < 0)
		return errno == EEXIST ? -ESTALE : -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -ESTALE : -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_nlink == 0)
		return -ESTALE;
	int locked = fd;
	fd = -1;
	return locked;
}

static int lock_new(const char *path)
{
	CLEANUP_CLOSE int dir = open_dir(AT_FDCWD, path);
	if (dir < 0)
		return errno == ENOENT ? -ESTALE : -errno;
	int fd = lock_in(dir, O_CREAT | O_EXCL);
	return fd == -ENOENT ? -ESTALE : fd;
}

static int make(
    const char *dir, const char *prefix, char **ret_path, int *ret_lock)
{
	for (int i = 0; i < TRIES_MAX; i++) {
		CLEANUP_FREE char *path = NULL;
		if (asprintf(&path, "%s/%sXXXXXX", dir, prefix) < 0)
			return -ENOMEM;
		if (!mkdtemp(path))
			return -errno;
		int fd = lock_new(path);
		if (fd >= 0) {
			*ret_lock = fd;
			*ret_path = TAKE(path);
			return 0;
		}
		if (fd != -ESTALE) {
			private_remove(path);
			return fd;
		}
	}
	return -EBUSY;
}

int private_make(const char *dir, char **ret_path, int *ret_lock)
{
	return make(dir, PREFIX, ret_path, ret_lock);
}

int private_make_shared(const char *dir, char **ret_path, int *ret_lock)
{
	return make(dir, PREFIX_SHARED, ret_path, ret_lock);
}

static void remove_at(int parent, const char *name)
{
	struct dirent *entry;
	int fd = open_dir(parent, name);
	CLEANUP(close_stream) DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	if (!stream && fd >= 0)
		close(fd);
	while (stream && (entry = readdir(stream)))
		unlinkat(fd, entry->d_name, 0);
	unlinkat(parent, name, AT_REMOVEDIR);
}

void private_remove(const char *path)
{
	remove_at(AT_FDCWD, path);
}

/* Version 0.1.0 locked nothing but its database, as SQLite does. */
static bool is_in_use(int dir)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	CLEANUP_CLOSE int fd =
	    openat(dir, "replica.db-shm", O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	return fd >= 0 && fcntl(fd, F_OFD_GETLK, &lock) == 0 &&
	       lock.l_type != F_UNLCK;
}

/* The lock of one that nobody holds, or -errno. */
static int take_over(int parent, const char *name)
{
	CLEANUP_CLOSE int dir = open_dir(parent, name);
	if (dir < 0)
		return -1;
	int fd = lock_in(dir, 0);
	if (fd == -ENOENT && !is_in_use(dir))
		fd = lock_in(dir, O_CREAT | O_EXCL);
	return fd;
}

/* The same of one that no other program has made, nor another user. */
static int take_over_shared(int parent, const char *name)
{
	struct stat st;
	CLEANUP_CLOSE int dir = open_dir(parent, name);
	if (dir < 0 || fstat(dir, &st) < 0 || st.st_uid != geteuid())
		return -1;
	return lock_in(dir, 0);
}

static void sweep(const char *dir, const char *prefix,
    int (*take)(int parent, const char *name))
{
	struct dirent *entry;
	CLEANUP(close_stream) DIR *stream = opendir(dir);
	while (stream && (entry = readdir(stream))) {
		if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0)
			continue;
		CLEANUP_CLOSE int lock = take(dirfd(stream), entry->d_name);
		if (lock >= 0)
			remove_at(dirfd(stream), entry->d_name);
	}
}

void private_sweep(const char *dir)
{
	sweep(dir, PREFIX, take_over);
}

void private_sweep_shared(const char *dir)
{
	sweep(dir, PREFIX_SHARED, take_over_shared);
}
