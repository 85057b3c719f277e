/* The directory to mount on. */
#ifndef COMMAND_MOUNTPOINT_H
#define COMMAND_MOUNTPOINT_H

#include "config/options.h"

/*
 * Check that it is one to mount on, before anything else is done, and make
 * options->mountpoint absolute and free of links. Whether something is mounted
 * there already is read from the kernel's table, so that a mount that hangs
 * holds nobody up. 0, or an exit status after a complaint. One thread.
 */
int mountpoint_check(struct options *options);

#endif
