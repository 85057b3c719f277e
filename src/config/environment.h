/*
 * What the environment says of the settings. One thread, before others start.
 */
#ifndef CONFIG_ENVIRONMENT_H
#define CONFIG_ENVIRONMENT_H

#include "config/options.h"

/* Set all that has a variable that is not empty. 0, or an exit status after a
 * complaint. */
int environment_apply(struct options *options);

#endif
