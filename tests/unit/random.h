/* The same numbers in every run (xorshift64*), so that a failure repeats. */
#ifndef UNIT_RANDOM_H
#define UNIT_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* A number below limit; *state must not be 0. */
static inline size_t random_below(uint64_t *state, size_t limit)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return (size_t)(*state * UINT64_C(0x2545f4914f6cdd1d) >> 33) % limit;
}

#endif
