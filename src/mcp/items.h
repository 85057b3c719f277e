/*
 * What a tool or a resource answers with: items, and whether there are more
 * pages of them. The answer stands as JSON text within the result. Pure; one
 * thread. Called by finder.c.
 */
#ifndef MCP_ITEMS_H
#define MCP_ITEMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct cJSON;
struct items;

/* Read the result of tools/call or resources/read. 0; -EACCES: the tool says
 * that it failed, and *words (borrowed until items_free) how; -EPROTO: there
 * are no items in it; -ENOMEM. items_free is owed in all cases but -ENOMEM. */
int items_read(
    const struct cJSON *result, struct items **ret_items, const char **words);

/* NULL is fine. */
void items_free(struct items *items);

/* How many there are on the page. */
size_t items_count(const struct items *items);

/* A text of an item: the first of the names (NULL ends) that it has; numbers
 * count. NULL: none. Borrowed. */
const char *items_text(
    const struct items *items, size_t index, const char *const *names);

/* Whether another page follows, as the answer says it: 1, 0, or -1 where it
 * does not. seen is how many were on this page and those before. */
int items_more(const struct items *items, int64_t page, int64_t seen);

/* A text that a result holds, all of it, as it stands: for what is no JSON. 0,
 * -ENOMEM or -EMSGSIZE. */
int items_raw(const struct cJSON *result, struct buf *out);

#endif
