/* From settings to a live mount, and back. */
#ifndef COMMAND_MOUNT_H
#define COMMAND_MOUNT_H

#include "config/options.h"

/*
 * Mount and serve until unmounted or told to end. on_live is called once, when
 * the mount answers. The exit status: EXIT_MOUNTED, or what went wrong, after
 * one line on stderr. Leaves nothing mounted.
 */
int start_and_serve(
    struct options *options, void (*on_live)(void *ctx), void *ctx);

/* Check the mount point before anything else is done. 0, or an exit status
 * after one line on stderr. Makes options->mountpoint absolute. */
int start_check_mountpoint(struct options *options);

#endif
