/* The user's home. */
#ifndef BASE_HOME_H
#define BASE_HOME_H

/* $HOME; where the environment does not say, as in a service, what the user
 * database gives for anybody but root, if there is such a directory. NULL:
 * none. Borrowed until the next call; one thread. */
const char *home_dir(void);

#endif
