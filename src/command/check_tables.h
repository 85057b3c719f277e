/* The part of --check that tells of tables. Main thread. */
#ifndef COMMAND_CHECK_TABLES_H
#define COMMAND_CHECK_TABLES_H

#include "command/check_parts.h"

/* Tell of those that are named, told of, or were found by use. 0, or the signal
 * that came. */
int check_tables(struct check *check);

#endif
