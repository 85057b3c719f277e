/* When to try again: one pure function. Thread-safe. */
#ifndef HTTP_RETRY_H
#define HTTP_RETRY_H

#include <stdbool.h>
#include <stdint.h>

/* What came of one attempt. */
struct retry_outcome {
	int status;		/* HTTP status; 0 when no whole answer came */
	int64_t retry_after_ms; /* what Retry-After asked for; -1: nothing */
	unsigned attempt;	/* 1 for the first */
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

/*
 * How long to wait before the next attempt, in milliseconds, or -1 to give up.
 * 429 waits as long as it was told, whatever the budget (the caller may stop
 * waiting); 408, 5xx and broken transfers (status 0) are retried until the
 * budget is over, a Retry-After that they carry being heeded; the last pause is
 * shortened so that one attempt falls at the end of the budget. Everything else
 * is final.
 */
int64_t retry_wait_ms(const struct retry_outcome *outcome);

/* How long a server may be silent before an attempt counts as broken: half of
 * the budget, so that another one is left, but never less than
 * RETRY_SILENCE_MS.
 */
#define RETRY_SILENCE_MS 30000
int64_t retry_silence_ms(int64_t budget_ms);

/* Parse a Retry-After value: seconds, or an HTTP date against now (ms since
 * the epoch, by the clock of whoever wrote the date). Milliseconds, or -1 when
 * it is neither; never more than a day. */
int64_t retry_after_parse(const char *value, int64_t now_ms);

/* Parse one of the three forms of an HTTP date (RFC 9110, 5.6.7): milliseconds
 * since the epoch, or -1. */
int64_t retry_date_parse(const char *value);

#endif
