/*
 * One range of a stored object on its way here: a request to its download's
 * URL, the answer held against what was asked for, and another attempt from the
 * last byte that came. What the bytes are of, and where they go, is the sink's
 * to know: sync/object's.
 *
 * Loop thread only.
 */
#ifndef API_RANGE_H
#define API_RANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "http/http.h"

struct api;
struct download;
struct range;

/* How the next request shall be. */
struct range_request {
	const char *validator; /* of the version that it must be of; or "" */
	bool whole;	       /* ask for all of the object instead */
	bool speculative;      /* nobody waits for it yet */
	bool later;	       /* send nothing now: range_go follows */
};

/* What the sink makes of an answer. */
enum range_verdict {
	RANGE_TAKE,	  /* its bytes are wanted */
	RANGE_TAKE_WHOLE, /* likewise, and they are all of the object */
	RANGE_AGAIN,	  /* it is of no use: another attempt */
	RANGE_FROM_START, /* likewise, from the object's first byte */
	RANGE_WRONG,	  /* it is not what was asked for, such as a proxy's
			     page: another attempt after a pause, a few times,
			     then the range fails */
	RANGE_STOP,	  /* the range ends, and the sink knows why */
};

enum range_end {
	RANGE_CAME,    /* all of it, or the whole object */
	RANGE_BEYOND,  /* the object ends before it */
	RANGE_STOPPED, /* see RANGE_STOP */
	RANGE_FAILED,
};

struct range_outcome {
	enum range_end end;
	int err;	     /* RANGE_FAILED: -errno */
	int status;	     /* of the last answer; 0: none */
	const char *message; /* STOPPED, FAILED: for a human; or NULL */
	int64_t took_ms;     /* CAME: of its only request; -1: there were more*/
};

/* The sink. Only from done may the range be freed. */
struct range_events {
	/* A request is to be sent: how? */
	void (*ask)(void *ctx, struct range_request *ret_request);
	/* The header of an answer: 206, of the bytes that were asked for, which
	 * may be taken if it tells of how many; 200; or 416. */
	enum range_verdict (*head)(void *ctx, const struct http_head *head);
	/* The next bytes. -EPROTO: as RANGE_WRONG; another -errno, none of
	 * those of retry_may_pass: the range fails. */
	int (*body)(void *ctx, const void *data, size_t len);
	/* A whole object's answer is over: TAKE, STOP, WRONG, or AGAIN, with
	 * the reason. */
	enum range_verdict (*whole)(
	    void *ctx, const struct http_head *head, const char **ret_reason);
	/* A request is over, whatever comes next. -errno: the range fails. */
	int (*over)(void *ctx);
	/* The range has ended; range_go may begin another attempt. */
	void (*done)(void *ctx, const struct range_outcome *outcome);
};

/* Begin to fetch [first, end), from the loop: no event comes before this
 * returns. api and download outlive it. NULL: out of memory. */
struct range *range_new(struct api *api, struct download *download,
    int64_t first, int64_t end, const struct range_events *events, void *ctx);

/* No event comes any more. NULL is fine. */
void range_free(struct range *range);

/* Send what is still to be fetched, unless a request is under way, or pauses.
 * 0; -ENOMEM; -EPROTO: the URL is not one to follow. */
int range_go(struct range *range);

/* Whether a request is under way. */
bool range_is_under_way(const struct range *range);

/* Whether it has nothing to do: no request is under way, and no pause. */
bool range_is_idle(const struct range *range);

#endif
