/* --logout: no server that lists tables is asked any more. */
#ifndef COMMAND_LOG_OUT_H
#define COMMAND_LOG_OUT_H

#include "config/arguments.h"

/* Forget the login, and have the server end it. The exit status: 0 also where
 * there was none, or the server could not be told. Main thread. */
int log_out(const struct arguments *arguments);

#endif
