/*
 * The process that mounts, and takes the mount away at the end. The one that
 * serves has given up what both need (base/sandbox.h): the right to change what
 * is mounted, and to run fusermount3, which has more rights than its caller.
 * This one keeps them, and reads nothing that a server says: it waits for a
 * word of ours, and ends without one when we do.
 *
 * Started by the command, told what to do by session.c. One thread at a time.
 */
#ifndef FS_MOUNTER_H
#define FS_MOUNTER_H

#include <stdbool.h>

struct mounter;

struct mounter_config {
	const char *source;	/* shown as fsname */
	const char *mountpoint; /* absolute */
	const char *options;	/* further mount options, comma list, or NULL */
	bool debug;		/* libfuse's own trace on stderr */
	/* Called in the new process, which has a copy of all that is here:
	 * overwrite what is nobody's business. */
	void (*forget)(void *ctx);
	void *ctx;
};

/* Start it, while there is one thread. Nothing of the configuration is needed
 * any more then. 0 or -errno. */
int mounter_start(
    const struct mounter_config *config, struct mounter **ret_mounter);

/* Mount. *ret_fd is the kernel's end, the caller's. 0; else -errno, and
 * mounting_message says why. Once. */
int mounter_mount(struct mounter *mounter, int *ret_fd);

/* Take the mount away, however busy it is; the kernel's end has to be closed.
 * 0 or -errno: nobody is there to do so. Once, after mounter_mount. */
int mounter_unmount(struct mounter *mounter);

/* The process ends; what is mounted stays. NULL is fine. */
void mounter_free(struct mounter *mounter);

#endif
