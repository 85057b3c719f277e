#include "base/activity.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/lock.h"
#include "base/log.h"
#include "base/timestamp.h"

/* No news for so long is worth a word, in seconds. */
#define SILENCE_S 2

struct activities {
	struct lock lock;
	TAILQ_HEAD(, activity) all; /* under lock: the oldest first */
};

struct activities *activities_new(void)
{
	struct activities *board = calloc(1, sizeof(*board));
	if (!board)
		return NULL;
	lock_init(&board->lock);
	TAILQ_INIT(&board->all);
	return board;
}

void activities_free(struct activities *board)
{
	if (!board)
		return;
	lock_done(&board->lock);
	free(board);
}

void activity_say(struct activities *board, struct activity *activity,
    const char *format, ...)
{
	va_list args;
	if (!board)
		return;
	va_start(args, format);
	lock_acquire(&board->lock);
	activity->news_ms = timestamp_mono_ms();
	if (!activity->board) {
		activity->board = board;
		activity->began_ms = activity->news_ms;
		TAILQ_INSERT_TAIL(&board->all, activity, link);
	}
	vsnprintf(activity->words, sizeof(activity->words), format, args);
	lock_release(&board->lock);
	va_end(args);
}

void activity_over(struct activity *activity)
{
	struct activities *board = activity->board;
	if (!board)
		return;
	lock_acquire(&board->lock);
	TAILQ_REMOVE(&board->all, activity, link);
	activity->board = NULL;
	lock_release(&board->lock);
}

void activity_part_begin(struct activities *board, struct activity *whole,
    const char *parts_are, struct activity_part *part)
{
	if (!board)
		return;
	lock_acquire(&board->lock);
	part->board = board;
	part->news_ms = timestamp_mono_ms();
	whole->parts_are = parts_are;
	LIST_INSERT_HEAD(&whole->parts, part, link);
	lock_release(&board->lock);
}

void activity_part_news(struct activity_part *part)
{
	if (part->board)
		part->news_ms = timestamp_mono_ms();
}

void activity_part_over(struct activity_part *part)
{
	struct activities *board = part->board;
	if (!board)
		return;
	lock_acquire(&board->lock);
	LIST_REMOVE(part, link);
	part->board = NULL;
	lock_release(&board->lock);
}

/* Some may stand still while others go on. */
static int print_stalled(
    const struct activity *activity, int64_t now, struct buf *out)
{
	const struct activity_part *part;
	unsigned all = 0, stalled = 0;
	LIST_FOREACH (part, &activity->parts, link) {
		all++;
		stalled += now - part->news_ms >= SILENCE_S * 1000;
	}
	return stalled ? buf_printf(out, ", %u of %u %s stalled", stalled, all,
			     activity->parts_are)
		       : 0;
}

int activities_print(struct activities *board, const char *prefix,
    struct buf *out, size_t *ret_count)
{
	const struct activity *activity;
	size_t count = 0;
	int r = 0;
	*ret_count = 0;
	if (!board)
		return 0;
	int64_t now = timestamp_mono_ms();
	lock_acquire(&board->lock);
	TAILQ_FOREACH (activity, &board->all, link) {
		char safe[4 * ACTIVITY_SIZE];
		log_make_safe(activity->words, safe, sizeof(safe));
		int64_t silent = (now - activity->news_ms) / 1000;
		if (r == 0)
			r = buf_printf(out, "%s%s, for %" PRId64 " s", prefix,
			    safe, (now - activity->began_ms) / 1000);
		if (r == 0)
			r = print_stalled(activity, now, out);
		if (r == 0 && silent >= SILENCE_S)
			r = buf_printf(
			    out, ", without news for %" PRId64 " s", silent);
		if (r == 0)
			r = buf_printf(out, "\n");
		count++;
	}
	lock_release(&board->lock);
	*ret_count = count;
	return r;
}
