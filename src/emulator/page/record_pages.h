/* The pages of a table's records: a list, and one of them. For site.c; on the
 * connection's thread. */
#ifndef EMULATOR_RECORD_PAGES_H
#define EMULATOR_RECORD_PAGES_H

#include "emulator/page/frame.h"

/* ?name=TABLE&page=N. 0, -ENOENT (no such table, and nothing is written) or
 * -errno. */
int record_pages_list(const struct view *view);

/* ?table=TABLE&id=ID. 0, -ENOENT (no such record) or -errno. */
int record_pages_view(const struct view *view);

/* ?table=TABLE&id=ID: its text as it is, into out. 0, -ENOENT or -errno. */
int record_pages_read_text(
    const struct site *site, const struct request *request, struct buf *out);

#endif
