/*
 * What a mount tells of itself: the files of .bkendfs. Made by the command,
 * which hands the rows to fs. Any thread; nothing here waits for the network.
 */
#ifndef STATUS_STATUS_H
#define STATUS_STATUS_H

#include "status/file.h"
#include "status/source.h"

struct status;

/* source is copied. NULL: out of memory. */
struct status *status_new(const struct status_source *source);

/* Nobody reads the files any more. NULL is fine. */
void status_free(struct status *status);

/* The rows, up to one without a name; borrowed. */
const struct status_file *status_files(const struct status *status);

/* What who mounts should know, in one line for the start, status and errors:
 * that no table is known. NULL: nothing. A text that lives for ever. */
const char *status_warning(const struct status *status);

/* Append the same of each listing that the server itself called incomplete when
 * it was listed last: a line each. 0 or -errno. */
int status_incomplete(const struct status *status, struct buf *out);

#endif
