/*
 * How far something has got: a bar on a terminal, a plain line every few
 * seconds elsewhere; on stderr. There are no colours.
 */
#ifndef COMMAND_PROGRESS_H
#define COMMAND_PROGRESS_H

#include <stddef.h>
#include <stdint.h>

/* All that a line tells. */
struct progress_state {
	char what[64]; /* safe to show */
	const char *unit;
	int64_t items;
	int64_t all_items; /* -1: unknown */
	int64_t bytes;
	int64_t all_bytes; /* 0: they are not counted */
	int64_t elapsed_ms;
};

/* The line, of less than width columns; the bar only where bar is set. Pure. */
void progress_line(const struct progress_state *state, int width, int bar,
    char *out, size_t size);

struct progress;

/* NULL: out of memory. */
struct progress *progress_new(void);

/* NULL is fine. */
void progress_free(struct progress *progress);

/* Something else begins. unit is kept as it is. Any thread. */
void progress_begin(struct progress *progress, const char *what,
    const char *unit, int64_t all_items, int64_t all_bytes);

/* So many items there will be in all. Any thread. */
void progress_expect(struct progress *progress, int64_t all_items);

/* So many more are done. Any thread. */
void progress_add(struct progress *progress, int64_t items, int64_t bytes);

/* Show it, if that is due. Main thread. */
void progress_show(struct progress *progress);

/* Take the bar away, for other lines. Main thread. */
void progress_clear(struct progress *progress);

#endif
