#include "sync/object/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/disk.h"
#include "base/hash.h"

/* Others need the disk as well, which may be memory. */
#define SPARE_MOST ((int64_t)256 << 20)

/* The room that is left is looked at whenever so many bytes have come, so that
 * what is small is never refused. */
#define LOOK_BYTES ((int64_t)4 << 20)

struct spool {
	int fd; /* -1: none */
	struct spool_plan plan;
	int64_t size;	/* bytes of this answer */
	uint64_t hash;	/* of them, where that is needed */
	int64_t looked; /* at how many bytes the disk was looked at */
	bool whole;	/* all of the object */
	bool kept;	/* handed to the content cache */
};

struct spool *spool_new(void)
{
	struct spool *spool = calloc(1, sizeof(*spool));
	if (spool)
		spool->fd = -1;
	return spool;
}

void spool_free(struct spool *spool)
{
	if (spool && spool->fd >= 0)
		close(spool->fd);
	free(spool);
}

int spool_begin(struct spool *spool, const struct spool_plan *plan)
{
	const char *dir = getenv("TMPDIR");
	if (spool->fd < 0)
		spool->fd = open(dir && *dir ? dir : P_tmpdir,
		    O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (spool->fd < 0)
		return -errno;
	spool->plan = *plan;
	spool->size = 0;
	spool->hash = HASH_FNV1A_INIT;
	spool->looked = 0;
	return 0;
}

/* Whether the disk takes the rest, or what comes until the next look. */
static int look(struct spool *spool)
{
	int64_t room, need = spool->plan.told - spool->size;
	if (spool->size - spool->looked < LOOK_BYTES)
		return 0;
	spool->looked = spool->size;
	int r = disk_room(spool->fd, SPARE_MOST, &room);
	if (r < 0)
		return r;
	if (need < LOOK_BYTES)
		need = LOOK_BYTES;
	/* What an earlier attempt wrote is written over. */
	off_t there = lseek(spool->fd, 0, SEEK_END);
	if (there > spool->size)
		need -= there - spool->size;
	return room < need ? -ENOSPC : 0;
}

/* Nobody told how long it is: it may never end. */
static bool is_endless(const struct spool *spool, size_t len)
{
	return spool->plan.told < 0 && spool->plan.most > 0 &&
	       spool->size + (int64_t)len > spool->plan.most;
}

int spool_add(struct spool *spool, const void *data, size_t len)
{
	const char *from = data;
	int64_t told = spool->plan.told;
	if (told >= 0 && spool->size + (int64_t)len > told)
		return -EPROTO;
	if (is_endless(spool, len))
		return -EFBIG;
	int r = look(spool);
	if (r < 0)
		return r;
	/* Others are told apart without. */
	if (spool->plan.alone || told < 0)
		spool->hash = hash_fnv1a(spool->hash, data, len);
	while (len > 0) {
		ssize_t n = pwrite(spool->fd, from, len, spool->size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return disk_error(errno);
		spool->size += n;
		from += n;
		len -= (size_t)n;
	}
	return 0;
}

void spool_finish(struct spool *spool)
{
	spool->whole = true;
}

bool spool_is_whole(const struct spool *spool)
{
	return spool->whole;
}

int64_t spool_size(const struct spool *spool)
{
	return spool->size;
}

int64_t spool_told(const struct spool *spool)
{
	return spool->plan.told;
}

uint64_t spool_hash(const struct spool *spool)
{
	return spool->hash;
}

bool spool_holds(const struct spool *spool, int64_t end)
{
	if (spool->plan.alone && !spool->whole)
		return false; /* another attempt may bring another version */
	return spool->size >= end;
}

int64_t spool_read(struct spool *spool, int64_t pos, char *out, int64_t len)
{
	int64_t done = 0;
	while (done < len) {
		ssize_t n = pread(
		    spool->fd, out + done, (size_t)(len - done), pos + done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EIO; /* somebody cut it off */
		done += n;
	}
	return done;
}

void spool_keep(
    struct spool *spool, struct content *content, const struct node *node)
{
	if (!node->proven || node->spoiled)
		return;
	if (spool->whole && !spool->kept)
		content_keep_file(content, node, spool->fd);
	spool->kept = spool->whole;
}
