/*
 * The place that a browser comes back to after a login: a web server on a free
 * port of 127.0.0.1 (RFC 8252), for one answer. Whatever else comes is told so
 * and changes nothing: a foreign path, a foreign state, a foreign Host. The one
 * home of libmicrohttpd in bkendfs; called by login.c, on one thread.
 */
#ifndef MCP_LOOPBACK_H
#define MCP_LOOPBACK_H

#include <stdbool.h>
#include <stdint.h>

struct loopback;

/* Begin to serve. state is what the answer has to have; copied. 0, -ENOMEM, or
 * -EADDRINUSE where there is no port. */
int loopback_open(const char *state, struct loopback **ret_loopback);

/* Where the answer has to come to: http://127.0.0.1:PORT/callback. Borrowed. */
const char *loopback_uri(const struct loopback *loopback);

/* An answer must say that it is of this server; borrowed for the life of the
 * loopback. required: also where it does not say of which it is. Before the
 * browser is sent on its way. */
void loopback_expect(
    struct loopback *loopback, const char *issuer, bool required);

/* What came. */
struct loopback_answer {
	char *code;	 /* owned, a secret; NULL: none was given */
	char error[80];	 /* "access_denied" and the like; "" with a code */
	char words[300]; /* what it says of that */
};

/* Wait for it. 0; -ETIMEDOUT; -ECANCELED. */
int loopback_wait(struct loopback *loopback, int64_t patience_ms,
    struct loopback_answer *ret_answer);

/* Whoever waits, now and from here on, gets -ECANCELED. Any thread. */
void loopback_cancel(struct loopback *loopback);

/* What came of it, for the page in the browser, which waits for that. message
 * is shown as text, whatever is in it. */
void loopback_conclude(
    struct loopback *loopback, bool well, const char *message);

/* Let a page that is on its way arrive, for a moment, and end. NULL is fine. */
void loopback_close(struct loopback *loopback);

#endif
