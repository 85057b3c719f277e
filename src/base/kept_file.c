#include "base/kept_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/disk.h"
#include "base/own_dir.h"

struct kept_file {
	char *dir;
	char *path;
	char *lock_path;
	int lock_fd; /* -1: not held */
};

int kept_file_new(
    const char *dir, const char *name, struct kept_file **ret_file)
{
	struct kept_file *file = calloc(1, sizeof(*file));
	if (!file)
		return -ENOMEM;
	file->lock_fd = -1;
	file->dir = strdup(dir);
	if (asprintf(&file->path, "%s/%s", dir, name) < 0)
		file->path = NULL;
	if (asprintf(&file->lock_path, "%s/%s.lock", dir, name) < 0)
		file->lock_path = NULL;
	if (!file->dir || !file->path || !file->lock_path) {
		kept_file_free(file);
		return -ENOMEM;
	}
	*ret_file = file;
	return 0;
}

void kept_file_free(struct kept_file *file)
{
	if (!file)
		return;
	kept_file_unlock(file);
	free(file->dir);
	free(file->path);
	free(file->lock_path);
	free(file);
}

const char *kept_file_path(const struct kept_file *file)
{
	return file->path;
}

int kept_file_lock(struct kept_file *file, bool wait)
{
	int r = own_file_check(file->lock_path);
	if (r < 0)
		return r;
	CLEANUP_CLOSE int fd = open(
	    file->lock_path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	while (flock(fd, LOCK_EX | (wait ? 0 : LOCK_NB)) < 0) {
		if (errno != EINTR)
			return errno == EWOULDBLOCK ? -EAGAIN : -errno;
	}
	file->lock_fd = fd;
	fd = -1;
	return 0;
}

void kept_file_unlock(struct kept_file *file)
{
	if (file->lock_fd >= 0)
		close(file->lock_fd);
	file->lock_fd = -1;
}

int kept_file_read(const struct kept_file *file, struct buf *text)
{
	char piece[1024];
	ssize_t got;
	int r = own_file_check(file->path);
	if (r < 0)
		return r;
	CLEANUP_CLOSE int fd =
	    open(file->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	do {
		got = read(fd, piece, sizeof(piece));
		r = got < 0 ? -errno : buf_add(text, piece, (size_t)got);
	} while (r == 0 && got > 0);
	explicit_bzero(piece, sizeof(piece));
	return r;
}

static int write_all(int fd, const struct buf *text)
{
	if (write(fd, buf_str(text), text->len) != (ssize_t)text->len)
		return -EIO;
	return fsync(fd) < 0 ? -errno : 0;
}

int kept_file_write(const struct kept_file *file, const struct buf *text)
{
	CLEANUP_FREE char *name = NULL;
	if (asprintf(&name, "%s.XXXXXX", file->path) < 0)
		return -ENOMEM;
	CLEANUP_CLOSE int fd = mkostemp(name, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int r = write_all(fd, text);
	if (r == 0 && rename(name, file->path) < 0)
		r = -errno;
	if (r < 0)
		unlink(name);
	if (r == 0)
		disk_sync_dir(file->dir);
	return r;
}

int kept_file_remove(const struct kept_file *file)
{
	if (unlink(file->path) < 0)
		return errno == ENOENT ? 0 : -errno;
	disk_sync_dir(file->dir);
	return 0;
}
