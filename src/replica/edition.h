/* Replicas of a project that was replaced by another edition of it: what is no
 * more is not kept. Inside replica/ only. */
#ifndef REPLICA_EDITION_H
#define REPLICA_EDITION_H

/*
 * Remove from the directory dir all that belongs to replicas whose names begin
 * with prefix, but for the one whose name is own, and those that are open. What
 * cannot be removed stays. For who has opened own.
 */
void edition_sweep(const char *dir, const char *prefix, const char *own);

/* The name of the file that is locked by who has a database open; the caller
 * frees it. NULL: out of memory. */
char *edition_lock_path(const char *database);

#endif
