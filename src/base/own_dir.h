/*
 * Directories for what is nobody else's business: ours (the effective user's),
 * closed to all others, and no link, so that nobody can have put anything in
 * it, or another in its place. Thread-safe.
 */
#ifndef BASE_OWN_DIR_H
#define BASE_OWN_DIR_H

/*
 * Make the directory where it is not there yet (0700, and so are the ones above
 * it that are missing), and check that it is ours alone. *ret_path is its name
 * without any link on the way to it; the caller frees it. 0; -ELOOP: the last
 * part of path is a link; -ENOTUNIQ: it belongs to somebody else, or others
 * have access; -ENOTDIR; -ENOMEM; or what mkdir and open say.
 */
int own_dir_make(const char *path, char **ret_path);

/* Check what stands at path: 0 for nothing at all, or a regular file of ours;
 * else -ELOOP, -ENOTUNIQ or what lstat says. */
int own_file_check(const char *path);

/* What to tell a user of such an error: "it is a symbolic link, …". */
const char *own_dir_problem(int err);

#endif
