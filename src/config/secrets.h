/*
 * The keys and passwords that the environment holds: taken from there at once,
 * so that neither /proc/PID/environ nor a child has them, and kept until the
 * settings are read. One thread.
 */
#ifndef CONFIG_SECRETS_H
#define CONFIG_SECRETS_H

#include "config/setting.h"

/* Nobody gets at our memory through a core file or a debugger. To be called
 * first of all. */
void secrets_protect(void);

/* Move them here. 0 or -ENOMEM. */
int secrets_take(void);

/* The one of that row of the settings; NULL: there is none. Borrowed. */
const char *secrets_get(const struct setting *setting);

/* Overwrite them. */
void secrets_forget(void);

#endif
