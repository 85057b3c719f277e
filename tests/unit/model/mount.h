/*
 * What stands in for a mount: a sync over a replica in a directory of its own,
 * and the accidents that it may meet.
 */
#ifndef MODEL_MOUNT_H
#define MODEL_MOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "../fake-http.h"
#include "plan.h"
#include "sync/sync.h"

struct mount {
	struct sync *sync;
	struct replica *replica;
	int64_t dir;	     /* the directory that is listed */
	uint64_t mounted_at; /* moment */
	uint64_t hung_up_at; /* moment: of the last SIGHUP; 0: none */
	int64_t ttl_ms;
};

extern struct mount mount;

/* Promises that are not held against it: see main.c. */
struct mount_allows {
	bool remount;
	bool join;
};
extern struct mount_allows mount_allows;

void mount_reset(const struct plan *plan);
void mount_start(void);

/* hard: what was not committed is lost. Operations end, handles are gone. */
void mount_stop(bool hard);

/* The next mount_start finds nothing. */
void mount_forget_all(void);

/* Copy the replica's files, or put the copy in their place (while stopped);
 * false: there is none. */
void mount_save_replica(void);
bool mount_old_replica(void);

/* So many of the next commits fail for want of room. */
void mount_disk_full(unsigned commits);

/* Be killed after so many commits more. */
void mount_die_after(unsigned commits);
bool mount_is_dead(void);

void mount_hang_up(void);

/* While true, other_thread_fn is called wherever a lock is about to be taken:
 * as if the loop's thread ran there. */
void mount_as_other_thread(bool other, void (*fn)(void));

/* From which moment on what is told to an operation that begins now must be
 * true: believed for ttl, but not from before a SIGHUP or the mount. */
uint64_t mount_believes_from(void);

#endif
