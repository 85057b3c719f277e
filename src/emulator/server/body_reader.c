#include "emulator/server/body_reader.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/timestamp.h"
#include "emulator/store/stored_file.h"

#define STALL_MS (INT64_C(3600) * 1000)

struct stream {
	/* The source: a file, an object in no file, or text. */
	int fd; /* -1: none */
	uint64_t fd_offset;
	bool has_object;
	row_t object;
	uint64_t object_offset;
	struct buf text;
	uint64_t len;
	/* What becomes of it. */
	uint64_t sent_most; /* here it is cut or stalls */
	enum fault_kind fault;
	int64_t rate;
	int64_t start_ms;
	int client_fd;
	int stop_fd;
};

int stream_wait(int client_fd, int stop_fd, int64_t ms)
{
	int64_t until = timestamp_mono_ms() + ms;
	int64_t left = ms;
	while (left > 0) {
		struct pollfd fds[] = {
		    {.fd = client_fd, .events = POLLRDHUP},
		    {.fd = stop_fd, .events = POLLIN},
		};
		int n = poll(
		    fds, ARRAY_SIZE(fds), left > 60000 ? 60000 : (int)left);
		if (n > 0 || (n < 0 && errno != EINTR))
			return -EPIPE;
		left = until - timestamp_mono_ms();
	}
	return 0;
}

int stream_new(struct reply *reply, int64_t rate, int client_fd, int stop_fd,
    struct stream **ret_stream)
{
	struct stream *stream = calloc(1, sizeof(*stream));
	if (!stream)
		return -ENOMEM;
	*stream = (struct stream){
	    .fd = -1,
	    .rate = rate,
	    .fault = reply->fault,
	    .client_fd = client_fd,
	    .stop_fd = stop_fd,
	    .start_ms = timestamp_mono_ms(),
	};
	if (reply->has_object) {
		int fd = object_open(reply->object, &stream->fd_offset);
		if (fd < 0 && fd != -ENOENT) {
			free(stream);
			return fd;
		}
		stream->fd = fd < 0 ? -1 : fd;
		stream->fd_offset += reply->offset;
		stream->has_object = true;
		stream->object = reply->object;
		stream->object_offset = reply->offset;
		stream->len = reply->len;
		reply->has_object = false;
	} else {
		stream->text = reply->body;
		stream->len = reply->body.len;
		buf_init(&reply->body, reply->body.max);
	}
	bool broken = reply->fault == FAULT_CUT || reply->fault == FAULT_STALL;
	stream->sent_most = broken ? stream_declared(stream) / 2 : stream->len;
	*ret_stream = stream;
	return 0;
}

void stream_free(struct stream *stream)
{
	if (!stream)
		return;
	if (stream->fd >= 0)
		close(stream->fd);
	if (stream->has_object)
		row_unref(stream->object);
	buf_done(&stream->text);
	free(stream);
}

uint64_t stream_declared(const struct stream *stream)
{
	/* An empty answer that breaks has to promise something. */
	bool broken =
	    stream->fault == FAULT_CUT || stream->fault == FAULT_STALL;
	return broken && stream->len == 0 ? 1 : stream->len;
}

int stream_take_file(struct stream *stream, uint64_t *ret_offset)
{
	if (stream->fd < 0 || stream->rate > 0 || stream->fault != FAULT_NONE)
		return -ENOENT;
	int fd = stream->fd;
	stream->fd = -1;
	*ret_offset = stream->fd_offset;
	return fd;
}

/* How much may go now, at the rate that was asked for; waits its turn. */
static ssize_t pace(struct stream *stream, uint64_t position, size_t max)
{
	if (stream->rate <= 0)
		return (ssize_t)max;
	/* A tenth of a second's worth at once. */
	uint64_t share = (uint64_t)stream->rate / 10 + 1;
	if (max > share)
		max = share;
	double due_ms = (double)(position + max) * 1000 / (double)stream->rate;
	int64_t now = timestamp_mono_ms() - stream->start_ms;
	if (due_ms > (double)now &&
	    stream_wait(
		stream->client_fd, stream->stop_fd, (int64_t)due_ms - now) < 0)
		return -EPIPE;
	return (ssize_t)max;
}

ssize_t stream_read(
    struct stream *stream, uint64_t position, char *data, size_t max)
{
	if (position >= stream->sent_most) {
		if (stream->fault == FAULT_STALL)
			stream_wait(
			    stream->client_fd, stream->stop_fd, STALL_MS);
		return -EPIPE;
	}
	if (max > stream->sent_most - position)
		max = stream->sent_most - position;
	ssize_t n = pace(stream, position, max);
	if (n < 0)
		return n;
	if (stream->fd >= 0) {
		n = pread(stream->fd, data, (size_t)n,
		    (off_t)(stream->fd_offset + position));
		return n <= 0 ? -EPIPE : n;
	}
	if (stream->has_object)
		object_read(stream->object, stream->object_offset + position,
		    data, (size_t)n);
	else
		memcpy(data, stream->text.data + position, (size_t)n);
	return n;
}
