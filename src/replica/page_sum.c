#include "replica/page_sum.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/cleanup.h"
#include "base/disk.h"

#define ROOM_BEGIN (PAGE_SUM_PAGE - PAGE_SUM_ROOM)
/* Bytes of the least that a disk loses. */
#define BLOCK_LEAST 512
#define SUM_AT (PAGE_SUM_PAGE - sizeof(XXH64_canonical_t))

/* ---- the header: SQLite's file format, 1.3 ---- */

static const char magic[16] = "SQLite format 3";
#define PAGE_SIZE_AT 16
#define ROOM_AT 20
#define COUNT_AT 28

/*
 * Which format is written, and which is read: 1 a database that has a journal,
 * 2 one that has a log. Programs do not write to a database of a format that
 * they do not know, and do not know ours: what they wrote would have no sums.
 * It keeps from accidents only: where the first page is in the log, they see
 * what SQLite was given.
 */
#define WRITTEN_AT 18
#define READ_AT 19
#define READ_MOST 2
#define OURS_ALONE 3

/* What SQLite changes in a copy that it makes of a database, page by page:
 * these formats, and numbers that tell that something changed. Not summed up.
 */
static const struct {
	size_t at, len;
} header_free[] = {{WRITTEN_AT, 2}, {24, 4}, {40, 4}, {92, 8}};

enum page_sum_state page_sum_state(const unsigned char *header)
{
	int page = header[PAGE_SIZE_AT] << 8 | header[PAGE_SIZE_AT + 1];
	if (memcmp(header, magic, sizeof(magic)) != 0)
		return PAGE_SUM_STRANGE;
	if (header[ROOM_AT] == 0)
		return PAGE_SUM_WITHOUT;
	return page == PAGE_SUM_PAGE && header[ROOM_AT] == PAGE_SUM_ROOM &&
		       header[READ_AT] >= 1 && header[READ_AT] <= READ_MOST
		   ? PAGE_SUM_WITH
		   : PAGE_SUM_STRANGE;
}

int64_t page_sum_count(const unsigned char *header)
{
	const unsigned char *at = header + COUNT_AT;
	return (int64_t)at[0] << 24 | at[1] << 16 | at[2] << 8 | at[3];
}

static uint64_t hash_of_header(const unsigned char *page)
{
	unsigned char header[PAGE_SUM_HEADER];
	memcpy(header, page, sizeof(header));
	for (size_t i = 0; i < ARRAY_SIZE(header_free); i++)
		memset(header + header_free[i].at, 0, header_free[i].len);
	return XXH3_64bits(header, sizeof(header));
}

/* ---- one page ---- */

/* It is right in its own place only. */
static void sum_up(
    const unsigned char *page, int64_t offset, XXH64_canonical_t *ret_sum)
{
	size_t from = offset == 0 ? PAGE_SUM_HEADER : 0;
	uint64_t seed = offset == 0 ? hash_of_header(page) : (uint64_t)offset;
	XXH64_canonicalFromHash(
	    ret_sum, XXH3_64bits_withSeed(page + from, SUM_AT - from, seed));
}

void page_sum_put(unsigned char *page, int64_t offset)
{
	XXH64_canonical_t sum;
	if (offset == 0)
		page[WRITTEN_AT] = OURS_ALONE;
	sum_up(page, offset, &sum);
	memcpy(page + SUM_AT, &sum, sizeof(sum));
}

bool page_sum_is_there(const unsigned char *page)
{
	static const unsigned char none[PAGE_SUM_ROOM];
	return memcmp(page + ROOM_BEGIN, none, sizeof(none)) != 0;
}

bool page_sum_is_right(const unsigned char *page, int64_t offset, bool trusting)
{
	static const unsigned char zeros[BLOCK_LEAST];
	XXH64_canonical_t sum;
	if (!page_sum_is_there(page))
		return trusting || memcmp(page + PAGE_SUM_PAGE - BLOCK_LEAST,
				       zeros, BLOCK_LEAST) != 0;
	sum_up(page, offset, &sum);
	return memcmp(&sum, page + SUM_AT, sizeof(sum)) == 0;
}

void page_sum_strip(unsigned char *page, int64_t offset)
{
	memset(page + ROOM_BEGIN, 0, PAGE_SUM_ROOM);
	if (offset == 0)
		page[WRITTEN_AT] = page[READ_AT];
}

/* ---- a whole file ---- */

int page_sum_header(const char *path, unsigned char header[PAGE_SUM_HEADER])
{
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ssize_t n = pread(fd, header, PAGE_SUM_HEADER, 0);
	return n < 0 ? -errno : n == PAGE_SUM_HEADER ? 0 : -ENODATA;
}

/* What an overwrite came to. */
static int written(ssize_t n, size_t size)
{
	if (n < 0)
		return disk_error(errno);
	return (size_t)n == size ? 0 : -ENOSPC;
}

/* Pages between two questions whether to go on. */
#define STRIDE 256

int page_sum_complete(const char *path, bool (*over)(void))
{
	unsigned char page[PAGE_SUM_PAGE];
	int64_t offset = 0, count = 1;
	ssize_t n;
	int r = 0;
	CLEANUP_CLOSE int fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	for (; r == 0 &&
	       (n = pread(fd, page, sizeof(page), offset)) == sizeof(page);
	     offset += n) {
		if (offset == 0 && page_sum_state(page) != PAGE_SUM_WITH)
			return -EBADMSG;
		if (offset == 0)
			count = page_sum_count(page);
		if (offset / PAGE_SUM_PAGE % STRIDE == 0 && over())
			return -EINTR;
		if (page_sum_is_there(page))
			continue;
		page_sum_put(page, offset);
		r = written(
		    pwrite(fd, page, sizeof(page), offset), sizeof(page));
	}
	if (r < 0)
		return r;
	if (n < 0 || fsync(fd) < 0)
		return disk_error(errno);
	return offset / PAGE_SUM_PAGE < count ? -EBADMSG : 0;
}

/* What the first page ends with, which tells of a database of its own. */
static int read_note(const char *path, unsigned char note[PAGE_SUM_ROOM])
{
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ssize_t n = pread(fd, note, PAGE_SUM_ROOM, ROOM_BEGIN);
	return n < 0 ? -errno : n == PAGE_SUM_ROOM ? 0 : -ENODATA;
}

int page_sum_mark(const char *path, int mark_fd)
{
	unsigned char note[PAGE_SUM_ROOM];
	int r = read_note(path, note);
	if (r < 0)
		return r;
	r = written(pwrite(mark_fd, note, sizeof(note), 0), sizeof(note));
	return r < 0 ? r : fdatasync(mark_fd) < 0 ? disk_error(errno) : 0;
}

int page_sum_unmark(int mark_fd)
{
	off_t size = lseek(mark_fd, 0, SEEK_END);
	if (size == 0)
		return 0;
	return ftruncate(mark_fd, 0) < 0 || fdatasync(mark_fd) < 0
		   ? disk_error(errno)
		   : 0;
}

bool page_sum_is_marked(const char *path, int mark_fd)
{
	unsigned char note[PAGE_SUM_ROOM], noted[PAGE_SUM_ROOM];
	return read_note(path, note) == 0 &&
	       pread(mark_fd, noted, sizeof(noted), 0) == sizeof(noted) &&
	       memcmp(note, noted, sizeof(note)) == 0;
}
