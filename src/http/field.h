/*
 * What the values of header fields say: dates, and how long to wait. Pure and
 * thread-safe. Called by head.c, for each line of an answer's header.
 */
#ifndef HTTP_FIELD_H
#define HTTP_FIELD_H

#include <stdbool.h>
#include <stdint.h>

/* Parse a Retry-After value: seconds, or an HTTP date against now (ms since
 * the epoch, by the clock of whoever wrote the date). Milliseconds, or -1 when
 * it is neither; never more than a day. */
int64_t field_retry_after(const char *value, int64_t now_ms);

/* Parse one of the three forms of an HTTP date (RFC 9110, 5.6.7): milliseconds
 * since the epoch, or -1. */
int64_t field_date(const char *value);

/* Whether a Content-Type is that of HTML, whatever its parameters. */
bool field_is_page(const char *value);

#endif
