/* Where the replica lives when nobody says otherwise. */
#ifndef CONFIG_CACHE_DIR_H
#define CONFIG_CACHE_DIR_H

/*
 * $XDG_CACHE_HOME/bkendfs, or .cache/bkendfs in the user's home. Without a
 * home: for root /var/cache/bkendfs, for others a directory in /var/tmp, which
 * is refused later where somebody else has made it. *ret_dir is the caller's. 0
 * or -ENOMEM. One thread.
 */
int cache_dir_default(char **ret_dir);

#endif
