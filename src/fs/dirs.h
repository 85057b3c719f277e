/* The directories that are open, and which of their listings the kernel may
 * hold. Any thread, but for the ends. */
#ifndef FS_DIRS_H
#define FS_DIRS_H

#include <sys/queue.h>

#include "fs/beliefs.h"
#include "sync/sync.h"

struct dirs;
struct notifier;

/* One open directory: its opener's, but for what follows open. */
struct dir {
	int64_t id;
	struct sync_dir open; /* of a listed directory */
	struct told told;     /* by readdirplus */
	uint64_t kept; /* the kernel keeps what is read here: its version */
	LIST_ENTRY(dir) link;
};

/* NULL: out of memory. */
struct dirs *dirs_new(void);

/* With what was left open when the mount ended. NULL is fine. */
void dirs_free(struct dirs *dirs, struct notifier *notifier);

/* Open one, for dirs_close. NULL: out of memory. */
struct dir *dirs_open(struct dirs *dirs, int64_t id);

/* Close it: the pointer is dead. */
void dirs_close(struct dirs *dirs, struct notifier *notifier, struct dir *dir);

/* Whether the kernel may keep what is read of a directory. */
enum dirs_caching {
	DIRS_UNCACHED,
	DIRS_CACHED,	    /* from now on */
	DIRS_CACHED_BEFORE, /* what it has already stays right */
};

/*
 * A directory that has just been opened shows a whole listing of that version.
 * The kernel has one memory for all who read a directory: while somebody may
 * fill it with another version, nobody else shall read it.
 */
enum dirs_caching dirs_cache(
    struct dirs *dirs, struct dir *dir, uint64_t version);

#endif
