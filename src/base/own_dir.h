/*
 * Directories for what is nobody else's business: ours (the effective user's),
 * closed to all others, and no link, so that nobody can have put anything in
 * it, or another in its place. Thread-safe.
 */
#ifndef BASE_OWN_DIR_H
#define BASE_OWN_DIR_H

/* What a directory is for, of the kinds that the XDG base directories know. */
enum own_dir_kind { OWN_DIR_CACHE, OWN_DIR_STATE };

/*
 * The program's own directory of that kind, of which nothing is made or
 * checked: bkendfs below $XDG_CACHE_HOME or $XDG_STATE_HOME, where that is an
 * absolute name; else below .cache or .local/state in the user's home, which is
 * for root the one that is there already (see home_find). Else the service's
 * own, where systemd has made one; else for root below /var/cache or /var/lib.
 * *ret_path is the caller's. 0; -ENOENT: there is none, and own_dir_nowhere
 * says what to set; -ENOMEM. One thread: it asks for the home.
 */
int own_dir_default(enum own_dir_kind kind, char **ret_path);

/* What to tell a user who has none: "there is no home …: set …". */
const char *own_dir_nowhere(enum own_dir_kind kind);

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
