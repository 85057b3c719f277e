/*
 * The way to the kernel and back, for one bit's sake: libfuse up to 3.14 takes
 * FUSE_CAP_PARALLEL_DIROPS as a wish, but leaves it out of its answer to INIT.
 * The kernel then holds a mutex for each directory, so that one slow lookup
 * would hold up all others there, and nothing could interrupt them. So the
 * answer is completed on its way out; everything else passes as it is.
 *
 * And when the session's descriptor is closed, replies and notices that come
 * late must not go to whatever file gets its number next.
 */
#include <errno.h>
#include <linux/fuse.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "fs/internal.h"

static ssize_t channel_read(int fd, void *data, size_t len, void *userdata)
{
	(void)userdata;
	return read(fd, data, len);
}

static ssize_t channel_write(
    int fd, struct iovec *iov, int count, void *userdata)
{
	struct fs *fs = userdata;
	if (fs->answering_init && count == 2 &&
	    iov[1].iov_len >= offsetof(struct fuse_init_out, max_background)) {
		struct fuse_init_out *out = iov[1].iov_base;
		fs->answering_init = false;
		out->flags |= FUSE_PARALLEL_DIROPS;
	}
	pthread_rwlock_rdlock(&fs->channel_lock);
	ssize_t n = -1;
	errno = ENODEV;
	if (!fs->closing)
		n = writev(fd, iov, count);
	int err = errno;
	pthread_rwlock_unlock(&fs->channel_lock);
	errno = err;
	return n;
}

/* Linux 6.16 (FUSE 7.44) knows it; libfuse does so from 3.18 on. Each name that
 * the kernel learns carries the number of its epoch, and is asked for anew once
 * that has passed. */
#define NOTIFY_INC_EPOCH 8

int channel_take_back_names(struct fs *fs)
{
	struct fuse_out_header notice = {
	    .len = sizeof(notice), .error = NOTIFY_INC_EPOCH};
	struct iovec iov = {&notice, sizeof(notice)};
	if (fs->closing)
		return -ENODEV; /* nor is there a session, perhaps */
	ssize_t n = channel_write(fuse_session_fd(fs->session), &iov, 1, fs);
	return n < 0 ? -errno : 0;
}

/* ---- the end ---- */

/* Nobody waits for an answer to these. */
static bool wants_answer(const struct fuse_in_header *in)
{
	return in->opcode != FUSE_FORGET && in->opcode != FUSE_BATCH_FORGET &&
	       in->opcode != FUSE_INTERRUPT;
}

void channel_refuse(struct fs *fs, int wait_ms)
{
	struct fuse_buf buf = {0};
	struct pollfd pollfd = {
	    .fd = fuse_session_fd(fs->session), .events = POLLIN};
	while (poll(&pollfd, 1, wait_ms) > 0 &&
	       fuse_session_receive_buf(fs->session, &buf) > 0) {
		const struct fuse_in_header *in = buf.mem;
		struct fuse_out_header out = {
		    .len = sizeof(out), .error = -EIO, .unique = in->unique};
		struct iovec iov = {&out, sizeof(out)};
		if (wants_answer(in))
			channel_write(pollfd.fd, &iov, 1, fs);
		wait_ms = 0;
	}
	free(buf.mem);
}

/* A write that the kernel holds up is over when the mount is: no need to wait
 * longer for it. In seconds. */
#define CLOSE_PATIENCE_S 1

void channel_close(struct fs *fs)
{
	struct timespec until;
	fs->closing = true;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += CLOSE_PATIENCE_S;
	if (pthread_rwlock_clockwrlock(
		&fs->channel_lock, CLOCK_MONOTONIC, &until) == 0)
		pthread_rwlock_unlock(&fs->channel_lock);
}

int channel_open(struct fs *fs)
{
	static const struct fuse_custom_io io = {
	    .read = channel_read,
	    .writev = channel_write,
	};
	return fuse_session_custom_io(
	    fs->session, &io, fuse_session_fd(fs->session));
}
