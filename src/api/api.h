/*
 * The bkend service as typed calls (API.md). Signs in, renews tokens, retries
 * and waits by itself; what comes out is an answer or a final error.
 *
 * Everything but api_counters runs on the loop thread of the http given to
 * api_new, callbacks too. A call that is cancelled calls nothing any more.
 */
#ifndef API_API_H
#define API_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/answer.h"
#include "base/failures.h"
#include "http/http.h"

struct api;
struct api_call;
struct api_object;

/* Borrowed for the life of the api. */
struct api_config {
	const char *url;      /* without a slash at its end */
	const char *key;      /* X-API-Key */
	const char *email;    /* NULL: no account, no token */
	const char *password; /* with email */
	const char *mfa_code; /* or NULL */
	unsigned connections; /* requests at once */
	int64_t retry_ms;     /* patience with a failing server */
	/* An answer of such a status (0: none) makes a call wait for so long
	 * before it asks again. May be NULL. */
	void (*waits)(void *ctx, int status, int64_t wait_ms);
	void *ctx;
};

int api_new(struct http *http, const struct api_config *config,
    struct failures *failures, struct api **ret_api);

/* The loop must have ended: calls still under way are dropped unheard. */
void api_free(struct api *api);

/* What was sent, for .bkendfs/metrics. Any thread. */
struct api_counters {
	uint64_t requests; /* to the API */
	uint64_t objects;  /* to the object store */
	uint64_t retries;
	uint64_t sign_ins;
	uint64_t refreshes;
	uint64_t limited;   /* answers 429 */
	uint64_t bytes;	    /* of bodies received */
	int64_t quota_left; /* -1: never told */
};
void api_counters(struct api *api, struct api_counters *ret_counters);

/* Whether a published quota runs low, so that nothing should be guessed. */
bool api_quota_is_low(struct api *api);

/* In what follows, subject is the mount's path that is asked for
 * ("posts/5f.json"): it stands in .bkendfs/errors and the log when the call
 * fails. Copied. */

typedef void (*api_done_fn)(void *ctx, const struct api_error *error);

/*
 * Find out whether the server is there and lets us in: sign in where there is
 * an account, else one request that a right key is not refused (table: a name
 * to ask for, or NULL). Gives up on a broken connection, or
 * on one that stays silent, after patience_ms.
 * 0, or -ENOMEM: then done is not called.
 */
int api_probe(struct api *api, const char *table, int64_t patience_ms,
    api_done_fn done, void *ctx);

/* An answer's text, free of its envelope; borrowed for the call. */
typedef void (*api_text_fn)(
    void *ctx, const struct api_error *error, const char *text, size_t len);

/* One record; table NULL: a stored file's metadata. error->err: -ENOENT when
 * there is none (also when another record answers to that id). */
struct api_call *api_get(struct api *api, const char *subject,
    const char *table, const char *id, size_t id_len, api_text_fn done,
    void *ctx);

/* A table's .spec.json. */
struct api_call *api_spec(struct api *api, const char *subject,
    const char *table, api_text_fn done, void *ctx);

/* Which page of a listing. */
struct api_query {
	const char *subject;
	const char *table;   /* NULL: the stored files */
	int64_t page;	     /* 1 is the first */
	unsigned limit;	     /* records a page; 0: leave it to the server */
	const char *sort_by; /* NULL: by id */
	bool descending;
	const char *filters; /* andFilters as JSON text; NULL: none */
	bool speculative;    /* nobody waits for it yet */
};

struct api_page_sink {
	/* A record's text, in order. Non-zero (-errno) ends the call, which may
	 * not be cancelled from here. */
	int (*record)(void *ctx, const char *text, size_t len);
	/* The page starts over: forget its records. */
	void (*restart)(void *ctx);
	/* The end. page is NULL on error. */
	void (*done)(void *ctx, const struct api_error *error,
	    const struct api_page *page);
};

struct api_call *api_list(struct api *api, const struct api_query *query,
    const struct api_page_sink *sink, void *ctx);

/* A URL to download a stored file from; download is borrowed. */
typedef void (*api_download_fn)(void *ctx, const struct api_error *error,
    const struct answer_download *download);
struct api_call *api_download_url(struct api *api, const char *subject,
    const char *id, size_t id_len, bool speculative, api_download_fn done,
    void *ctx);

void api_cancel(struct api_call *call);

/*
 * Bytes first to last (inclusive; last -1: to the end; first -1: no range, the
 * whole object) of a presigned URL.
 * Plain: no credential goes along, nothing is retried, and what comes is the
 * sink's to judge. validator: what http_head_validator said of it before
 * (If-Range), or NULL.
 * NULL when the URL is not one to follow (not http or https, or in the clear
 * to another host) or memory is short.
 */
struct api_object *api_object_get(struct api *api, const char *url,
    int64_t first, int64_t last, const char *validator, bool speculative,
    const struct http_sink *sink, void *ctx);
void api_object_cancel(struct api_object *object);

#endif
