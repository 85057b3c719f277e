/*
 * Plain requests to the object store, for presigned URLs: through a gate of
 * their own, so that stalled downloads leave the API its places. Asked by
 * range.c, set up by api.c. Loop thread only.
 */
#ifndef API_STORAGE_H
#define API_STORAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "http/http.h"

struct storage_call;
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

/* What is asked for: all that a request needs of it is copied. */
struct storage_wish {
	const char *url; /* presigned */
	int64_t first;	 /* -1: no range, the whole object */
	int64_t last;	 /* inclusive; -1: to the end */
	/* What http_head_validator said of it before (If-Range); or NULL. */
	const char *validator;
	bool speculative; /* nobody waits for it yet */
};

/*
 * Send one plain request: no credential goes along, nothing is retried, and
 * what comes is the sink's to judge. NULL, and nothing is called, with errno
 * EPROTO when the URL is not one to follow (not http or https, or in the clear
 * to another host), or ENOMEM.
 */
struct storage_call *storage_get(struct storage *storage,
    const struct storage_wish *wish, const struct http_sink *sink, void *ctx);

/* No callback comes any more. NULL is fine. */
void storage_cancel(struct storage_call *object);

/* How long to wait before another attempt, as retry_wait_ms says; budget and
 * jitter of the outcome are the store's to fill in. */
int64_t storage_retry_ms(
    struct storage *storage, const struct retry_outcome *outcome);

/* Whose timers and clock go with it. Borrowed. */
struct http *storage_http(struct storage *storage);

#endif
