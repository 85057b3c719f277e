/*
 * Profiles: sections of the config file, whose lines are KEY = VALUE with the
 * keys of the settings' rows. A value is what follows the first "=" of a line,
 * without the blanks around it, and without double quotes around that: nothing
 * in it is special, so that a password needs no escapes. One thread.
 */
#ifndef CONFIG_PROFILE_H
#define CONFIG_PROFILE_H

#include "config/options.h"

/*
 * Set what a profile says. name NULL: [default], if there is one. 0, or an exit
 * status after a complaint: there is no such profile, something in it or about
 * the file is wrong, or the file holds a secret and others can read it.
 */
int profile_apply(const char *name, struct options *options);

#endif
