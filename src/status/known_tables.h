/* Which tables a mount knows, and how: for .bkendfs/status. Any thread. */
#ifndef STATUS_KNOWN_TABLES_H
#define STATUS_KNOWN_TABLES_H

#include <stdint.h>

#include "base/buf.h"
#include "status/source.h"

/* How many. A replica that cannot be read knows none, for all one can tell. */
int64_t tables_count(const struct status_source *source);

/* What stands before the words of the server. */
#define INCOMPLETE_WORDS ", INCOMPLETE, as the server itself says: "

/* Append what the server itself says is missing of dir's listing, safe to show,
 * between two texts; nothing at all where that is nothing. 0 or -errno. */
int tables_print_shortfall(const struct status_source *source, int64_t dir,
    const char *before, const char *after, struct buf *out);

/* Append a line for each listing that the server itself calls incomplete: what
 * is missing, and how to make do with the rest. 0 or -errno. */
int tables_warn(const struct status_source *source, struct buf *out);

/* Append a line each: how it is known, and whether it was listed whole. 0 or
 * -ENOMEM, or an error of the replica. */
int tables_print(const struct status_source *source, struct buf *out);

#endif
