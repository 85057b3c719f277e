/* What every fuzz target offers and needs. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

/* The entry point that libFuzzer and driver.c call. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An assertion that release builds keep. */
#define MUST(condition)                                                        \
	do {                                                                   \
		if (!(condition)) {                                            \
			fprintf(stderr, "%s:%d: not true: %s\n", __FILE__,     \
			    __LINE__, #condition);                             \
			abort();                                               \
		}                                                              \
	} while (0)

/* The input as a text, with a NUL behind it; to be freed. */
static inline char *text_of(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	MUST(text);
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

/* For targets whose code logs: what is said of odd inputs is of no use. */
static inline void be_quiet(void)
{
	static bool quiet;
	if (!quiet)
		MUST(log_open_file("/dev/null") == 0);
	quiet = true;
}

#endif
