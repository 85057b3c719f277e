#include "command/unnamed_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/own_dir.h"

#define NAME "socket"

/* In the directory dir, whose own name may be too long for an address. */
static int listen_in(int dir, int *ret_place)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	snprintf(address.sun_path, sizeof(address.sun_path),
	    "/proc/self/fd/%d/" NAME, dir);
	if (fd < 0 ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fd, SOMAXCONN) < 0)
		return -errno;
	int place = openat(dir, NAME, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (place < 0)
		return -errno;
	*ret_place = place;
	int listening = fd;
	fd = -1;
	return listening;
}

int unnamed_socket_open(const char *dir, int *ret_place)
{
	CLEANUP_FREE char *own = NULL, *path = NULL;
	int r = own_dir_make(dir, &own);
	if (r < 0)
		return r;
	if (asprintf(&path, "%s/socket-XXXXXX", own) < 0)
		return -ENOMEM;
	if (!mkdtemp(path))
		return -errno;
	CLEANUP_CLOSE int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	r = fd < 0 ? -errno : listen_in(fd, ret_place);
	if (fd >= 0)
		unlinkat(fd, NAME, 0);
	rmdir(path);
	return r;
}
