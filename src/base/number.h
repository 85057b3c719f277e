/*
 * Numbers that people, and URLs, write. Pure and thread-safe. For options,
 * switches and parameters; JSON has its own grammar (json/json.h).
 */
#ifndef BASE_NUMBER_H
#define BASE_NUMBER_H

#include <stdint.h>

/* Read a whole decimal number, digits and nothing else, from least to most
 * (least is not negative). 0 or -EINVAL. */
int number_parse(const char *text, int64_t least, int64_t most, int64_t *ret);

#endif
