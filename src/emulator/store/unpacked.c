#include "emulator/store/unpacked.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

struct unpacked {
	int refs; /* atomic */
	int fd;
	uint64_t len;
};

/* Not every file system has files without a name. */
static int open_named(const char *dir)
{
	static const char name[] = "/bkend-emulator-XXXXXX";
	CLEANUP_FREE char *path = malloc(strlen(dir) + sizeof(name));
	if (!path)
		return -ENOMEM;
	strcpy(path, dir);
	strcat(path, name);
	int fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	unlink(path);
	return fd;
}

static int open_nameless(void)
{
	const char *dir = getenv("TMPDIR");
	if (!dir || !*dir)
		dir = "/var/tmp";
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	return fd < 0 ? open_named(dir) : fd;
}

int unpacked_new(struct unpacked **ret_unpacked)
{
	struct unpacked *unpacked = calloc(1, sizeof(*unpacked));
	if (!unpacked)
		return -ENOMEM;
	unpacked->refs = 1;
	unpacked->fd = open_nameless();
	if (unpacked->fd < 0) {
		int r = unpacked->fd;
		free(unpacked);
		return r;
	}
	*ret_unpacked = unpacked;
	return 0;
}

struct unpacked *unpacked_ref(struct unpacked *unpacked)
{
	__atomic_add_fetch(&unpacked->refs, 1, __ATOMIC_RELAXED);
	return unpacked;
}

void unpacked_unref(struct unpacked *unpacked)
{
	if (!unpacked ||
	    __atomic_sub_fetch(&unpacked->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	close(unpacked->fd);
	free(unpacked);
}

int unpacked_write(struct unpacked *unpacked, const void *data, size_t len)
{
	const char *p = data;
	while (len > 0) {
		ssize_t n = pwrite(unpacked->fd, p, len, (off_t)unpacked->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		unpacked->len += (uint64_t)n;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

uint64_t unpacked_len(const struct unpacked *unpacked)
{
	return unpacked->len;
}

int unpacked_open(const struct unpacked *unpacked)
{
	int fd = fcntl(unpacked->fd, F_DUPFD_CLOEXEC, 0);
	return fd < 0 ? -errno : fd;
}
