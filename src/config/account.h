/* The API's URL, the key and the account: what a command that asks the server
 * needs beyond what was read. One thread. */
#ifndef CONFIG_ACCOUNT_H
#define CONFIG_ACCOUNT_H

#include <stdbool.h>

#include "config/options.h"

/* Whether both name one API, however they end: with a slash, or with /v1. False
 * when out of memory, too. Neither need be a URL. */
bool account_is_same_url(const char *one, const char *other);

/*
 * Check the URLs, and choose between the keys (an account goes with the
 * publishable one; the secret one needs none); have the command run that knows
 * it. 0, or an exit status after a complaint.
 */
int account_identify(struct options *options);

/* The same, and have the command run that knows the password, or ask for it
 * where nobody does. 0, or an exit status after a complaint. */
int account_complete(struct options *options);

#endif
