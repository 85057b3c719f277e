/*
 * The keys and passwords that the environment holds: taken from there at once,
 * so that neither /proc/PID/environ nor a child has them, and kept until the
 * settings are read. One thread.
 */
#ifndef CONFIG_SECRETS_H
#define CONFIG_SECRETS_H

/* Nobody gets at our memory through a core file or a debugger. To be called
 * first of all. */
void secrets_protect(void);

/* Move them here. 0 or -ENOMEM. */
int secrets_take(void);

/* One of them by its variable's name; NULL: there is none. Borrowed. */
const char *secrets_get(const char *name);

/* Overwrite them. */
void secrets_forget(void);

#endif
