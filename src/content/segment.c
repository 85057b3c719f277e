#include "content/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/cleanup.h"

/* Uses closer together than this count as one, in seconds. */
#define TOUCH_S 1

void segment_path(const struct segment_key *key, char out[SEGMENT_PATH])
{
	snprintf(out, SEGMENT_PATH, "%02x/%" PRIx64 "-%" PRIx64,
	    (unsigned)(key->node & 0xff), key->node, key->segment);
}

int64_t segment_node(const char *name)
{
	uint64_t node;
	char dash;
	if (sscanf(name, "%" SCNx64 "%c", &node, &dash) != 2 || dash != '-')
		return -1;
	return (int64_t)node;
}

int segment_open(int dir, const struct segment_key *key, bool create)
{
	char path[SEGMENT_PATH];
	int flags = O_CLOEXEC | O_NOFOLLOW;
	segment_path(key, path);
	int fd = create ? openat(dir, path, flags | O_RDWR | O_CREAT, 0600)
			: openat(dir, path, flags | O_RDONLY);
	if (fd < 0 && errno == ENOENT && create) {
		char parent[3] = {path[0], path[1], '\0'};
		if (mkdirat(dir, parent, 0700) < 0 && errno != EEXIST)
			return -errno;
		fd = openat(dir, path, flags | O_RDWR | O_CREAT, 0600);
	}
	return fd < 0 ? -errno : fd;
}

/* All of it, or fewer at the file's end; or -errno. */
static ssize_t read_all(int fd, void *out, size_t len, off_t offset)
{
	size_t done = 0;
	while (done < len) {
		ssize_t n = pread(
		    fd, (char *)out + done, len - done, offset + (off_t)done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

static int write_all(int fd, const void *data, size_t len, off_t offset)
{
	size_t done = 0;
	while (done < len) {
		ssize_t n = pwrite(fd, (const char *)data + done, len - done,
		    offset + (off_t)done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		done += (size_t)n;
	}
	return 0;
}

int segment_load(int fd, uint64_t sums[CONTENT_SEGMENT])
{
	const size_t len = CONTENT_SEGMENT * sizeof(*sums);
	memset(sums, 0, len);
	ssize_t n = read_all(fd, sums, len, 0);
	return n < 0 ? (int)n : 0;
}

static uint64_t checksum(
    const struct segment_key *key, unsigned index, const void *data, size_t len)
{
	const uint64_t place[] = {key->replica, (uint64_t)key->node,
	    (uint64_t)key->segment, index, key->salt};
	uint64_t seed = XXH3_64bits(place, sizeof(place));
	uint64_t sum = XXH3_64bits_withSeed(data, len, seed);
	return sum ? sum : 1;
}

static off_t place_of(unsigned index)
{
	return (off_t)(SEGMENT_DATA + index * CONTENT_BLOCK);
}

static int write_sum(int fd, unsigned index, uint64_t sum)
{
	return write_all(fd, &sum, sizeof(sum), (off_t)(index * sizeof(sum)));
}

static bool fits(int fd, const struct segment_key *key, unsigned index,
    uint64_t sum, void *out, size_t len)
{
	ssize_t n = read_all(fd, out, len, place_of(index));
	return n == (ssize_t)len && checksum(key, index, out, len) == sum;
}

/* What did not fit is looked at again: others who met the same damage may have
 * had it mended meanwhile. Otherwise it shall not be taken for one that is
 * there. */
static int read_again(int dir, const struct segment_key *key, unsigned index,
    void *out, size_t len)
{
	char path[SEGMENT_PATH];
	uint64_t sums[CONTENT_SEGMENT];
	segment_path(key, path);
	CLEANUP_CLOSE int fd = openat(dir, path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || segment_load(fd, sums) < 0)
		return -EBADMSG;
	if (sums[index] && fits(fd, key, index, sums[index], out, len))
		return 0;
	write_sum(fd, index, 0);
	return -EBADMSG;
}

int segment_read(int dir, int fd, const struct segment_key *key, unsigned index,
    uint64_t sum, void *out, size_t len)
{
	if (fits(fd, key, index, sum, out, len))
		return 0;
	return read_again(dir, key, index, out, len);
}

int segment_write(int fd, const struct segment_key *key, unsigned index,
    const void *data, size_t len)
{
	int r = write_all(fd, data, len, place_of(index));
	/* Only this one's: another may be forgotten right now. */
	if (r == 0)
		r = write_sum(fd, index, checksum(key, index, data, len));
	return r;
}

int64_t segment_usage(int fd)
{
	struct stat st;
	return fstat(fd, &st) == 0 ? (int64_t)st.st_blocks * 512 : 0;
}

void segment_touch(int fd)
{
	struct stat st;
	/* A time to come is of a clock that was set back since. */
	if (fstat(fd, &st) == 0 &&
	    llabs((long long)(time(NULL) - st.st_mtim.tv_sec)) > TOUCH_S)
		futimens(fd, NULL);
}
