#include "command/progress.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/lock.h"
#include "base/log.h"
#include "base/timestamp.h"

/* Between two lines where there is no terminal. */
#define LINE_MS 5000

#define BAR 20

#define LINE_MOST 512

struct progress {
	bool terminal;
	/* Main thread's. */
	bool shown; /* a bar stands there */
	int64_t shown_ms;
	struct lock lock;
	/* Under lock. */
	struct progress_state state;
	int64_t began_ms;
};

/* ---- a line ---- */

static double of_unit(int64_t bytes, const char **ret_unit)
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
	double value = (double)bytes;
	size_t i = 0;
	for (; value >= 999.5 && i + 1 < sizeof(units) / sizeof(*units); i++)
		value /= 1000;
	*ret_unit = units[i];
	return value;
}

static void add_bar(const struct progress_state *state, FILE *out)
{
	int64_t done = state->all_bytes ? state->bytes : state->items;
	int64_t all = state->all_bytes ? state->all_bytes : state->all_items;
	if (all <= 0)
		return;
	int full = (int)((double)done / (double)all * BAR);
	full = full > BAR ? BAR : full;
	fprintf(
	    out, " [%.*s%*s]", full, "####################", BAR - full, "");
}

static void add_bytes(const struct progress_state *state, FILE *out)
{
	const char *unit, *all_unit, *rate_unit;
	double all = of_unit(state->all_bytes, &all_unit);
	double done = of_unit(state->bytes, &unit);
	fprintf(out, ", %.1f %s of %.1f %s", done, unit, all, all_unit);
	if (state->elapsed_ms < 1000 || state->bytes == 0)
		return;
	double per_ms = (double)state->bytes / (double)state->elapsed_ms;
	double rate = of_unit((int64_t)(per_ms * 1000), &rate_unit);
	double left = (double)(state->all_bytes - state->bytes) / per_ms;
	int64_t seconds = left > 0 ? (int64_t)(left / 1000) : 0;
	fprintf(out, ", %.1f %s/s, ", rate, rate_unit);
	if (seconds >= 3600)
		fprintf(out, "%" PRId64 ":", seconds / 3600);
	fprintf(out, "%02" PRId64 ":%02" PRId64 " left", seconds / 60 % 60,
	    seconds % 60);
}

void progress_line(const struct progress_state *state, int width, int bar,
    char *out, size_t size)
{
	*out = '\0';
	FILE *stream = fmemopen(out, size, "w");
	if (!stream)
		return;
	fprintf(stream, "%s", state->what);
	if (bar)
		add_bar(state, stream);
	fprintf(stream, "  %" PRId64, state->items);
	if (state->all_items >= 0)
		fprintf(stream, " of %" PRId64, state->all_items);
	fprintf(stream, " %s", state->unit);
	if (state->all_bytes > 0)
		add_bytes(state, stream);
	fclose(stream);
	out[size - 1] = '\0';
	/* A line that wraps could not be taken away. */
	if (width > 0 && strlen(out) >= (size_t)width)
		out[width - 1] = '\0';
}

/* ---- life ---- */

struct progress *progress_new(void)
{
	struct progress *progress = calloc(1, sizeof(*progress));
	const char *term = getenv("TERM");
	if (!progress)
		return NULL;
	progress->terminal =
	    isatty(STDERR_FILENO) && !(term && strcmp(term, "dumb") == 0);
	progress->shown_ms = timestamp_mono_ms();
	lock_init(&progress->lock);
	return progress;
}

void progress_free(struct progress *progress)
{
	if (!progress)
		return;
	lock_done(&progress->lock);
	free(progress);
}

void progress_begin(struct progress *progress, const char *what,
    const char *unit, int64_t all_items, int64_t all_bytes)
{
	lock_acquire(&progress->lock);
	progress->state = (struct progress_state){
	    .unit = unit, .all_items = all_items, .all_bytes = all_bytes};
	log_make_safe(what, progress->state.what, sizeof(progress->state.what));
	progress->began_ms = timestamp_mono_ms();
	lock_release(&progress->lock);
}

void progress_expect(struct progress *progress, int64_t all_items)
{
	lock_acquire(&progress->lock);
	progress->state.all_items = all_items;
	lock_release(&progress->lock);
}

void progress_add(struct progress *progress, int64_t items, int64_t bytes)
{
	lock_acquire(&progress->lock);
	progress->state.items += items;
	progress->state.bytes += bytes;
	lock_release(&progress->lock);
}

/* ---- showing ---- */

/* Asked each time: it may be another by now. 0: unknown. */
static int width_now(void)
{
	struct winsize size;
	return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

void progress_show(struct progress *progress)
{
	char line[LINE_MOST];
	int64_t now = timestamp_mono_ms();
	if (!progress->terminal && now - progress->shown_ms < LINE_MS)
		return;
	lock_acquire(&progress->lock);
	struct progress_state state = progress->state;
	state.elapsed_ms = now - progress->began_ms;
	lock_release(&progress->lock);
	if (!state.unit)
		return;
	progress->shown_ms = now;
	progress->shown = progress->terminal;
	progress_line(&state, progress->terminal ? width_now() : 0,
	    progress->terminal, line, sizeof(line));
	fprintf(stderr, progress->terminal ? "\r\033[K%s" : "%s\n", line);
	fflush(stderr);
}

void progress_clear(struct progress *progress)
{
	if (progress->shown)
		fputs("\r\033[K", stderr);
	progress->shown = false;
}
