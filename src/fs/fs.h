/*
 * The filesystem as the kernel sees it: the only room that knows FUSE.
 * Handlers answer from the replica at once, or hand the request to sync and
 * reply when it is done; none waits for the network.
 *
 * Made, served and ended by the command, on its main thread; fs_stop and what
 * sync calls may come on any.
 */
#ifndef FS_FS_H
#define FS_FS_H

#include <stdbool.h>
#include <stdint.h>

#include "status/file.h"
#include "sync/sync.h"

struct fs;
struct mounter;

/* Borrowed for the life of the fs. */
struct fs_config {
	struct mounter *mounter; /* of the same source, place and options */
	struct http *http;
	struct replica *replica;
	const struct status_file *files; /* of .bkendfs; a row without a name
					    ends them */
	const char *source;		 /* shown as fsname */
	const char *mountpoint;		 /* absolute */
	const char *options; /* further mount options, comma list, or NULL */
	bool raw;	     /* record text as it came */
	bool xattr;	     /* tell extended attributes */
	bool debug;	     /* libfuse's own trace on stderr */
	bool single_threaded;
	unsigned max_threads;	   /* 0: our own choice */
	unsigned max_idle_threads; /* 0: libfuse's */
};

/* Mount. 0 or -errno; nothing stays mounted then, and fs_last_message says
 * what libfuse had to say. */
int fs_new(const struct fs_config *config, struct fs **ret_fs);

/* Of libfuse, as it runs. Any thread. */
const char *fs_library_version(void);

/* libfuse's last words, without a line's end; never NULL. */
const char *fs_last_message(void);

/* sync is made with fs as its listener, so it is told afterwards. */
void fs_set_sync(struct fs *fs, struct sync *sync);

/* For sync_config.name_changed: a name of dir leads elsewhere. Any thread. */
void fs_name_changed(void *fs, int64_t dir, const char *name);

/* For sync_config.names_expired: any name may. Any thread. */
void fs_names_expired(void *fs);

/* Serve until unmounted or told to end. */
void fs_run(struct fs *fs);

/* Make fs_run return, and wait until it has, but for its own thread: there it
 * will return at once. Any thread. */
void fs_stop(struct fs *fs);

/* Take the mount away, once the loop has ended and all that waited for sync has
 * got its answer. From here on, nothing asks sync by itself. */
void fs_unmount(struct fs *fs);

/* Unmount and free. NULL is fine. */
void fs_free(struct fs *fs);

#endif
