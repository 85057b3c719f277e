/* --login: have the server that lists tables tell them, from now on. */
#ifndef COMMAND_LOG_IN_H
#define COMMAND_LOG_IN_H

#include "config/arguments.h"

/* Log in, in the browser. The exit status. Main thread. */
int log_in(const struct arguments *arguments);

#endif
