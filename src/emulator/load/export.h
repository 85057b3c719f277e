/* What the official export scripts save: whole pages, and loose objects. */
#ifndef EMULATOR_EXPORT_H
#define EMULATOR_EXPORT_H

#include "emulator/store/store.h"

/* TABLE_pageN.json: 1, with the table's length in name and the page's number;
 * 0 when it is no such name. */
int export_is_page(const char *name, size_t *ret_table_len, int64_t *ret_page);

/* Add a page's records to its table, each lying in the page's file. The place
 * is borrowed. 0, -EPROTO (with a line on stderr), -errno. */
int export_add_page(
    const char *name, const struct place *place, struct table *table);

/* Add an object without metadata: NAME or ID_NAME. The place is taken over.
 * 0 or -ENOMEM. */
int export_add_object(const char *name, struct place place, int64_t mtime_ms,
    struct table *files);

#endif
