/*
 * How many requests for one object are under way at once: few, where the store
 * is so close that more only get into each other's way.
 *
 * intake.c owns it. Loop thread only.
 */
#ifndef SYNC_OBJECT_PACE_H
#define SYNC_OBJECT_PACE_H

#include <stdbool.h>
#include <stdint.h>

struct http;
struct pace;

/* go: those that waited for one less to be under way are to be sent; from the
 * loop. NULL: out of memory. */
struct pace *pace_new(struct http *http, void (*go)(void *ctx), void *ctx);

/* NULL is fine. */
void pace_free(struct pace *pace);

/* Whether so many requests are enough for now. */
bool pace_is_full(const struct pace *pace, unsigned under_way);

/* One is over: go follows, where others may wait. 0 or -ENOMEM. */
int pace_over(struct pace *pace);

/* A request for so many bytes took so long. */
void pace_learn(struct pace *pace, int64_t len, int64_t took_ms);

#endif
