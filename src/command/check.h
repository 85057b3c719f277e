/* --check: what a mount would show, and whether a full backup of it would
 * succeed. */
#ifndef COMMAND_CHECK_H
#define COMMAND_CHECK_H

#include "config/arguments.h"

/* Sign in, probe every table that is known and the stored files, and print a
 * report on stdout; mount nothing. The exit status: 0 where a full backup would
 * succeed. Main thread. */
int check_project(const struct arguments *arguments);

#endif
