/*
 * Which pages of a browser may read the answers. A page names where it comes
 * from in the header Origin; those on this machine are let, as those who test
 * an app there need it, and what --allow-origin names. Pure, for any thread.
 */
#ifndef EMULATOR_ORIGIN_H
#define EMULATOR_ORIGIN_H

#include <stdbool.h>
#include <stddef.h>

#define ORIGINS_MAX 32

/* Origins to be let besides; borrowed. */
struct origins {
	const char *items[ORIGINS_MAX];
	size_t count;
};

/* Whether it has an origin's form, scheme://host[:port], or is "null", which
 * pages out of files have. */
bool origin_is_valid(const char *text);

/* Whether an Origin header's value is one of a page on this machine
 * (http://localhost:3000, https://127.0.0.1), or one of the origins. */
bool origin_is_allowed(const char *origin, const struct origins *origins);

#endif
