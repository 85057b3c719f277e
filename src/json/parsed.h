/*
 * JSON as a tree, by cJSON: for answers that are ours to read, such as errors,
 * tokens and lists, never for a record. There may be tokens in one, or words of
 * a server that repeats one, so all are overwritten before they are freed. Used
 * by api and mcp.
 */
#ifndef JSON_PARSED_H
#define JSON_PARSED_H

#include <cjson/cJSON.h>

#include "base/cleanup.h"

/* The member of that name; borrowed. NULL: there is none, or object is none. */
cJSON *parsed_member(const cJSON *object, const char *name);

/* NULL is fine. */
void parsed_free(cJSON *json);

static inline void parsed_cleanup(cJSON **json)
{
	parsed_free(*json);
}

#define CLEANUP_PARSED CLEANUP(parsed_cleanup)

#endif
