/*
 * A text of JSON values, cut into them while it streams by: one value, several
 * with white space between them (as NDJSON has a line each), and the elements
 * of arrays that stand for themselves. All must be objects. They are found, and
 * not checked. Memory is bounded by the largest value. Not thread-safe.
 */
#ifndef EMULATOR_VALUES_H
#define EMULATOR_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct values;

/* Called with each value, in order; offset says where in the text it begins,
 * element whether it was in an array. text is borrowed. Non-zero stops. */
typedef int (*values_fn)(
    void *ctx, const char *text, size_t len, uint64_t offset, bool element);

/* Begin; values_free is owed. 0 or -ENOMEM. */
int values_new(values_fn fn, void *ctx, struct values **ret_values);

/* NULL is fine. */
void values_free(struct values *values);

/* Take the next bytes. 0; -EPROTO where they cannot belong to such a text,
 * -EMSGSIZE, -ENOMEM, or what fn returned, after which only values_free may be
 * called. */
int values_feed(struct values *values, const char *data, size_t len);

/* Whether an array began so far, be it one of nothing. */
bool values_had_array(const struct values *values);

/* The text is over: 0, or -EPROTO when it ended in the middle. */
int values_end(const struct values *values);

#endif
