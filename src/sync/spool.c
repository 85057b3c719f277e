/* The whole of an object from a store that ignores Range. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sync/stream.h"

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
}

int spool_add(struct stream *stream, const void *data, size_t len)
{
	const char *from = data;
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

int64_t spool_read(struct stream *stream, int64_t pos, char *out, int64_t len)
{
	int64_t done = 0;
	if (!stream->no_range || stream->spooled < pos + len)
		return 0;
	while (done < len) {
		ssize_t n = pread(stream->spool, out + done,
		    (size_t)(len - done), pos + done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return 0;
		done += n;
	}
	return done;
}
