/* Directories for replicas that are to be gone with their mount. Each holds a
 * file that its mount has locked, so that those of mounts which were killed
 * can be told from others. Any thread. */
#ifndef REPLICA_PRIVATE_H
#define REPLICA_PRIVATE_H

/* Make one in dir, which is ours alone. *ret_path is the caller's; *ret_lock
 * must stay open for as long as it is used. 0 or -errno. */
int private_make(const char *dir, char **ret_path, int *ret_lock);

/* The same in a directory where others make theirs, too: it has a name that
 * tells what it is, and that nobody can guess. */
int private_make_shared(const char *dir, char **ret_path, int *ret_lock);

/* Remove it with all that is in it. */
void private_remove(const char *path);

/* Remove those in dir that nobody holds any more. */
void private_sweep(const char *dir);

/* The same of ours where others have theirs, too. */
void private_sweep_shared(const char *dir);

#endif
