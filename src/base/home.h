/* The user's home, and what is looked for in it. */
#ifndef BASE_HOME_H
#define BASE_HOME_H

/* $HOME; where the environment does not say, as in a service, or says /root to
 * anybody else, what the user database gives for anybody but root, if there is
 * such a directory. NULL: none. Borrowed until the next call; one thread. */
const char *home_dir(void);

/*
 * The name of a place in the home, of which nothing is made. *ret_path is the
 * caller's. 0, -ENOMEM, or -ENOENT: there is no home, or it is root's own (as
 * mount(8)'s helper says where nobody has, at boot), and the place is not
 * there: what root mounts by hand, and what the system mounts at boot, must not
 * have two. One thread.
 */
int home_find(const char *place, char **ret_path);

#endif
