/* Mounting a project: from settings to a live mount, and back. */
#ifndef COMMAND_MOUNT_H
#define COMMAND_MOUNT_H

#include "command/background.h"
#include "config/arguments.h"
#include "config/options.h"
#include "replica/replica.h"

/* Mount what the settings say. The exit status; whoever is told one ends the
 * program (background_run). Main thread. */
int mount_project(const struct arguments *arguments);

/* The same once the settings are read: open the log, check the mount point,
 * and have it served. */
int mount_run(struct options *options, background_serve_fn serve);

/*
 * Mount and serve until unmounted or told to end. on_live is called once, when
 * the mount answers. The exit status: EXIT_MOUNTED, or what went wrong, after a
 * complaint. Leaves nothing mounted. Main thread.
 */
int mount_serve(struct options *options, void (*on_live)(void *ctx), void *ctx);

/*
 * Open the replica of the project and the account. private: one that is gone
 * with this process. 0, or what replica_open says. Any thread.
 */
int mount_open_replica(
    const struct options *options, bool private, struct replica **ret_replica);

/* Have the log go where the settings say. 0, or an exit status after a
 * complaint. Before threads start. */
int mount_open_log(const struct options *options);

#endif
