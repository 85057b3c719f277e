/*
 * Connections for those who read: each has one for the time of a question. Made
 * with the replica, used by query.c. Any thread.
 */
#ifndef REPLICA_POOL_H
#define REPLICA_POOL_H

#include "replica/connection.h"

struct pool;

/* Of the database at path; empty at first. kind: of each connection. 0 or
 * -ENOMEM. */
int pool_new(
    const char *path, enum connection_kind kind, struct pool **ret_pool);

/* All have been returned. NULL is fine. */
void pool_free(struct pool *pool);

/* One that nobody else uses until it is returned. 0, or -errno of opening one
 * more. */
int pool_borrow(struct pool *pool, struct connection **ret_connection);

/* Give it back, with no statement under way. */
void pool_return(struct pool *pool, struct connection *connection);

#endif
