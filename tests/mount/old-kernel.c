/* A kernel before 6.16, for who asks it to take all names back: preloaded. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <linux/fuse.h>
#include <sys/uio.h>

#define NOTIFY_INC_EPOCH 8

ssize_t writev(int fd, const struct iovec *iov, int count)
{
	static ssize_t (*real)(int, const struct iovec *, int);
	if (!real)
		real = (ssize_t(*)(int, const struct iovec *, int))dlsym(
		    RTLD_NEXT, "writev");
	const struct fuse_out_header *out = iov[0].iov_base;
	if (count == 1 && iov[0].iov_len == sizeof(*out) && out->unique == 0 &&
	    out->error == NOTIFY_INC_EPOCH) {
		errno = EINVAL;
		return -1;
	}
	return real(fd, iov, count);
}
