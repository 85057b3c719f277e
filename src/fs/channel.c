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
#include <pthread.h>
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

/* A write that the kernel holds up is over when the mount is: no need to wait
 * longer for it. In seconds. */
#define CLOSE_PATIENCE_S 1

void channel_close(struct fs *fs)
{
	struct timespec until;
	fs->closing = true;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += CLOSE_PATIENCE_S;
	if (pthread_rwlock_timedwrlock(&fs->channel_lock, &until) == 0)
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
