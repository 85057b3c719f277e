/*
 * What the environment says of the settings. One thread, before others start.
 */
#ifndef CONFIG_ENVIRONMENT_H
#define CONFIG_ENVIRONMENT_H

#include "config/options.h"

/*
 * Set all that has a variable that is not empty, over what a profile says. A
 * key there replaces both of the profile's, and another account its password.
 * 0, or an exit status after a complaint.
 */
int environment_apply(struct options *options);

/* The same of what is said of this machine, and not of a project: where the
 * replicas are. */
int environment_apply_here(struct options *options);

/*
 * Where the profiles are: $XDG_CONFIG_HOME/bkendfs/config, or
 * .config/bkendfs/config in the user's home, or /etc/bkendfs/config where there
 * is no home, and for root where its home has none (see home_find). *ret_path
 * is the caller's. 0, or an exit status after a complaint.
 */
int environment_config_file(char **ret_path);

#endif
