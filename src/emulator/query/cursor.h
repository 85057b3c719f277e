/*
 * A walk over the members of an object, or the elements of an array, in a
 * record's text: in one pass, without a copy and without recursion. The text
 * was checked when it was loaded; what is broken all the same ends the walk.
 * For any thread.
 */
#ifndef EMULATOR_CURSOR_H
#define EMULATOR_CURSOR_H

#include "json/json.h"

struct cursor {
	const char *at;
	const char *end;
	bool object;
};

/* Before the first member of what is an object or an array. */
void cursor_init(struct cursor *cursor, struct json_span container);

/* The next one; *ret_key, quotes included, is {NULL, 0} in an array. 1; 0 at
 * the end; -EPROTO. */
int cursor_next(struct cursor *cursor, struct json_span *ret_key,
    struct json_span *ret_value);

/* The value of the member of that name, of several the last; {NULL, 0} where
 * there is none, and of what is no object. 0, -EPROTO or -ENOMEM. */
int cursor_member(struct json_span object, const char *name, size_t name_len,
    struct json_span *ret_value);

#endif
