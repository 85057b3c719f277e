/*
 * A scanner that follows nesting and strings, and nothing else: where a
 * container ends, in text that comes in pieces. What it goes over is found, and
 * not checked. Pure; used by whoever cuts values out of a stream.
 */
#ifndef JSON_SKIP_H
#define JSON_SKIP_H

#include <stdbool.h>
#include <stddef.h>

/* All zero: outside strings and containers. */
struct json_skip {
	bool in_string;
	bool escaped; /* the byte before was an escaping backslash */
	size_t depth; /* open containers */
};

/* Read on within a string, until it (in_string is false) or the data ends. */
const char *json_skip_string(
    struct json_skip *skip, const char *p, const char *end);

/* Read on from a value's first brace or from within it, until it (depth is 0)
 * or the data ends. */
const char *json_skip_container(
    struct json_skip *skip, const char *p, const char *end);

#endif
