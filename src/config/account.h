/* The API's URL, the key and the account: what a command that asks the server
 * needs beyond what was read. One thread. */
#ifndef CONFIG_ACCOUNT_H
#define CONFIG_ACCOUNT_H

#include "config/options.h"

/*
 * Check the URL, choose between the keys (an account goes with the publishable
 * one; the secret one needs none), have the commands run that know what is
 * missing, and ask for a password where nobody knows it. 0, or an exit status
 * after a complaint.
 */
int account_complete(struct options *options);

#endif
