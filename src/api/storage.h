/*
 * Plain requests to the object store, for presigned URLs: through a gate of
 * their own, so that stalled downloads leave the API its places. Called by
 * range.c, and by api.c for api_object_get. Loop thread only.
 */
#ifndef API_STORAGE_H
#define API_STORAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "http/http.h"

struct api_object;
struct counts;
struct retry_outcome;
struct storage;

/* http and counts are borrowed; connections: requests at once; patience_ms:
 * with a failing store. NULL: out of memory. */
struct storage *storage_new(struct http *http, unsigned connections,
    int64_t patience_ms, struct counts *counts);

/* Requests still under way are dropped unheard. The loop must have ended. NULL
 * is fine. */
void storage_free(struct storage *storage);

/* What is asked for; borrowed for the call. */
struct storage_wish {
	const char *url;
	int64_t first; /* -1: no range, the whole object */
	int64_t last;  /* inclusive; -1: to the end */
	const char *validator;
	bool speculative;
};

/* As api_object_get (api.h). NULL with errno EPROTO (no URL to follow) or
 * ENOMEM. */
struct api_object *storage_get(struct storage *storage,
    const struct storage_wish *wish, const struct http_sink *sink, void *ctx);

/* No callback comes any more. NULL is fine. */
void storage_cancel(struct api_object *object);

/* How long to wait before another attempt, as retry_wait_ms says; budget and
 * jitter of the outcome are the store's to fill in. */
int64_t storage_retry_ms(
    struct storage *storage, const struct retry_outcome *outcome);

/* Whose timers and clock go with it. Borrowed. */
struct http *storage_http(struct storage *storage);

#endif
