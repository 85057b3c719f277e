/*
 * Regular expressions, and the parts of strings that a search asks for: the one
 * home of PCRE2. A pattern that takes too long over a text is given up, so that
 * none can eat the machine. A pattern belongs to one thread.
 */
#ifndef EMULATOR_PATTERN_H
#define EMULATOR_PATTERN_H

#include <stddef.h>

#include "base/buf.h"

struct pattern;

/* Longer ones are refused. */
#define PATTERN_LEN_MAX 4096

/* options are MongoDB's: i, m, s, x. 0; -EINVAL, with what is wrong appended to
 * problem; -ENOMEM. */
int pattern_new(const char *text, size_t len, const char *options,
    struct buf *problem, struct pattern **ret_pattern);

/* One that text itself matches, in any case. 0 or -ENOMEM. */
int pattern_new_literal(
    const char *text, size_t len, struct pattern **ret_pattern);

/* NULL is fine. */
void pattern_free(struct pattern *pattern);

/* Whether it matches anywhere in data: 1, 0, -E2BIG (it takes too long) or
 * -ENOMEM. */
int pattern_match(const struct pattern *pattern, const char *data, size_t len);

#endif
