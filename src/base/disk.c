#include "base/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/cleanup.h"

#define SPARE_PART 16

int disk_room(int fd, int64_t spare_most, int64_t *ret_bytes)
{
	struct statvfs disk;
	if (fstatvfs(fd, &disk) < 0)
		return -errno;
	int64_t unit = (int64_t)disk.f_frsize;
	int64_t spare = (int64_t)disk.f_blocks * unit / SPARE_PART;
	*ret_bytes = (int64_t)disk.f_bavail * unit -
		     (spare < spare_most ? spare : spare_most);
	return 0;
}

void disk_sync_dir(const char *dir)
{
	CLEANUP_CLOSE int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		fsync(fd);
}

int disk_error(int err)
{
	return err == EDQUOT ? -ENOSPC : -err;
}
