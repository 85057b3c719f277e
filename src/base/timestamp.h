/* Clocks, and the service's timestamps. Thread-safe. */
#ifndef BASE_TIMESTAMP_H
#define BASE_TIMESTAMP_H

#include <stddef.h>
#include <stdint.h>

/* Milliseconds since 1970-01-01T00:00:00Z, by the wall clock. */
int64_t timestamp_now_ms(void);

/* Milliseconds on a clock that never jumps and counts on while the machine
 * sleeps; for deadlines and ages. */
int64_t timestamp_mono_ms(void);

/* No time further from 1970 than this is read: the years -271821 to 275760,
 * as in JavaScript. */
#define TIMESTAMP_MS_MAX INT64_C(8640000000000000)

/*
 * Read a date in whatever form RFC 3339, ISO 8601 or a database's export
 * writes it:
 *
 *	YYYY-MM-DD or YYYYMMDD (a year of six digits after a sign, as
 *	JavaScript writes those that four cannot hold); then T, t, a space, or
 *	nothing where neither part has a separator; then HH:MM:SS or HHMMSS,
 *	where seconds, minutes or the whole time may be missing, and decimals
 *	after a point or a comma, cut to milliseconds; then Z, z, UTC, GMT,
 *	+HH, +HHMM, +HH:MM, +HH:MM:SS or the same with -, a space before it or
 *	not, a region in brackets after it or not. No zone means UTC.
 *
 * 60 is a leap second and the same moment as the next minute's first; 24:00:00
 * is the next day's first. A number is taken as timestamp_parse_count takes it,
 * but not where it begins with 8 or 14 digits: these are YYYYMMDD and
 * YYYYMMDDHHMMSS, or nothing, for as counts they would tell of a time before
 * 1974 or after 2286.
 * 0, or -EINVAL for anything else, also for a date that no calendar has.
 */
int timestamp_parse(const char *text, size_t len, int64_t *ret_ms);

/*
 * Read a decimal number (JSON's grammar) as the time since 1970, in the unit
 * that its magnitude tells: below 10^11 seconds (until the year 5138), below
 * 10^14 milliseconds, below 10^17 microseconds (both from March 1973 on, and
 * until 5138), beyond that nothing. Cut to milliseconds. 0 or -EINVAL.
 */
int timestamp_parse_count(const char *text, size_t len, int64_t *ret_ms);

/* The same, in milliseconds whatever its magnitude. */
int timestamp_parse_ms(const char *text, size_t len, int64_t *ret_ms);

/* Room that timestamp_format needs, NUL included. */
#define TIMESTAMP_SIZE 32

/* "2026-04-13T09:30:00.123Z" into out; years that four digits cannot hold have
 * a sign and six or more: "+012026-…". Returns out. */
char *timestamp_format(int64_t ms, char out[TIMESTAMP_SIZE]);

#endif
