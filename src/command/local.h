/* Projects that need no server elsewhere: one of our own serves them, for this
 * mount alone. */
#ifndef COMMAND_LOCAL_H
#define COMMAND_LOCAL_H

#include "config/arguments.h"

/* Mount the sample project. What the environment says is of another one, and
 * is left out. The exit status, as mount_project's. Main thread. */
int local_demo(const struct arguments *arguments);

/* Mount the directory that is the source. Likewise. */
int local_directory(const struct arguments *arguments);

#endif
