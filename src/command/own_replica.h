/* The replica of what the settings name: of the project, as this account sees
 * it. Main thread. */
#ifndef COMMAND_OWN_REPLICA_H
#define COMMAND_OWN_REPLICA_H

#include <stdbool.h>

#include "config/options.h"
#include "replica/replica.h"

/* Open it, offline also where it cannot be written. private: one that is gone
 * with this process. 0, or what replica_open says. */
int own_replica_open(
    const struct options *options, bool private, struct replica **ret_replica);

/* Say why it could not be opened, and what to do. EXIT_COULD_NOT. */
int own_replica_complain(const struct options *options, int err);

/* A table that only the replica names. */
struct own_table {
	char *name; /* NULL: the end of a list */
	bool told;  /* the server that lists tables told of it; else found by
		       use */
};

/*
 * The tables that it knows of and the settings do not name; the caller frees
 * them. Where it cannot be read, that
 * is said, and there are none. 0, or an exit status after a complaint.
 */
int own_replica_tables(
    const struct options *options, struct own_table **ret_tables);

/* The end of such tables. NULL is fine. */
void own_replica_tables_free(struct own_table *tables);

#endif
