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

/* What goes on beside others of its kind for one that is at work; zeroed, and
 * part of what goes on. */
struct activity_part {
	struct activities *board; /* NULL: it does not go on */
	_Atomic int64_t news_ms;  /* timestamp_mono_ms */
	LIST_ENTRY(activity_part) link;
};

/* One at work; zeroed, and part of what is at work. */
struct activity {
	struct activities *board; /* where it stands; NULL: nowhere */
	int64_t began_ms;	  /* timestamp_mono_ms */
	int64_t news_ms;	  /* likewise: when it was said last */
	char words[ACTIVITY_SIZE];
	const char *parts_are;		  /* "ranges"; lives for ever */
	LIST_HEAD(, activity_part) parts; /* under the board's lock */
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

/* A part begins, whether its whole has been said or not, and which has to stay
 * as long as its parts go on. parts_are: what such parts are called. */
void activity_part_begin(struct activities *board, struct activity *whole,
    const char *parts_are, struct activity_part *part);

/* Something came of it. Harmless when it does not go on; the thread that begins
 * it and ends it. */
void activity_part_news(struct activity_part *part);

/* It is over. Harmless when it does not go on. */
void activity_part_over(struct activity_part *part);

/* Append a line each, behind prefix and safe for a terminal: what, for how
 * long, and since when there has been no news. *ret_count: how many. 0 or
 * -ENOMEM. */
int activities_print(struct activities *board, const char *prefix,
    struct buf *out, size_t *ret_count);

#endif
