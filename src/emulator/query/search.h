/*
 * Full text search: a part of any string in a record, or of a field's, letters
 * in any case. Belongs to one thread.
 */
#ifndef EMULATOR_SEARCH_H
#define EMULATOR_SEARCH_H

#include "json/json.h"

struct search;

/* field is a dotted path, or NULL: all strings, but not the members' names.
 * Both are borrowed. 0 or -ENOMEM. */
int search_new(
    const char *asked, const char *field, struct search **ret_search);

/* NULL is fine. */
void search_free(struct search *search);

/* Whether a record's text holds what is asked for: 1, 0, -E2BIG (it takes too
 * long), -EPROTO or -ENOMEM. */
int search_match(struct search *search, struct json_span text);

#endif
