/*
 * A field's values in a record, by its dotted path and MongoDB's rules: a step
 * leads into a document, and into every document of an array; a number leads to
 * an array's element as well. Pure, for any thread.
 */
#ifndef EMULATOR_PATH_H
#define EMULATOR_PATH_H

#include "json/json.h"

/* Is told of one value; {NULL, 0}: a document on the way has no such member.
 * Other than 0 ends the walk. */
typedef int path_visit(void *ctx, struct json_span value);

/* Tell visit of each value. What it ended the walk with, 0, -EPROTO or
 * -ENOMEM. */
int path_walk(
    struct json_span document, const char *path, path_visit *visit, void *ctx);

#endif
