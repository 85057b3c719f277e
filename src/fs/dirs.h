/* The directories that are open, and which of their listings the kernel may
 * hold. Any thread, but for the ends. */
#ifndef FS_DIRS_H
#define FS_DIRS_H

#include <sys/queue.h>

#include "base/lock.h"
#include "fs/beliefs.h"
#include "sync/sync.h"

struct dirs;
struct notifier;

/* What readdir replies with: bytes that are its owner's. */
struct dir_reply {
	char *data;
	size_t size;
	size_t used;
	int64_t last; /* the position of the last entry */
};

/* Room for one, empty. 0 or -ENOMEM. */
int dir_reply_init(struct dir_reply *reply, size_t size);

/* The next reply of a pass: see dir_ahead.h. */
struct dir_ahead {
	struct lock lock;
	/* Under lock. */
	struct dir_reply reply; /* its data NULL: there is none */
	int64_t after;		/* the position that it goes on from */
	uint64_t ticket;	/* see notifier_ticket */
	int64_t valid_ms;	/* of the names in it */
	int64_t made_ms;	/* timestamp_mono_ms */
	bool in_vain;		/* one was not asked for in time */
};

/* One open directory: its opener's, but for what follows open. The kernel has
 * one request for it at a time. */
struct dir {
	int64_t id;
	struct sync_dir open; /* of a listed directory */
	struct told told;     /* by readdirplus */
	struct dir_ahead ahead;
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
