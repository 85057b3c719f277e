/*
 * The bkend service as typed calls. Signs in, renews tokens, retries and waits
 * by itself; what comes out is an answer or a final error. Made by command/,
 * asked by sync/.
 *
 * Everything but api_counters, api_shortfall and api_quota_is_low runs on the
 * loop thread of the http given to api_new, callbacks too.
 *
 * A call is its own: it ends with its done, which comes once and not before the
 * call has been returned, or with api_cancel. A function that begins one
 * returns NULL when memory is short; done is not called then. Whatever a
 * callback is handed is borrowed until it returns. errors to expect of a call,
 * besides those named: -EACCES, -ENOENT, -EIO, -ENETUNREACH, -ETIMEDOUT,
 * -EPROTO (retry.h), -EKEYREJECTED, -EMFILE, -ENFILE, -ENOMEM.
 */
#ifndef API_API_H
#define API_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/answer.h"
#include "api/presence.h"
#include "api/token_keeper.h"
#include "base/failures.h"
#include "http/http.h"

struct api;
struct api_call;

/* Its strings are borrowed for the life of the api. */
struct api_config {
	const char *url;      /* without a slash at its end */
	const char *key;      /* X-API-Key */
	const char *email;    /* NULL: no account, no token */
	const char *password; /* with email; NULL: only with a keeper */
	const struct api_keeper *keeper; /* NULL: none */
	const char *mfa_code;		 /* or NULL */
	unsigned connections;		 /* requests at once */
	int64_t retry_ms;		 /* patience with a failing server */
	bool lacks_specs; /* those that are refused are none at all */
	/* An answer of such a status (0: none) makes a call wait for so long
	 * before it asks again. May be NULL. */
	void (*waits)(void *ctx, int status, int64_t wait_ms);
	void *ctx;
};

/* http and failures are borrowed for its life. Nothing is sent yet. 0 or
 * -ENOMEM. */
int api_new(struct http *http, const struct api_config *config,
    struct failures *failures, struct api **ret_api);

/* The loop must have ended: calls still under way are dropped unheard. NULL is
 * fine. */
void api_free(struct api *api);

/* Sign in with another code from here on, also at once if the last one was
 * refused just now. Borrowed for the life of the api, or until the next. */
void api_set_mfa_code(struct api *api, const char *code);

/* What was sent, and came. */
struct api_counters {
	uint64_t requests; /* to the API */
	uint64_t objects;  /* to the object store */
	uint64_t retries;
	uint64_t sign_ins;
	uint64_t refreshes;
	uint64_t limited;   /* answers 429 */
	uint64_t bytes;	    /* of bodies received */
	int64_t quota_left; /* -1: never told */
	/* Nothing is asked before, as the server wishes: wall clock. */
	int64_t held_until_ms;
};

/* The counts since the start, for .bkendfs/metrics. Any thread. */
void api_counters(struct api *api, struct api_counters *ret_counters);

/* Whether a published quota runs low, so that nothing should be guessed.
 * Any thread. */
bool api_quota_is_low(struct api *api);

/* Room for the words of api_shortfall. */
#define API_SHORTFALL_SIZE 300

/* Whether the server itself says, with the last page of a table (NULL: of the
 * list of files) that it sent, that something of it is missing there, so that
 * no listing of it is whole however well it went; and in what words, which are
 * not yet made safe for a terminal. Any thread. */
bool api_shortfall(struct api *api, const char *table, char *out, size_t size);

/* In what follows, subject is the mount's path that is asked for
 * ("posts/5f.json"): it stands in .bkendfs/errors and the log when the call
 * fails. Copied. */

/* How it ended: error->err 0 when well. */
typedef void (*api_done_fn)(void *ctx, const struct api_error *error);

/*
 * Find out whether the server is there and lets us in: sign in where there is
 * an account, else one request that a right key is not refused (table: a name
 * to ask for, or NULL). Gives up on a broken connection, or
 * on one that stays silent, after patience_ms. One at a time; it cannot be
 * cancelled. Where a sign-in was refused just now, done is called before this
 * returns. 0, or -ENOMEM: then done is not called.
 */
int api_probe(struct api *api, const char *table, int64_t patience_ms,
    api_done_fn done, void *ctx);

/* An answer's text, free of its envelope; NULL on error. */
typedef void (*api_text_fn)(
    void *ctx, const struct api_error *error, const char *text, size_t len);

/* One record; table NULL: a stored file's metadata. error->err: -ENOENT when
 * there is none (also when another record answers to that id). presence: told
 * of, if it is known from before. */
struct api_call *api_get(struct api *api, const char *subject,
    const char *table, const char *id, size_t id_len,
    enum api_presence presence, api_text_fn done, void *ctx);

/* A table's .spec.json. error->err: -ENOENT when the server says in words of
 * its own that it has none for us, with whatever status; another one when it
 * fails, which leaves open whether there is one. */
struct api_call *api_spec(struct api *api, const char *subject,
    const char *table, api_text_fn done, void *ctx);

/* The account that we are signed in with. */
struct api_call *api_me(struct api *api, api_text_fn done, void *ctx);

/* Which page of a listing. Its strings are copied. */
struct api_query {
	const char *subject;
	const char *table;   /* NULL: the stored files */
	int64_t page;	     /* 1 is the first */
	unsigned limit;	     /* records a page; 0: leave it to the server */
	const char *sort_by; /* NULL: by id */
	bool descending;
	const char *filters; /* andFilters as JSON text; NULL: none */
	bool speculative;    /* nobody waits for it yet */
	bool expects_miss;   /* the table may well not be there: a 404 is an
				answer, not worth a line */
	enum api_presence presence;
	bool may_fail; /* it is asked but once (again only where the server
			  limits us), and a failure is not worth a line:
			  there is another way */
};

/* Where a page goes. The sink itself must outlive the call. */
struct api_page_sink {
	/* A record's text, in order. Non-zero (-errno) ends the call, which may
	 * not be cancelled from here. */
	int (*record)(void *ctx, const char *text, size_t len);
	/* The page starts over: forget its records. */
	void (*restart)(void *ctx);
	/* The end. page is NULL on error. */
	void (*done)(void *ctx, const struct api_error *error,
	    const struct api_page *page);
	/* All records of a page came; as record. NULL: nobody asks. */
	int (*end)(void *ctx);
	/* record checks each text itself, strictly: nobody did before. */
	bool checks;
};

/* One page. A 400 to one with filters or an order of its own is an answer, of
 * which .bkendfs/errors tells nothing. */
struct api_call *api_list(struct api *api, const struct api_query *query,
    const struct api_page_sink *sink, void *ctx);

/* Where from; NULL on error. */
typedef void (*api_download_fn)(void *ctx, const struct api_error *error,
    const struct answer_download *download);

/* A URL to download a stored file from. speculative: nobody waits yet. */
struct api_call *api_download_url(struct api *api, const char *subject,
    const char *id, size_t id_len, bool speculative, api_download_fn done,
    void *ctx);

/* End a call: nothing is called any more. Not from within record. NULL is
 * fine. */
void api_cancel(struct api_call *call);

#endif
