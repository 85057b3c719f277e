/*
 * What comes of an attempt that failed: another one after a pause, or a final
 * errno. The one home of both rules, for requests to the API (call.c) and for
 * those to the object store. Pure and thread-safe.
 */
#ifndef API_RETRY_H
#define API_RETRY_H

#include <stdbool.h>
#include <stdint.h>

/* What came of one attempt. */
struct retry_outcome {
	int status;		/* HTTP status; 0 when no whole answer came */
	int err;		/* how the transfer broke, as struct http_sink's
				   done is told; 0: it did not, or in some way */
	int64_t retry_after_ms; /* what Retry-After asked for; -1: nothing */
	unsigned attempt;	/* 1 for the first */
	unsigned garbled;	/* answers so far that nobody understood, if
				   this is another one of them; else 0 */
	int64_t elapsed_ms;	/* since the first attempt began */
	int64_t budget_ms;	/* patience, the setting retry */
	uint32_t random;	/* any 32 random bits, for the jitter */
};

/* The first pause, doubled with each attempt up to the longest, then jittered
 * to between a half and the whole of it. */
#define RETRY_FIRST_MS 200
#define RETRY_LONGEST_MS 15000

/* A rate-limited request without Retry-After waits at least this long. */
#define RETRY_LIMITED_MS 1000

/* What gets an answer that cannot be understood, such as a proxy's page, is
 * asked again so often. */
#define RETRY_GARBLED_MAX 4

/*
 * How long to wait before the next attempt, in milliseconds, or -1 to give up.
 * 429 waits as long as it was told, whatever the budget (the caller may stop
 * waiting); 408, 5xx and broken transfers (status 0) are retried until the
 * budget is over, a Retry-After that they carry being heeded; the last pause is
 * shortened so that one attempt falls at the end of the budget. An
 * answer that nobody understood is like a broken transfer, but asked for
 * RETRY_GARBLED_MAX times more only. Everything
 * else is final, and so is a transfer that broke for a reason that stays.
 */
int64_t retry_wait_ms(const struct retry_outcome *outcome);

/*
 * Whether a status that is no success is none that who was asked would give: a
 * redirect that is not followed, "not modified" of what is not there, or one
 * that says itself that another attempt may find somebody else (RFC 9110,
 * 8470).
 */
bool retry_is_stray(int status);

/* Whether a transfer that broke so may go well another time: 0, -EPIPE,
 * -ECONNREFUSED, -EHOSTUNREACH, -ETIMEDOUT, -EMFILE or -ENFILE. */
bool retry_may_pass(int err);

/* Whether an answer says that its server has too much to do: fewer are asked at
 * once then (gate.h). */
bool retry_is_overload(int status);

/*
 * The errno of the last attempt, once no other one follows: of err, where the
 * transfer broke, else of the answer's status, which is none of success.
 * -EACCES (401, 403), -ENOENT (404, 410), -EIO (408, 5xx, cut short),
 * -ENETUNREACH (no connection), -EPROTO (anything else that a server says, or
 * more than there is room for); another err is its own.
 */
int retry_errno(int status, int err);

/* The least silence that breaks an attempt. */
#define RETRY_SILENCE_MS 30000

/* How long a server may be silent before an attempt counts as broken: half of
 * the budget, so that another one is left, but never less than
 * RETRY_SILENCE_MS. */
int64_t retry_silence_ms(int64_t budget_ms);

#endif
