/*
 * Checkpoints: what was committed to the write-ahead log is carried over to the
 * database by a thread of its own, so that who writes never waits for the disk.
 */
#ifndef REPLICA_CHECKPOINT_H
#define REPLICA_CHECKPOINT_H

#include "replica/connection.h"

struct checkpointer;

/* Watch the commits of writer, whose database is at path. 0 or -ENOMEM,
 * -EIO. */
int checkpointer_new(const char *path, struct connection *writer,
    struct checkpointer **ret_checkpointer);

/* Before the writer is closed. NULL is fine. */
void checkpointer_free(struct checkpointer *checkpointer);

#endif
