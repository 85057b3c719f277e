#include "emulator/server/body_reader.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/timestamp.h"
#include "emulator/store/stored_file.h"

#define STALL_MS (INT64_C(3600) * 1000)

struct body_reader {
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

int body_reader_wait(int client_fd, int stop_fd, int64_t ms)
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

int body_reader_new(struct reply *reply, int64_t rate, int client_fd,
    int stop_fd, struct body_reader **ret_reader)
{
	struct body_reader *reader = calloc(1, sizeof(*reader));
	if (!reader)
		return -ENOMEM;
	*reader = (struct body_reader){
	    .fd = -1,
	    .rate = rate,
	    .fault = reply->fault,
	    .client_fd = client_fd,
	    .stop_fd = stop_fd,
	    .start_ms = timestamp_mono_ms(),
	};
	if (reply->has_object) {
		int fd = stored_file_open(reply->object, &reader->fd_offset);
		if (fd < 0 && fd != -ENOENT) {
			free(reader);
			return fd;
		}
		reader->fd = fd < 0 ? -1 : fd;
		reader->fd_offset += reply->offset;
		reader->has_object = true;
		reader->object = reply->object;
		reader->object_offset = reply->offset;
		reader->len = reply->len;
		reply->has_object = false;
	} else {
		reader->text = reply->body;
		reader->len = reply->body.len;
		buf_init(&reply->body, reply->body.max);
	}
	if (reply->fault == FAULT_HALF)
		reader->len /= 2;
	bool broken = reply->fault == FAULT_CUT || reply->fault == FAULT_STALL;
	reader->sent_most =
	    broken ? body_reader_declared(reader) / 2 : reader->len;
	*ret_reader = reader;
	return 0;
}

void body_reader_free(struct body_reader *reader)
{
	if (!reader)
		return;
	if (reader->fd >= 0)
		close(reader->fd);
	if (reader->has_object)
		row_unref(reader->object);
	buf_done(&reader->text);
	free(reader);
}

uint64_t body_reader_declared(const struct body_reader *reader)
{
	/* An empty answer that breaks has to promise something. */
	bool broken =
	    reader->fault == FAULT_CUT || reader->fault == FAULT_STALL;
	return broken && reader->len == 0 ? 1 : reader->len;
}

int body_reader_take_file(struct body_reader *reader, uint64_t *ret_offset)
{
	if (reader->fd < 0 || reader->rate > 0 || reader->fault != FAULT_NONE)
		return -ENOENT;
	int fd = reader->fd;
	reader->fd = -1;
	*ret_offset = reader->fd_offset;
	return fd;
}

/* How much may go now, at the rate that was asked for; waits its turn. */
static ssize_t pace(struct body_reader *reader, uint64_t position, size_t max)
{
	if (reader->rate <= 0)
		return (ssize_t)max;
	/* A tenth of a second's worth at once. */
	uint64_t share = (uint64_t)reader->rate / 10 + 1;
	if (max > share)
		max = share;
	double due_ms = (double)(position + max) * 1000 / (double)reader->rate;
	int64_t now = timestamp_mono_ms() - reader->start_ms;
	if (due_ms > (double)now &&
	    body_reader_wait(
		reader->client_fd, reader->stop_fd, (int64_t)due_ms - now) < 0)
		return -EPIPE;
	return (ssize_t)max;
}

ssize_t body_reader_read(
    struct body_reader *reader, uint64_t position, char *data, size_t max)
{
	if (position >= reader->sent_most) {
		if (reader->fault == FAULT_STALL)
			body_reader_wait(
			    reader->client_fd, reader->stop_fd, STALL_MS);
		return -EPIPE;
	}
	if (max > reader->sent_most - position)
		max = reader->sent_most - position;
	ssize_t n = pace(reader, position, max);
	if (n < 0)
		return n;
	if (reader->fd >= 0) {
		n = pread(reader->fd, data, (size_t)n,
		    (off_t)(reader->fd_offset + position));
		return n <= 0 ? -EPIPE : n;
	}
	if (reader->has_object)
		stored_file_read(reader->object,
		    reader->object_offset + position, data, (size_t)n);
	else
		memcpy(data, reader->text.data + position, (size_t)n);
	return n;
}
