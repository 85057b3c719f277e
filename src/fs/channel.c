#include "fs/channel.h"

#include <errno.h>
#include <linux/fuse.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "fs/context.h"

struct channel {
	struct fuse_session *session;
	pthread_rwlock_t lock; /* read: writing to the kernel */
	_Atomic bool closing;
	bool answering_init; /* the next reply is INIT's */
};

struct channel *channel_new(void)
{
	struct channel *channel = calloc(1, sizeof(*channel));
	if (channel)
		pthread_rwlock_init(&channel->lock, NULL);
	return channel;
}

void channel_free(struct channel *channel)
{
	if (!channel)
		return;
	pthread_rwlock_destroy(&channel->lock);
	free(channel);
}

void channel_answers_init(struct channel *channel)
{
	channel->answering_init = true;
}

static ssize_t channel_read(int fd, void *data, size_t len, void *userdata)
{
	(void)userdata;
	return read(fd, data, len);
}

static ssize_t channel_send(
    struct channel *channel, int fd, struct iovec *iov, int count)
{
	if (channel->answering_init && count == 2 &&
	    iov[1].iov_len >= offsetof(struct fuse_init_out, max_background)) {
		struct fuse_init_out *out = iov[1].iov_base;
		channel->answering_init = false;
		out->flags |= FUSE_PARALLEL_DIROPS;
	}
	pthread_rwlock_rdlock(&channel->lock);
	ssize_t n = -1;
	errno = ENODEV;
	if (!channel->closing)
		n = writev(fd, iov, count);
	int err = errno;
	pthread_rwlock_unlock(&channel->lock);
	errno = err;
	return n;
}

/* libfuse's own: userdata is the session's. */
static ssize_t channel_write(
    int fd, struct iovec *iov, int count, void *userdata)
{
	struct fs_context *fs = userdata;
	return channel_send(fs->channel, fd, iov, count);
}

/* Linux 6.16 (FUSE 7.44) knows it; libfuse does so from 3.18 on. Each name that
 * the kernel learns carries the number of its epoch, and is asked for anew once
 * that has passed. */
#define NOTIFY_INC_EPOCH 8

int channel_take_back_names(struct channel *channel)
{
	struct fuse_out_header notice = {
	    .len = sizeof(notice), .error = NOTIFY_INC_EPOCH};
	struct iovec iov = {&notice, sizeof(notice)};
	if (channel->closing)
		return -ENODEV; /* nor is there a session, perhaps */
	ssize_t n =
	    channel_send(channel, fuse_session_fd(channel->session), &iov, 1);
	return n < 0 ? -errno : 0;
}

/* ---- the end ---- */

/* Nobody waits for an answer to these. */
static bool wants_answer(const struct fuse_in_header *in)
{
	return in->opcode != FUSE_FORGET && in->opcode != FUSE_BATCH_FORGET &&
	       in->opcode != FUSE_INTERRUPT;
}

void channel_refuse(struct channel *channel, int wait_ms)
{
	struct fuse_buf buf = {0};
	struct pollfd pollfd = {
	    .fd = fuse_session_fd(channel->session), .events = POLLIN};
	while (poll(&pollfd, 1, wait_ms) > 0 &&
	       fuse_session_receive_buf(channel->session, &buf) > 0) {
		const struct fuse_in_header *in = buf.mem;
		struct fuse_out_header out = {
		    .len = sizeof(out), .error = -EIO, .unique = in->unique};
		struct iovec iov = {&out, sizeof(out)};
		if (wants_answer(in))
			channel_send(channel, pollfd.fd, &iov, 1);
		wait_ms = 0;
	}
	free(buf.mem);
}

/* A write that the kernel holds up is over when the mount is: no need to wait
 * longer for it. In seconds. */
#define CLOSE_PATIENCE_S 1

void channel_close(struct channel *channel)
{
	struct timespec until;
	channel->closing = true;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += CLOSE_PATIENCE_S;
	if (pthread_rwlock_clockwrlock(
		&channel->lock, CLOCK_MONOTONIC, &until) == 0)
		pthread_rwlock_unlock(&channel->lock);
}

int channel_open(struct channel *channel, struct fuse_session *session)
{
	static const struct fuse_custom_io io = {
	    .read = channel_read,
	    .writev = channel_write,
	};
	channel->session = session;
	return fuse_session_custom_io(session, &io, fuse_session_fd(session));
}
