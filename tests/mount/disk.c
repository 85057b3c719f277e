/*
 * A disk that remembers what is done to it, and that can fail: preloaded.
 *
 * DISK_ROOT is the directory that counts: what happens below it is written to
 * the file DISK_LOG, for power_cut.py, if that is set, and counted. The writes
 * with numbers DISK_FAIL_FIRST to DISK_FAIL_LAST fail with errno
 * DISK_FAIL_ERRNO; all that changes the disk, and syncing it, is a write. The
 * file DISK_COUNT, if that is set, is told the number of the last one; the file
 * DISK_SYNCERS, the names of the threads that sync, one a line. While the file
 * DISK_SLOW exists, each write takes its time.
 *
 * A log entry: a kind, a path below the root, what the kind has besides (an
 * offset and bytes, a size, another path).
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define SLOW_US 40000

enum kind {
	CREATE = 1,
	WRITE,
	TRUNCATE,
	SYNC,
	UNLINK,
	RENAME,
	MKDIR,
	RMDIR,
};

static struct {
	char root[PATH_MAX];
	size_t root_len; /* 0: nothing counts */
	int log;
	int syncers; /* -1: not asked for */
	int64_t number;
	int64_t first;
	int64_t last;
	int err;
	char *count;
	char *slow;
} disk = {.log = -1, .syncers = -1};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int64_t number_of(const char *name)
{
	const char *value = getenv(name);
	return value ? strtoll(value, NULL, 10) : 0;
}

__attribute__((constructor)) static void begin(void)
{
	const char *root = getenv("DISK_ROOT"), *log = getenv("DISK_LOG");
	const char *count = getenv("DISK_COUNT");
	if (!root)
		return;
	disk.root_len =
	    (size_t)snprintf(disk.root, sizeof(disk.root), "%s", root);
	if (log)
		disk.log =
		    open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	const char *syncers = getenv("DISK_SYNCERS");
	if (syncers)
		disk.syncers = open(
		    syncers, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	disk.first = number_of("DISK_FAIL_FIRST");
	disk.last = number_of("DISK_FAIL_LAST");
	disk.err = (int)number_of("DISK_FAIL_ERRNO");
	disk.count = count ? strdup(count) : NULL;
	const char *slow = getenv("DISK_SLOW");
	disk.slow = slow ? strdup(slow) : NULL;
}

/* What comes after the root; NULL: it lies elsewhere. */
static const char *below(const char *path)
{
	size_t len = disk.root_len;
	if (!len || strncmp(path, disk.root, len) != 0)
		return NULL;
	return path[len] == '/' ? path + len + 1 : path[len] ? NULL : "";
}

static const char *of_fd(int fd, char path[PATH_MAX])
{
	char link[64];
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t n = disk.root_len ? readlink(link, path, PATH_MAX - 1) : -1;
	if (n < 0)
		return NULL;
	path[n] = '\0';
	return strstr(path, " (deleted)") ? NULL : below(path);
}

static const char *at(int dir, const char *name, char path[PATH_MAX])
{
	char parent[PATH_MAX], link[64];
	if (!disk.root_len)
		return NULL;
	if (name[0] == '/' || dir == AT_FDCWD) {
		snprintf(path, PATH_MAX, "%s", name);
		return below(path);
	}
	snprintf(link, sizeof(link), "/proc/self/fd/%d", dir);
	ssize_t n = readlink(link, parent, sizeof(parent) - 1);
	if (n < 0)
		return NULL;
	snprintf(path, PATH_MAX, "%.*s/%s", (int)n, parent, name);
	return below(path);
}

/* Take the lock, and the next number: whether that one fails, errno is set. */
static bool fails(void)
{
	if (disk.slow && access(disk.slow, F_OK) == 0)
		usleep(SLOW_US);
	pthread_mutex_lock(&lock);
	disk.number++;
	if (disk.count) {
		char text[32];
		int len = snprintf(
		    text, sizeof(text), "%lld\n", (long long)disk.number);
		int fd = open(disk.count, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		REAL(pwrite64)(fd, text, (size_t)len, 0);
		close(fd);
	}
	if (disk.number < disk.first || disk.number > disk.last)
		return false;
	pthread_mutex_unlock(&lock);
	errno = disk.err;
	return true;
}

/* Note what was done, and give the lock back. */
static void done(bool good, enum kind kind, const char *path, int64_t number,
    const void *data, size_t len)
{
	int err = errno;
	uint32_t head[2] = {kind, (uint32_t)strlen(path)};
	int64_t tail[2] = {number, (int64_t)len};
	struct iovec iov[] = {
	    {head, sizeof(head)},
	    {(void *)path, head[1]},
	    {tail, sizeof(tail)},
	    {(void *)data, len},
	};
	if (good && disk.log >= 0)
		REAL(writev)(disk.log, iov, 4);
	pthread_mutex_unlock(&lock);
	errno = err;
}

/* ---- contents ---- */

static ssize_t write_at(int fd, const void *data, size_t len, off64_t offset)
{
	return REAL(pwrite64)(fd, data, len, offset);
}

ssize_t pwrite64(int fd, const void *data, size_t len, off64_t offset)
{
	char path[PATH_MAX];
	const char *name = of_fd(fd, path);
	if (!name)
		return write_at(fd, data, len, offset);
	if (fails())
		return -1;
	ssize_t n = write_at(fd, data, len, offset);
	done(n > 0, WRITE, name, offset, data, n > 0 ? (size_t)n : 0);
	return n;
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t offset)
{
	return pwrite64(fd, data, len, offset);
}

ssize_t write(int fd, const void *data, size_t len)
{
	char path[PATH_MAX];
	const char *name = of_fd(fd, path);
	if (!name)
		return REAL(write)(fd, data, len);
	if (fails())
		return -1;
	off_t offset = lseek(fd, 0, SEEK_CUR);
	ssize_t n = REAL(write)(fd, data, len);
	done(n > 0, WRITE, name, offset, data, n > 0 ? (size_t)n : 0);
	return n;
}

int ftruncate64(int fd, off64_t size)
{
	char path[PATH_MAX];
	const char *name = of_fd(fd, path);
	if (!name)
		return REAL(ftruncate64)(fd, size);
	if (fails())
		return -1;
	int r = REAL(ftruncate64)(fd, size);
	done(r == 0, TRUNCATE, name, size, NULL, 0);
	return r;
}

int ftruncate(int fd, off_t size)
{
	return ftruncate64(fd, size);
}

static void note_syncer(void)
{
	char name[18] = "";
	if (disk.syncers < 0 ||
	    pthread_getname_np(pthread_self(), name, 16) != 0)
		return;
	strcat(name, "\n");
	REAL(write)(disk.syncers, name, strlen(name));
}

static int sync_with(int (*real)(int), int fd)
{
	char path[PATH_MAX];
	const char *name = of_fd(fd, path);
	if (!name)
		return real(fd);
	note_syncer();
	if (fails())
		return -1;
	int r = real(fd);
	done(r == 0, SYNC, name, 0, NULL, 0);
	return r;
}

int fsync(int fd)
{
	return sync_with(REAL(fsync), fd);
}

int fdatasync(int fd)
{
	return sync_with(REAL(fdatasync), fd);
}

/* ---- names ---- */

static int open_with(int (*real)(int, const char *, int, ...), int dir,
    const char *name, int flags, mode_t mode)
{
	char path[PATH_MAX];
	const char *place = flags & O_CREAT ? at(dir, name, path) : NULL;
	if (!place || REAL(faccessat)(dir, name, F_OK, 0) == 0)
		return real(dir, name, flags, mode);
	if (fails())
		return -1;
	int fd = real(dir, name, flags, mode);
	done(fd >= 0, CREATE, place, 0, NULL, 0);
	return fd;
}

#define MODE                                                                   \
	({                                                                     \
		va_list args;                                                  \
		va_start(args, flags);                                         \
		mode_t taken =                                                 \
		    flags & O_CREAT ? (mode_t)va_arg(args, unsigned) : 0;      \
		va_end(args);                                                  \
		taken;                                                         \
	})

int openat64(int dir, const char *name, int flags, ...)
{
	return open_with(REAL(openat64), dir, name, flags, MODE);
}

int openat(int dir, const char *name, int flags, ...)
{
	return open_with(REAL(openat64), dir, name, flags, MODE);
}

int open64(const char *name, int flags, ...)
{
	return open_with(REAL(openat64), AT_FDCWD, name, flags, MODE);
}

int open(const char *name, int flags, ...)
{
	return open_with(REAL(openat64), AT_FDCWD, name, flags, MODE);
}

int mkdirat(int dir, const char *name, mode_t mode)
{
	char path[PATH_MAX];
	const char *place = at(dir, name, path);
	if (!place || REAL(faccessat)(dir, name, F_OK, 0) == 0)
		return REAL(mkdirat)(dir, name, mode);
	if (fails())
		return -1;
	int r = REAL(mkdirat)(dir, name, mode);
	done(r == 0, MKDIR, place, 0, NULL, 0);
	return r;
}

int mkdir(const char *name, mode_t mode)
{
	return mkdirat(AT_FDCWD, name, mode);
}

int unlinkat(int dir, const char *name, int flags)
{
	char path[PATH_MAX];
	const char *place = at(dir, name, path);
	if (!place)
		return REAL(unlinkat)(dir, name, flags);
	if (fails())
		return -1;
	int r = REAL(unlinkat)(dir, name, flags);
	done(r == 0, flags & AT_REMOVEDIR ? RMDIR : UNLINK, place, 0, NULL, 0);
	return r;
}

int unlink(const char *name)
{
	return unlinkat(AT_FDCWD, name, 0);
}

int rename(const char *from, const char *to)
{
	char path[PATH_MAX], target[PATH_MAX];
	const char *place = at(AT_FDCWD, from, path);
	const char *end = at(AT_FDCWD, to, target);
	if (!place || !end)
		return REAL(rename)(from, to);
	if (fails())
		return -1;
	int r = REAL(rename)(from, to);
	done(r == 0, RENAME, place, 0, end, strlen(end));
	return r;
}
