/*
 * What the environment says: settings, and where this user's files are. One
 * thread, before others start.
 */
#ifndef CONFIG_ENVIRONMENT_H
#define CONFIG_ENVIRONMENT_H

#include "config/options.h"

/* Set all that has a variable that is not empty. 0, or an exit status after a
 * complaint. */
int environment_apply(struct options *options);

/*
 * Where the replica lives when nobody says otherwise: $XDG_CACHE_HOME/bkendfs,
 * or .cache/bkendfs in the user's home. Without a home: for root
 * /var/cache/bkendfs, for others a directory in /var/tmp, which is refused
 * later where somebody else has made it. *ret_dir is the caller's. 0, or an
 * exit status after a complaint.
 */
int environment_cache_dir(char **ret_dir);

#endif
