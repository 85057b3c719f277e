/* What is mounted, as the kernel's table tells. Asks no filesystem anything,
 * so a mount that hangs holds nobody up. */
#ifndef COMMAND_MOUNTPOINT_H
#define COMMAND_MOUNTPOINT_H

#include <stdbool.h>

/* Whether a FUSE filesystem is mounted right there; path is absolute and free
 * of links. */
bool mounts_is_fuse(const char *path);

#endif
