/*
 * A transport that does nothing by itself: requests are kept until the test
 * answers them, in any order, and time passes when the test says so. One
 * thread, no sleeping, the same in every run.
 */
#ifndef FAKE_HTTP_H
#define FAKE_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/http.h"

/* Where the fake clock begins. */
#define FAKE_BEGIN_MS INT64_C(1000000)

struct fake;

struct fake *fake_new(void);
void fake_free(struct fake *fake);

/* The transport itself; gone with the fake. */
struct http *fake_http(struct fake *fake);

int64_t fake_now(struct fake *fake);

/* Run what was posted and every timer that is due, until nothing is left. */
void fake_run(struct fake *fake);

/* Let time pass in the timers' part of the loop's turn: those that are due run,
 * and what was posted meanwhile does not yet. */
void fake_run_timers(struct fake *fake, int64_t ms);

/* Let time pass; timers fire in order, each at its own time. */
void fake_advance(struct fake *fake, int64_t ms);

/* Go to the next timer's time and run it. False: there is none. */
bool fake_advance_to_timer(struct fake *fake);

size_t fake_timer_count(struct fake *fake);

/* ---- requests ---- */

/* How many were started since the beginning, and which: the oldest is 0. */
size_t fake_count(struct fake *fake);
struct http_call *fake_call(struct fake *fake, size_t number);

/* Those that wait for an answer. */
size_t fake_open_count(struct fake *fake);
struct http_call *fake_open(struct fake *fake, size_t index);

/* The oldest open one whose "METHOD URL" begins with text, or NULL. The URL
 * counts from its path on when it begins with FAKE_URL. */
#define FAKE_URL "https://api.test"
struct http_call *fake_find(struct fake *fake, const char *text);

/* What was sent; borrowed until fake_free. */
const char *fake_line(const struct http_call *call); /* "METHOD URL" */
const char *fake_body(const struct http_call *call); /* NULL: none */
const char *fake_header(const struct http_call *call, const char *name);
size_t fake_header_count(const struct http_call *call);
bool fake_is_open(const struct http_call *call);
bool fake_was_cancelled(const struct http_call *call);
bool fake_is_fresh(const struct http_call *call);
int64_t fake_silence_ms(const struct http_call *call);
bool fake_follows_redirects(const struct http_call *call);

/* ---- answers ---- */

struct fake_answer {
	int status;
	const char *body; /* NULL: empty */
	size_t len;	  /* 0: a string */
	size_t chunk;	  /* bytes handed over at a time; 0: all at once */
	bool length_told; /* Content-Length is there ... */
	int64_t length;	  /* ... and is this; 0: that of the range, or of
			     what is given */
	bool range;	  /* Content-Range is there ... */
	int64_t range_start;
	int64_t range_end;
	int64_t range_total;	/* ... -1: '*' */
	bool nowhere;		/* Content-Range: bytes * /range_total */
	int64_t retry_after_ms; /* 0: none */
	bool quota;		/* X-RateLimit-Remaining is there */
	int64_t quota_left;
	int64_t date_ms; /* 0: no Date */
	const char *etag;
	const char *location; /* where it sends on to */
	const char *modified; /* Last-Modified ... */
	int64_t modified_ms;  /* ... and when that is */
	bool by_close; /* no length, no chunks: ends with the connection */
	bool encoded;  /* Content-Encoding is there */
	bool page;     /* Content-Type is that of HTML */
	int err;       /* how the transfer ends after the body; 0: well */
};

/* Answer an open call, and run what follows. */
void fake_answer(struct http_call *call, const struct fake_answer *answer);
#define ANSWER(call, ...)                                                      \
	fake_answer(call, &(const struct fake_answer){__VA_ARGS__})

/* The head and a part of the body; the call stays open. */
void fake_begin_answer(
    struct http_call *call, const struct fake_answer *answer);

/* The same, but nothing else happens yet: what is answered next comes in the
 * same turn of the loop. */
void fake_give(struct http_call *call, const struct fake_answer *answer);

/* The transfer breaks: nothing (more) comes. */
void fake_break(struct http_call *call, int err);

#endif
