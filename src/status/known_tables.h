/* Which tables a mount knows, and how: for .bkendfs/status. Any thread. */
#ifndef STATUS_KNOWN_TABLES_H
#define STATUS_KNOWN_TABLES_H

#include "status/source.h"

#include "base/buf.h"

/* How many. A replica that cannot be read knows none, for all one can tell. */
int64_t tables_count(const struct status_source *source);

/* Append a line each: how it is known, and whether it was listed whole. 0 or
 * -ENOMEM, or an error of the replica. */
int tables_print(const struct status_source *source, struct buf *out);

#endif
