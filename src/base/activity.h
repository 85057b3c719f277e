/*
 * What is under way, in plain words, for .bkendfs/status: whoever is at work on
 * something long says so in a place of his own, and takes it back when it is
 * over. Any thread; a board may be NULL, and then nothing is kept.
 */
#ifndef BASE_ACTIVITY_H
#define BASE_ACTIVITY_H

#include <sys/queue.h>

#include "base/buf.h"

struct activities;

/* Bytes of what is said, at most. */
#define ACTIVITY_SIZE 192

/* One at work; zeroed, and part of what is at work. */
struct activity {
	struct activities *board; /* where it stands; NULL: nowhere */
	int64_t began_ms;	  /* timestamp_mono_ms */
	int64_t news_ms;	  /* likewise: when it was said last */
	char words[ACTIVITY_SIZE];
	TAILQ_ENTRY(activity) link;
};

/* NULL: out of memory. */
struct activities *activities_new(void);

/* Nobody is at work any more. NULL is fine. */
void activities_free(struct activities *board);

/* Say what is being done now: it goes on where it was said before. Of one
 * activity, one thread at a time. */
void activity_say(struct activities *board, struct activity *activity,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

/* It is over. Harmless when it did not begin. */
void activity_over(struct activity *activity);

/* Append a line each, behind prefix and safe for a terminal: what, for how
 * long, and since when there has been no news. *ret_count: how many. 0 or
 * -ENOMEM. */
int activities_print(struct activities *board, const char *prefix,
    struct buf *out, size_t *ret_count);

#endif
