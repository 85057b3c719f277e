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

/*
 * Parse ISO 8601 as the service writes it: YYYY-MM-DDTHH:MM:SS, a fraction of
 * any length (cut to milliseconds) or none, then Z or +HH:MM / -HH:MM.
 * 0, or -EINVAL for anything else, also for a date that no calendar has.
 */
int timestamp_parse(const char *text, size_t len, int64_t *ret_ms);

/* Room that timestamp_format needs, NUL included. */
#define TIMESTAMP_SIZE 32

/* "2026-04-13T09:30:00.123Z" into out. Returns out. */
char *timestamp_format(int64_t ms, char out[TIMESTAMP_SIZE]);

#endif
