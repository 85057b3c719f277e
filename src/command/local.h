/* The sample project: an emulator of our own, for this mount alone. */
#ifndef COMMAND_LOCAL_H
#define COMMAND_LOCAL_H

#include <sys/types.h>

#include "config/options.h"

/* Start bkend-emulator and take its settings over into options. It ends when
 * this process does. 0 and its process id, or an exit status after one line on
 * stderr. Call it from the main thread: the emulator goes with that. */
int demo_start(struct options *options, pid_t *ret_pid);

/* End it. */
void demo_stop(pid_t pid);

#endif
