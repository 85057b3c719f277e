#include "emulator/load/gzip.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define PIECE ((size_t)64 << 10)

/* zlib's name for a window of the usual size, in a wrapper of gzip's. */
#define WINDOW_BITS (15 + 16)

struct unpacking {
	const struct place *place;
	int fd; /* -1: in memory */
	uint64_t at;
	struct unpacked *spool;
	uint64_t out;
	unsigned long sum;
	z_stream stream;
	unsigned char packed[PIECE];
	unsigned char plain[PIECE];
};

bool gzip_is(const char *text, size_t len)
{
	return len >= 2 && memcmp(text, "\x1f\x8b", 2) == 0;
}

/* The next packed bytes; none at the end. */
static int refill(struct unpacking *u)
{
	uint64_t left = u->place->len - u->at;
	size_t want = left < PIECE ? (size_t)left : PIECE;
	ssize_t n = (ssize_t)want;
	if (u->fd < 0)
		memcpy(u->packed, u->place->memory + u->at, want);
	else if (want > 0)
		n = pread(
		    u->fd, u->packed, want, (off_t)(u->place->offset + u->at));
	if (n < 0 || (n == 0 && want > 0))
		return n < 0 ? -errno : -EIO;
	u->at += (uint64_t)n;
	u->stream.next_in = u->packed;
	u->stream.avail_in = (unsigned)n;
	return 0;
}

/* Unpack what there is of input until it, or a member, is over: zlib's word. */
static int drain(struct unpacking *u, int *ret_state)
{
	do {
		u->stream.next_out = u->plain;
		u->stream.avail_out = PIECE;
		int state = inflate(&u->stream, Z_NO_FLUSH);
		*ret_state = state;
		if (state == Z_MEM_ERROR)
			return -ENOMEM;
		if (state != Z_OK && state != Z_STREAM_END &&
		    state != Z_BUF_ERROR)
			return -EPROTO;
		size_t n = PIECE - u->stream.avail_out;
		u->out += n;
		if (u->out > GZIP_MAX)
			return -EFBIG;
		u->sum = crc32(u->sum, u->plain, (unsigned)n);
		int r = unpacked_write(u->spool, u->plain, n);
		if (r < 0)
			return r;
	} while (*ret_state != Z_STREAM_END && u->stream.avail_out == 0);
	return 0;
}

/* One member after the other, as gzip reads what cat put together. */
static int unpack(struct unpacking *u)
{
	int state = Z_OK, r = 0;
	while (r == 0) {
		if (u->stream.avail_in == 0)
			r = refill(u);
		if (r < 0)
			return r;
		if (u->stream.avail_in == 0)
			return state == Z_STREAM_END ? 0 : -EPROTO;
		if (state == Z_STREAM_END)
			inflateReset(&u->stream);
		r = drain(u, &state);
	}
	return r;
}

static int unpack_into(struct place *place, struct unpacked *spool)
{
	CLEANUP_FREE struct unpacking *u = calloc(1, sizeof(*u));
	if (!u)
		return -ENOMEM;
	CLEANUP_CLOSE int fd = place_is_file(place) ? place_open(place) : -1;
	if (fd < 0 && place_is_file(place))
		return fd;
	u->place = place;
	u->fd = fd;
	u->spool = spool;
	uint64_t start = unpacked_len(spool);
	if (inflateInit2(&u->stream, WINDOW_BITS) != Z_OK)
		return -ENOMEM;
	int r = unpack(u);
	inflateEnd(&u->stream);
	if (r < 0)
		return r;
	struct place unpacked = {
	    .unpacked = unpacked_ref(spool),
	    .offset = start,
	    .len = u->out,
	    .tag = u->sum,
	};
	place_done(place);
	*place = unpacked;
	return 0;
}

int gzip_unpack(struct place *place, struct unpacked **spool)
{
	int r = *spool ? 0 : unpacked_new(spool);
	return r < 0 ? r : unpack_into(place, *spool);
}
