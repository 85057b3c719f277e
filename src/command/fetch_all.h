/* bkendfs --fetch: bring everything into the replica. Main thread. */
#ifndef COMMAND_FETCH_ALL_H
#define COMMAND_FETCH_ALL_H

#include "config/arguments.h"

/* The exit status: 0 only where the replica is whole. */
int fetch_all(const struct arguments *arguments);

#endif
