/* Between options.c and account.c, which read the settings. */
#ifndef CONFIG_COMPLAIN_H
#define CONFIG_COMPLAIN_H

#include "config/options.h"

/* Say what is wrong, in one line on stderr. Sets *ret_status; -EINVAL. */
int options_complain(int *ret_status, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Replace an owned string. 0, or -EINVAL after a complaint. */
int options_set_string(char **where, const char *value, int *ret_status);

/* An environment variable, or a secret that was one; NULL when unset or
 * empty. */
const char *options_environment(const char *name);

#endif
