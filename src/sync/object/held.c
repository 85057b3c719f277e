#include "sync/object/held.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/activity.h"
#include "sync/object/budget.h"
#include "sync/object/ready.h"

struct held_range {
	struct held *held;
	int64_t first;
	int64_t len; /* as asked for; cut when the object turns out shorter */
	int64_t filled;
	int64_t served; /* bytes handed out */
	uint64_t used;	/* when, by the count of all */
	struct blob *blob;
	bool kept; /* handed to the content cache */
	struct ready_range shown;
	struct range *transfer;
	struct held_answer answer;
	struct activity_part part; /* while it is on its way */
	void *ctx;
	TAILQ_ENTRY(held_range) link;
};

struct held {
	struct ready *ready;
	void *owner;
	struct slab *slab;
	uint64_t uses;
	struct activities *board; /* NULL: nobody is told */
	struct activity *activity;
	TAILQ_HEAD(, held_range) ranges; /* by first */
};

struct held *held_new(struct ready *ready, void *owner, struct slab *slab)
{
	struct held *held = calloc(1, sizeof(*held));
	if (!held)
		return NULL;
	held->ready = ready;
	held->owner = owner;
	held->slab = slab;
	TAILQ_INIT(&held->ranges);
	return held;
}

void held_show_in(
    struct held *held, struct activities *board, struct activity *activity)
{
	held->board = board;
	held->activity = activity;
}

void held_free(struct held *held)
{
	struct held_range *range;
	while (held && (range = TAILQ_FIRST(&held->ranges)))
		held_drop(range);
	free(held);
}

/* ---- one range ---- */

static void insert(struct held *held, struct held_range *range)
{
	struct held_range *after;
	TAILQ_FOREACH (after, &held->ranges, link) {
		if (after->first > range->first)
			break;
	}
	if (after)
		TAILQ_INSERT_BEFORE(after, range, link);
	else
		TAILQ_INSERT_TAIL(&held->ranges, range, link);
}

int held_fetch(struct held *held, int64_t node, int64_t first, int64_t len,
    const struct held_source *source)
{
	struct held_range *range = calloc(1, sizeof(*range));
	if (!range)
		return -ENOMEM;
	range->held = held;
	range->ctx = source->ctx;
	range->first = first;
	range->len = len;
	range->used = ++held->uses;
	range->blob = blob_new((size_t)len, held->slab);
	range->shown = (struct ready_range){.node = node,
	    .first = first,
	    .blob = range->blob,
	    .owner = held->owner};
	insert(held, range);
	activity_part_begin(
	    held->board, held->activity, "ranges", &range->part);
	if (range->blob)
		range->transfer = range_new(source->api, source->download,
		    first, first + len, source->events, range);
	if (range->transfer)
		return 0;
	held_drop(range);
	return -ENOMEM;
}

void held_drop(struct held_range *range)
{
	activity_part_over(&range->part);
	range_free(range->transfer);
	ready_hide(range->held->ready, &range->shown);
	TAILQ_REMOVE(&range->held->ranges, range, link);
	blob_unref(range->blob);
	free(range);
}

void *held_ctx(const struct held_range *range)
{
	return range->ctx;
}

int64_t held_first(const struct held_range *range)
{
	return range->first;
}

int64_t held_len(const struct held_range *range)
{
	return range->len;
}

static void note_news(struct held_range *range)
{
	if (range->filled < range->len)
		activity_part_news(&range->part);
	else
		activity_part_over(&range->part);
}

void held_fill(struct held_range *range, const void *data, size_t len)
{
	memcpy(range->blob->data + range->filled, data, len);
	range->filled += (int64_t)len;
	note_news(range);
	ready_show(range->held->ready, &range->shown, range->filled);
}

void held_cut(struct held_range *range, int64_t total)
{
	if (range->first + range->len > total)
		range->len = total - range->first;
	note_news(range);
}

void held_move_to_start(struct held_range *range)
{
	range->first = range->shown.first = 0;
}

void held_empty(struct held_range *range)
{
	range->filled = range->len = 0;
	note_news(range);
}

int held_send(struct held_range *range)
{
	return range_go(range->transfer);
}

struct held_answer *held_answer(struct held_range *range)
{
	return &range->answer;
}

/* ---- all of them ---- */

int held_send_waiting(struct held *held)
{
	struct held_range *range;
	TAILQ_FOREACH (range, &held->ranges, link) {
		int r = range_go(range->transfer);
		if (r < 0)
			return r;
	}
	return 0;
}

unsigned held_under_way(const struct held *held)
{
	const struct held_range *range;
	unsigned count = 0;
	TAILQ_FOREACH (range, &held->ranges, link)
		count += range_is_under_way(range->transfer);
	return count;
}

bool held_is_empty(const struct held *held)
{
	return TAILQ_EMPTY(&held->ranges);
}

int64_t held_bytes(const struct held *held)
{
	const struct held_range *range;
	int64_t bytes = 0;
	TAILQ_FOREACH (range, &held->ranges, link)
		bytes += range->len;
	return bytes;
}

static struct held_range *find(const struct held *held, int64_t pos)
{
	struct held_range *range;
	TAILQ_FOREACH (range, &held->ranges, link) {
		if (pos >= range->first && pos < range->first + range->len)
			return range;
	}
	return NULL;
}

int64_t held_covered(const struct held *held, int64_t pos)
{
	const struct held_range *range = find(held, pos);
	return range ? range->first + range->len : pos;
}

int64_t held_next(const struct held *held, int64_t pos, int64_t end)
{
	const struct held_range *range;
	TAILQ_FOREACH (range, &held->ranges, link) {
		if (range->first > pos)
			return range->first < end ? range->first : end;
	}
	return end;
}

bool held_has(const struct held *held, int64_t pos, int64_t end)
{
	while (pos < end) {
		const struct held_range *range = find(held, pos);
		if (!range || range->filled <= pos - range->first)
			return false;
		pos = range->first + range->filled;
	}
	return true;
}

static void serve(struct held_range *range, int64_t bytes)
{
	range->served += bytes;
	range->used = ++range->held->uses;
}

const char *held_take(struct held *held, int64_t pos, int64_t end)
{
	struct held_range *range = find(held, pos);
	if (!range || range->first + range->filled < end)
		return NULL;
	serve(range, end - pos);
	return range->blob->data + (pos - range->first);
}

int64_t held_copy(struct held *held, int64_t pos, char *out, int64_t len)
{
	int64_t done = 0;
	while (done < len) {
		struct held_range *range = find(held, pos + done);
		if (!range)
			break;
		int64_t at = pos + done - range->first;
		int64_t n = range->filled - at;
		if (n <= 0)
			break;
		if (n > len - done)
			n = len - done;
		memcpy(out + done, range->blob->data + at, (size_t)n);
		serve(range, n);
		done += n;
	}
	return done;
}

void held_was_taken(struct ready_range *shown, int64_t bytes)
{
	void *start = (char *)shown - offsetof(struct held_range, shown);
	serve(start, bytes);
}

void held_rename(struct held *held, int64_t node)
{
	struct held_range *range;
	TAILQ_FOREACH (range, &held->ranges, link) {
		ready_hide(held->ready, &range->shown);
		range->shown.node = node;
		if (range->filled)
			ready_show(held->ready, &range->shown, range->filled);
	}
}

void held_keep(
    struct held *held, struct content *content, const struct node *node)
{
	struct held_range *range;
	if (!node->proven || node->spoiled)
		return;
	TAILQ_FOREACH (range, &held->ranges, link) {
		if (range->kept || range->len == 0 ||
		    range->filled < range->len)
			continue;
		range->kept = true;
		content_keep(
		    content, node, range->first, range->blob, range->len);
	}
}

/* ---- letting go ---- */

static enum held_use use_of(
    const struct held_range *range, held_use_fn use, void *ctx)
{
	return use(ctx, range->first, range->first + range->len);
}

/* What readers are about to get to does not count. */
static struct held_range *longest_unused(
    struct held *held, held_use_fn use, void *ctx)
{
	struct held_range *range, *oldest = NULL;
	TAILQ_FOREACH (range, &held->ranges, link) {
		if (range_is_idle(range->transfer) &&
		    range->filled >= range->len &&
		    (!oldest || range->used < oldest->used) &&
		    use_of(range, use, ctx) == HELD_UNUSED)
			oldest = range;
	}
	return oldest;
}

void held_let_go(struct held *held, held_use_fn use, void *ctx)
{
	struct held_range *range, *next;
	for (range = TAILQ_FIRST(&held->ranges); range; range = next) {
		next = TAILQ_NEXT(range, link);
		/* The kernel has it all, and will not ask again. */
		if (range->served >= range->len &&
		    range_is_idle(range->transfer) &&
		    use_of(range, use, ctx) != HELD_AWAITED)
			held_drop(range);
	}
	/* What one who jumps about leaves unread is bounded. */
	while (held_bytes(held) > HELD_MAX &&
	       (range = longest_unused(held, use, ctx)))
		held_drop(range);
}
