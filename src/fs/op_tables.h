/* .bkendfs/tables: each table as one stream of records. On libfuse's threads.
 */
#ifndef FS_OP_TABLES_H
#define FS_OP_TABLES_H

#include "fs/context.h"

/* What follows a table's name in a file's. */
#define NDJSON_TAIL ".ndjson"

/* A lookup there: answers when the table's listing is whole, for then its size
 * is known; or with the error with which the listing ends. */
void tables_lookup(struct fs_context *fs, fuse_req_t req, const char *name);

#endif
