/*
 * Requests that are waited for: what speaks to the server that lists tables is
 * a conversation, in which each question depends on the last answer. It is led
 * by a thread that may wait, while the transfers are the loop's.
 *
 * Nobody waits longer than was said, nor once it is cancelled. Answers are
 * bounded. Redirects are not followed. Any thread but the loop's.
 */
#ifndef MCP_WEB_H
#define MCP_WEB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "http/http.h"

struct web;

/* http is borrowed for its life. NULL: out of memory. */
struct web *web_new(struct http *http);

/* The loop must have ended, and nobody wait any more. NULL is fine. */
void web_free(struct web *web);

/* Whoever waits, now and from here on, gets -ECANCELED. */
void web_cancel(struct web *web);

struct web_request {
	const char *method;
	const char *url;
	const char *const *headers; /* NULL ends; may be NULL */
	const char *body;	    /* NULL: none */
	size_t max;		    /* of the answer's body */
	int64_t patience_ms;	    /* for all of it */
	bool once;		    /* it must not be sent twice */
	/* Of a stream of events, take the first one of which this is true, and
	 * end the stream; called on the loop thread. NULL: none is expected. */
	bool (*wanted)(const char *text, size_t len, int64_t id);
	int64_t id;
};

struct web_answer {
	int status;
	struct buf body;   /* owned, a secret; of a stream: the event's data */
	char session[256]; /* Mcp-Session-Id; "" when none, or unfit to send */
	int64_t retry_after_ms; /* -1: none */
	char detail[200];	/* how the transfer broke, for a human */
};

/*
 * Ask. 0: there is an answer, of whatever status; -ETIME: our patience is over;
 * -ECANCELED; -EMSGSIZE: it is too long; -EPROTO: a stream without the event;
 * -ENOMEM; or how the transfer broke, as struct http_sink says. web_answer_done
 * is owed in every case.
 */
int web_ask(struct web *web, const struct web_request *request,
    struct web_answer *ret_answer);

/* Free what it holds. */
void web_answer_done(struct web_answer *answer);

/* Wait for so long: 0 or -ECANCELED. */
int web_pause(struct web *web, int64_t ms);

#endif
