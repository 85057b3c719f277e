/* What libfuse is told of a mount: by the process that mounts (mounter.c), and
 * by the one that serves (session.c). Any thread. */
#ifndef FS_MOUNT_ARGS_H
#define FS_MOUNT_ARGS_H

#include <stdbool.h>

struct fuse_args;

/* Add all of them: source is shown as fsname; options are further ones, a comma
 * list, or NULL. 0 or -ENOMEM. */
int mount_args_add(struct fuse_args *args, const char *source,
    const char *options, bool debug);

#endif
