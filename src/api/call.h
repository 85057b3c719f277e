/* Inside api/: one API request, from wish to final answer. Loop thread only. */
#ifndef API_CALL_H
#define API_CALL_H

#include <stdatomic.h>

#include "api/api.h"
#include "api/gate.h"
#include "base/buf.h"

/* The largest error body, and the largest small answer, that is collected. */
#define ANSWER_MAX ((size_t)256 << 10)

/* The largest single record or spec: see JSON_RECORD_MAX. */
#define TEXT_MAX ((size_t)64 << 20)

/* The longest URL path with its query. Ids and filters that hold some are
 * bounded, but escapes make three bytes, and in a filter more, of one. */
#define PATH_MAX_BYTES ((size_t)2 << 20)

enum token_kind { TOKEN_NONE, TOKEN_CARRIED };

struct call_spec {
	const char *method;
	const char *path;    /* URL path with query; copied */
	const char *subject; /* the mount's path, for .bkendfs/errors; copied */
	const char *body;    /* JSON, or NULL; copied */
	enum token_kind token;
	int64_t patience_ms;
	int64_t silence_ms;  /* 0: as retry_silence_ms says */
	bool once;	     /* not idempotent: never sent twice on its own */
	bool may_be_refused; /* a 400 has an answer of ours, not worth a line */
	bool expects_miss;   /* a 404 is an answer, not worth a line */
	bool speculative;
	bool urgent; /* others wait for it */
};

struct call_ops {
	/* A successful answer's next bytes. Non-zero (-errno) ends the call. */
	int (*body)(void *ctx, const char *data, size_t len);
	/* Another attempt begins: forget what came. */
	void (*restart)(void *ctx);
	/* A successful answer's header; may be NULL. */
	void (*head)(void *ctx, const struct http_head *head);
	/* The whole body came. 0, -EPROTO, or -EPIPE (it stopped early). error
	 * may be filled further. */
	int (*end)(void *ctx, struct api_error *error);
	/* Final. */
	void (*done)(void *ctx, const struct api_error *error);
	/* After done or when cancelled: free ctx. */
	void (*release)(void *ctx);
};

TAILQ_HEAD(auth_queue, auth_waiter);

/* One who waits for a token. */
struct auth_waiter {
	void (*ready)(void *ctx, const struct api_error *error);
	void *ctx;
	struct auth_queue *queue; /* NULL: does not wait */
	TAILQ_ENTRY(auth_waiter) link;
};

struct auth {
	struct api *api;
	struct answer_tokens tokens;   /* access NULL: none */
	struct answer_tokens previous; /* not used any more, but secret */
	int64_t expires_ms;	       /* http_now at which to renew */
	uint64_t generation;	       /* of tokens; grows with each pair */
	struct api_call *renewal;      /* the one under way: single flight */
	int64_t patience_ms;	       /* with sign-in ... */
	int64_t silence_ms;	       /* ... and 0, or what call_spec says */
	int64_t refused_until_ms;      /* no new try before: the last said no */
	struct api_error refusal;
	struct auth_queue waiting;
};

struct probe;

struct api {
	struct http *http;
	struct api_config config;
	struct failures *failures;
	char *key_header;    /* "X-API-Key: …" */
	struct probe *probe; /* under way, with an account */
	struct gate gate;
	struct gate storage_gate;
	struct auth auth;
	uint64_t random;
	_Atomic uint64_t requests, objects, retries, sign_ins, refreshes,
	    limited, bytes;
	_Atomic int64_t quota_left, quota_limit;
	TAILQ_HEAD(, api_call) calls;
	TAILQ_HEAD(, api_object) open_objects;
};

/* NULL when out of memory (release is called then). */
struct api_call *call_start(struct api *api, const struct call_spec *spec,
    const struct call_ops *ops, void *ctx);

/* redact.c: what an error's body says, free of our own secrets. */
void api_fill_error(
    struct api *api, const char *body, size_t len, struct api_error *error);

/* The same of an answer that sends on to another place, which it names. */
void api_fill_redirect(
    struct api *api, const char *location, struct api_error *error);

/* auth.c */
void auth_init(struct auth *auth, struct api *api);
void auth_done(struct auth *auth);

/* Whether calls that carry a token need one that is not there or too old. */
bool auth_is_due(const struct auth *auth);

/* Be called when a token is there, or cannot be had. */
void auth_wait(struct auth *auth, struct auth_waiter *waiter);
void auth_stop_waiting(struct auth_waiter *waiter);

/* The server refused the token: renew it (drop_refresh: by signing in). */
void auth_reject(struct auth *auth, bool drop_refresh);

#endif
