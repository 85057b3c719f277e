/* Who was told to wait, by Retry-After, and comes again before that. Fed by
 * fault.c, under its lock. */
#ifndef EMULATOR_TOLD_WAITS_H
#define EMULATOR_TOLD_WAITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOLD_WAITS_MAX 1024

struct told_wait {
	uint64_t key; /* of what was asked */
	int64_t until_ms;
};

/* None at first: all zero. The oldest ones make room. */
struct told_waits {
	struct told_wait items[TOLD_WAITS_MAX];
	size_t next;
};

/* Whoever asks this shall not do so again before until_ms. */
void told_waits_add(struct told_waits *waits, uint64_t key, int64_t until_ms);

/* Whether this is asked too early. */
bool told_waits_is_early(
    const struct told_waits *waits, uint64_t key, int64_t now_ms);

#endif
