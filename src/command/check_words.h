/* How --check says things, on stdout. Main thread. */
#ifndef COMMAND_CHECK_WORDS_H
#define COMMAND_CHECK_WORDS_H

#include <stdint.h>

#include "api/answer.h"
#include "command/survey.h"

/* What a server says, for a terminal: its words, its code and the status. */
void check_print_reason(const struct api_error *error);

/* "1.5 MB" */
void check_print_bytes(double bytes);

/* "one file", or "files": an s more. */
void check_print_count(int64_t count, const char *one);

/* How many items a listing has, as far as it says so. */
int64_t check_count_of(const struct survey_listing *listing);

/* The same in words. */
void check_print_items(const struct survey_listing *listing, const char *one);

#endif
