/*
 * What small answers say: errors, tokens, pagination, download URLs. The one
 * place here that parses into trees. Records never come through it
 * (json/json.h says why).
 * Called by the calls of this room. Pure and thread-safe.
 */
#ifndef API_ANSWER_H
#define API_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* The largest error body, and the largest small answer, that is collected. */
#define ANSWER_MAX ((size_t)256 << 10)

/* How a request failed. err is 0 (it did not) or -errno. */
struct api_error {
	int err;
	int status;  /* HTTP status; 0 when no whole answer came */
	bool unsent; /* it is of the sign-in that the request waited for */
	char code[80];
	char message[300];
};

/* Whether a body, cut short perhaps, begins as an object does: be it with the
 * first byte or two of a byte order mark. */
bool answer_may_be_object(const char *body, size_t len);

/* Append code and message from an error body of any of the three shapes (or
 * none of them: then both stay empty). What is too long is left out. */
void answer_error(
    const char *body, size_t len, struct buf *code, struct buf *message);

/* Whether a body says {"success": false} or is but an error object. */
bool answer_is_failure(const char *body, size_t len);

struct answer_tokens {
	char *access;	     /* owned */
	char *refresh;	     /* owned; NULL when none came */
	int64_t lifetime_ms; /* of the access token */
};

/* 0; -EPROTO when there is no access token; -ENOMEM. */
int answer_tokens(
    const char *body, size_t len, struct answer_tokens *ret_tokens);

/* Overwrite and free what it holds; it is empty then. */
void answer_tokens_done(struct answer_tokens *tokens);

/* A page's pagination; -1 where the answer does not say. */
struct api_page {
	int64_t total;
	int64_t page;
	int64_t limit;
	int64_t total_pages;
	int has_next;	 /* 1, 0, or -1 */
	bool no_items;	 /* items is null, which some write for none */
	int64_t date_ms; /* the server's clock when it answered; -1 */
};

/* skeleton is the listing's body without its records (json/split.h).
 * 0, or -EPROTO when it holds an error instead. */
int answer_page(const char *skeleton, size_t len, struct api_page *ret_page);

struct answer_download {
	char *url;	    /* owned; without spaces */
	int64_t size;	    /* -1: not said */
	int64_t expires_ms; /* by the server's clock, since the epoch; -1 */
	int64_t date_ms;    /* that clock when it answered; -1: not said */
	bool no_page; /* the file is said to be something else than HTML */
};

/* 0; -EPROTO when there is no URL; answer_download_done is owed then. */
int answer_download(
    const char *body, size_t len, struct answer_download *ret_download);

/* Overwrite and free what it holds; it is empty then. */
void answer_download_done(struct answer_download *download);

#endif
