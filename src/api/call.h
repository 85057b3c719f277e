/*
 * One API request, from wish to final answer: through the gate, with the token,
 * retried, its failure told. Called by auth.c, list.c, get.c and probe.c,
 * which know what the answer means. Loop thread only.
 */
#ifndef API_CALL_H
#define API_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/answer.h"
#include "api/presence.h"
#include "http/http.h"

struct api_call;
struct calls;
struct counts;
struct failures;
struct redact;
struct token;

/* The longest URL path with its query. Ids and filters that hold some are
 * bounded, but escapes make three bytes, and in a filter more, of one. */
#define PATH_MAX_BYTES ((size_t)2 << 20)

/* What all calls to one API share. Everything is borrowed. */
struct calls_config {
	struct http *http;
	const char *url;
	const char *key;     /* X-API-Key */
	struct token *token; /* NULL: no account, calls carry none */
	const struct redact *redact;
	struct failures *failures;
	struct counts *counts;
	unsigned connections; /* requests at once */
	/* As struct api_config says (api.h). May be NULL. */
	void (*waits)(void *ctx, int status, int64_t wait_ms);
	void *ctx;
};

/* NULL: out of memory. */
struct calls *calls_new(const struct calls_config *config);

/* Calls still under way are dropped unheard. The loop must have ended. NULL is
 * fine. */
void calls_free(struct calls *calls);

struct call_spec {
	const char *method;
	const char *path;    /* URL path with query; copied */
	const char *subject; /* the mount's path, for .bkendfs/errors; copied */
	const char *body;    /* JSON, or NULL; copied */
	bool with_token;     /* where there is an account */
	bool tries_token;    /* a 401 is the answer: no other token is got */
	int64_t patience_ms;
	int64_t silence_ms;  /* 0: as retry_silence_ms says */
	bool once;	     /* not idempotent: never sent twice on its own */
	bool may_be_refused; /* a 400 has an answer of ours, not worth a line */
	bool expects_miss;   /* a 404 is an answer, not worth a line */
	enum api_presence presence;
	bool of_files;	      /* it is their listing */
	bool expects_refusal; /* the same of a 403 */
	bool doubts_refusal;  /* one without a word of the API is asked for
				 once more */
	bool may_fail;	      /* no failure is worth another attempt (but for a
				 rate limit), or a line */
	bool speculative;
	bool urgent; /* others wait for it */
};

struct call_ops {
	/* The first four may be NULL: then what the answer says does not
	 * matter. */
	/* A successful answer's next bytes. Non-zero (-errno) ends the call. */
	int (*body)(void *ctx, const char *data, size_t len);
	/* Another attempt begins: forget what came. */
	void (*restart)(void *ctx);
	/* A successful answer's header. */
	void (*head)(void *ctx, const struct http_head *head);
	/* The whole body came. 0, -EPROTO, or -EPIPE (it stopped early). error
	 * may be filled further. */
	int (*end)(void *ctx, struct api_error *error);
	/* Final. */
	void (*done)(void *ctx, const struct api_error *error);
	/* After done or when cancelled: free ctx. */
	void (*release)(void *ctx);
};

/* Begin a call; no callback comes before this returns. NULL when out of memory
 * (release is called then). */
struct api_call *call_start(struct calls *calls, const struct call_spec *spec,
    const struct call_ops *ops, void *ctx);

/* End a call; nothing but release is called any more. NULL is fine. */
void call_cancel(struct api_call *call);

#endif
