/* The whole of an object from one answer: stores that ignore Range, or that
 * say nothing by which two answers could be told to be of one version. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/hash.h"
#include "sync/object/stream.h"

/* Others need the disk as well, which may be memory: so much is left to them,
 * as a part of it, and at most so many bytes. */
#define SPARE_PART 16
#define SPARE_MOST ((int64_t)256 << 20)

/* The room that is left is looked at whenever so many bytes have come, so that
 * what is small is never refused. */
#define LOOK_BYTES ((int64_t)4 << 20)

int spool_open(struct stream *stream)
{
	const char *dir = getenv("TMPDIR");
	if (stream->spool >= 0)
		return 0;
	stream->spool = open(
	    dir && *dir ? dir : P_tmpdir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	return stream->spool < 0 ? -errno : 0;
}

void spool_restart(struct stream *stream)
{
	stream->spooled = 0;
	stream->spool_hash = HASH_FNV1A_INIT;
	stream->spool_looked = 0;
}

/* Whether the disk takes the rest, or what comes until the next look. */
static int look(struct stream *stream)
{
	struct statvfs disk;
	int64_t need = stream->spooler->told - stream->spooled;
	if (stream->spooled - stream->spool_looked < LOOK_BYTES)
		return 0;
	stream->spool_looked = stream->spooled;
	if (fstatvfs(stream->spool, &disk) < 0)
		return -errno;
	int64_t unit = (int64_t)disk.f_frsize;
	int64_t spare = (int64_t)disk.f_blocks * unit / SPARE_PART;
	if (spare > SPARE_MOST)
		spare = SPARE_MOST;
	if (need < LOOK_BYTES)
		need = LOOK_BYTES;
	/* What an earlier attempt wrote is written over. */
	off_t there = lseek(stream->spool, 0, SEEK_END);
	if (there > stream->spooled)
		need -= there - stream->spooled;
	return (int64_t)disk.f_bavail * unit < spare + need ? -ENOSPC : 0;
}

/* Nobody told how long it is: it may never end. */
static bool is_endless(const struct stream *stream, size_t len)
{
	int64_t most = stream->core->config.untold_max;
	if (stream->spooler->told >= 0 || most == 0)
		return false;
	if (most < stream->size)
		most = stream->size;
	if (most < stream->node.size)
		most = stream->node.size;
	return stream->spooled + (int64_t)len > most;
}

int spool_add(struct stream *stream, const void *data, size_t len)
{
	const char *from = data;
	int64_t told = stream->spooler->told;
	if (told >= 0 && stream->spooled + (int64_t)len > told)
		return -EPROTO; /* more than was announced */
	if (is_endless(stream, len))
		return -EFBIG;
	int r = look(stream);
	if (r < 0)
		return r;
	/* Others are told apart without. */
	if (stream->alone || stream->spooler->told < 0)
		stream->spool_hash = hash_fnv1a(stream->spool_hash, data, len);
	while (len > 0) {
		ssize_t n = pwrite(stream->spool, from, len, stream->spooled);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		stream->spooled += n;
		from += n;
		len -= (size_t)n;
	}
	return 0;
}

bool spool_holds(const struct stream *stream, int64_t end)
{
	if (stream->alone && !stream->spool_whole)
		return false; /* another attempt may bring another version */
	return stream->spooled >= end;
}

int64_t spool_read(struct stream *stream, int64_t pos, char *out, int64_t len)
{
	int64_t done = 0;
	while (done < len) {
		ssize_t n = pread(stream->spool, out + done,
		    (size_t)(len - done), pos + done);
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
