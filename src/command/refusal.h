/* What the server's first answer means, in words that help. Thread-safe. */
#ifndef COMMAND_REFUSAL_H
#define COMMAND_REFUSAL_H

#include <stdbool.h>

#include "api/answer.h"
#include "config/options.h"

/* What the server said, for a sentence's end. Borrowed from error. */
const char *refusal_words(const struct api_error *error);

/* Whether it asks for a second factor, or for another code than was given. */
bool refusal_wants_code(const struct api_error *error);

/*
 * 0 where we may go on, else an exit status after a complaint that says what to
 * do. Without an account only a refused key matters: a table may be missing, or
 * closed to guests.
 */
int refusal_judge(const struct options *options, const struct api_error *error);

#endif
