/*
 * Numbers that look random, for jitter and for made-up faults: never for a
 * secret. The state belongs to the caller, who also sees to its threads.
 */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stdint.h>
#include <sys/random.h>

/* The next 64 bits by xorshift64 (Marsaglia 2003); *state must not be 0. */
static inline uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* A state to begin with, another one each time. */
static inline uint64_t random_seed(void)
{
	uint64_t seed;
	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed) || seed == 0)
		seed = 1;
	return seed;
}

#endif
