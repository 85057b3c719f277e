/*
 * Requests that were refused with a token, and since when: where the token was
 * of use to others after that, it is the request that is refused, and not the
 * token. For call.c. Loop thread only.
 */
#ifndef API_SUSPECTS_H
#define API_SUSPECTS_H

#include <stdint.h>

/* So many are remembered, the latest ones, ... */
#define SUSPECTS_MAX 64

/* ... for so long: a server may change its mind, in milliseconds. */
#define SUSPECTS_MS 300000

struct suspects {
	struct {
		uint64_t request;    /* a hash */
		uint64_t generation; /* 0: none, as no token has it */
		int64_t since_ms;
	} all[SUSPECTS_MAX];
	unsigned next;
};

/* A request, such as "GET /v1/data/posts/a", was refused with the token of that
 * generation, now. Since when it has been: now, if this is the first time. */
int64_t suspects_note(struct suspects *suspects, const char *method,
    const char *path, uint64_t generation, int64_t now_ms);

/* It was answered well: what had been against it says nothing any more. */
void suspects_clear(
    struct suspects *suspects, const char *method, const char *path);

#endif
