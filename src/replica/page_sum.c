#include "replica/page_sum.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/cleanup.h"

/*
 * Bytes that a page ends with: a sum, and what is not used. A database without
 * room for sums has 0 here, which no single flipped bit makes of this: it would
 * turn off all checks.
 */
#define ROOM 12
#define ROOM_BEGIN (PAGE_SUM_PAGE - ROOM)
#define SUM_AT (PAGE_SUM_PAGE - sizeof(XXH64_canonical_t))

/* In the first page: SQLite's file format, 1.3. */
#define HEADER_SIZE 100
#define PAGE_SIZE_AT 16
#define ROOM_AT 20

/*
 * Which format is read, and which is written: programs do not write to a
 * database of a format that they do not know. On the disk there is none like
 * this, since what others write has no sums; SQLite is given the one that is
 * read.
 */
#define WRITTEN_AT 18
#define READ_AT 19
#define OURS_ALONE 3

enum state {
	UNKNOWN,
	WITHOUT, /* it has no room */
	WITH,
	STRANGE, /* nobody has made it so */
};

/* What is kept of a file, behind what SQLite keeps itself. */
struct extra {
	const sqlite3_io_methods *real;
	sqlite3_io_methods methods; /* those, but for reading and writing */
	enum state state;
};

static sqlite3_vfs *real_vfs;
static sqlite3_vfs vfs;

/* Where in the room of an open file the extra begins. */
static size_t extra_at(void)
{
	size_t unit = alignof(max_align_t);
	return ((size_t)real_vfs->szOsFile + unit - 1) / unit * unit;
}

static struct extra *extra_of(sqlite3_file *file)
{
	return (struct extra *)(void *)((char *)file + extra_at());
}

/* What the beginning of the first page tells. */
static enum state state_of(const unsigned char *header)
{
	int page = header[PAGE_SIZE_AT] << 8 | header[PAGE_SIZE_AT + 1];
	if (header[ROOM_AT] == 0)
		return WITHOUT;
	return page == PAGE_SUM_PAGE && header[ROOM_AT] == ROOM ? WITH
								: STRANGE;
}

/* UNKNOWN while the file is empty. */
static enum state find_state(sqlite3_file *file)
{
	struct extra *extra = extra_of(file);
	unsigned char header[HEADER_SIZE];
	if (extra->state == UNKNOWN &&
	    extra->real->xRead(file, header, sizeof(header), 0) == SQLITE_OK)
		extra->state = state_of(header);
	return extra->state;
}

/* A page is right in its own place only. */
static void sum_up(
    const unsigned char *page, sqlite3_int64 offset, XXH64_canonical_t *ret_sum)
{
	XXH64_canonicalFromHash(
	    ret_sum, XXH3_64bits_withSeed(page, SUM_AT, (uint64_t)offset));
}

static void put_sum(unsigned char *page, sqlite3_int64 offset)
{
	if (offset == 0)
		page[WRITTEN_AT] = OURS_ALONE;
	sum_up(page, offset, (XXH64_canonical_t *)(void *)(page + SUM_AT));
}

static bool is_zero(const unsigned char *data, size_t len)
{
	return data[0] == 0 && memcmp(data, data + 1, len - 1) == 0;
}

/*
 * A page that came out of the log by another program's hand has no sum, since
 * SQLite is given all pages without: see on_read. That is believed, but for
 * nothing at all, which is what disks make of pages, and SQLite reads none.
 */
static bool is_right(const unsigned char *page, sqlite3_int64 offset)
{
	XXH64_canonical_t sum;
	if (is_zero(page + ROOM_BEGIN, ROOM))
		return !is_zero(page, PAGE_SUM_PAGE);
	sum_up(page, offset, &sum);
	return memcmp(&sum, page + SUM_AT, sizeof(sum)) == 0;
}

/* SQLite also reads and writes what is less than a page: its header. */
static bool is_page(int len, sqlite3_int64 offset)
{
	return len == PAGE_SUM_PAGE && offset % PAGE_SUM_PAGE == 0;
}

/* The sum stays behind: with what is changed in the page it would be wrong, and
 * go into the log. */
static int on_read(
    sqlite3_file *file, void *data, int len, sqlite3_int64 offset)
{
	unsigned char *page = data;
	int r = extra_of(file)->real->xRead(file, data, len, offset);
	if (r != SQLITE_OK || !is_page(len, offset) ||
	    find_state(file) == WITHOUT)
		return r;
	if (find_state(file) != WITH || !is_right(page, offset))
		return SQLITE_IOERR_DATA;
	memset(page + ROOM_BEGIN, 0, ROOM);
	if (offset == 0)
		page[WRITTEN_AT] = page[READ_AT];
	return SQLITE_OK;
}

static int on_write(
    sqlite3_file *file, const void *data, int len, sqlite3_int64 offset)
{
	struct extra *extra = extra_of(file);
	unsigned char page[PAGE_SUM_PAGE];
	if (!is_page(len, offset))
		return extra->real->xWrite(file, data, len, offset);
	if (offset == 0)
		extra->state = state_of(data);
	if (find_state(file) != WITH)
		return extra->real->xWrite(file, data, len, offset);
	memcpy(page, data, sizeof(page));
	put_sum(page, offset);
	return extra->real->xWrite(file, page, len, offset);
}

static int on_open(sqlite3_vfs *self, const char *path, sqlite3_file *file,
    int flags, int *ret_flags)
{
	(void)self;
	int r = real_vfs->xOpen(real_vfs, path, file, flags, ret_flags);
	if (r != SQLITE_OK || !(flags & SQLITE_OPEN_MAIN_DB))
		return r;
	struct extra *extra = extra_of(file);
	*extra =
	    (struct extra){.real = file->pMethods, .methods = *file->pMethods};
	/* Without the third version's: nothing is mapped, past all checks. */
	extra->methods.iVersion = 2;
	extra->methods.xRead = on_read;
	extra->methods.xWrite = on_write;
	file->pMethods = &extra->methods;
	return SQLITE_OK;
}

static void make_vfs(void)
{
	real_vfs = sqlite3_vfs_find(NULL);
	if (!real_vfs)
		return;
	vfs = *real_vfs;
	vfs.zName = "page-sum";
	vfs.szOsFile = (int)(extra_at() + sizeof(struct extra));
	vfs.xOpen = on_open;
	if (sqlite3_vfs_register(&vfs, 0) != SQLITE_OK)
		real_vfs = NULL;
}

const char *page_sum_vfs(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, make_vfs);
	return real_vfs ? vfs.zName : NULL;
}

#define TEXT_OF(number) #number
#define SET_PAGE_SIZE(number) "PRAGMA page_size = " TEXT_OF(number)

int page_sum_keep(sqlite3 *db)
{
	int room = ROOM;
	int r =
	    sqlite3_exec(db, SET_PAGE_SIZE(PAGE_SUM_PAGE), NULL, NULL, NULL);
	return r != SQLITE_OK ? r
			      : sqlite3_file_control(db, NULL,
				    SQLITE_FCNTL_RESERVE_BYTES, &room);
}

bool page_sum_is_wanted(const char *path)
{
	unsigned char header[HEADER_SIZE];
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	return fd >= 0 &&
	       pread(fd, header, sizeof(header), 0) == sizeof(header) &&
	       state_of(header) == WITHOUT;
}

int page_sum_complete(const char *path)
{
	unsigned char page[PAGE_SUM_PAGE];
	sqlite3_int64 offset = 0;
	ssize_t n;
	CLEANUP_CLOSE int fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while ((n = pread(fd, page, sizeof(page), offset)) == sizeof(page)) {
		if (offset == 0 && state_of(page) != WITH)
			return -EBADMSG;
		put_sum(page, offset);
		if (pwrite(fd, page, sizeof(page), offset) != sizeof(page))
			return -EIO;
		offset += n;
	}
	return n != 0 || fsync(fd) < 0 ? -EIO : 0;
}
