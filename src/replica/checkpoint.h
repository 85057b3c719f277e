/*
 * Checkpoints: what was committed to the write-ahead log is carried over to the
 * database by a thread of its own, so that who writes never waits for the disk.
 */
#ifndef REPLICA_CHECKPOINT_H
#define REPLICA_CHECKPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "replica/connection.h"

struct checkpointer;

/* Watch the commits of writer, whose database is at path. 0 or -ENOMEM,
 * -EIO. */
int checkpointer_new(const char *path, struct connection *writer,
    struct checkpointer **ret_checkpointer);

/*
 * The last one, after the last commit and without any reader: it is given up
 * after so long, in milliseconds, or as soon as the disk answers then. Whether
 * the log is empty now. Called once, before checkpointer_free.
 */
bool checkpointer_finish(struct checkpointer *checkpointer, int64_t ms);

/* Before the writer is closed. NULL is fine. */
void checkpointer_free(struct checkpointer *checkpointer);

#endif
