#include "sync/object/ready.h"

/* The loop is told after so many bytes, or when a range was read whole. */
#define WAKE_BYTES ((int64_t)512 << 10)

void ready_init(struct ready *ready)
{
	lock_init(&ready->lock);
	TAILQ_INIT(&ready->notes);
	for (unsigned i = 0; i < READY_LISTS; i++)
		LIST_INIT(&ready->lists[i]);
}

void ready_done(struct ready *ready)
{
	lock_done(&ready->lock);
}

static unsigned list_of(int64_t node)
{
	return (unsigned)node % READY_LISTS;
}

void ready_show(struct ready *ready, struct ready_range *range, int64_t filled)
{
	lock_acquire(&ready->lock);
	if (!range->shown)
		LIST_INSERT_HEAD(
		    &ready->lists[list_of(range->node)], range, link);
	range->shown = true;
	range->filled = filled;
	lock_release(&ready->lock);
}

void ready_hide(struct ready *ready, struct ready_range *range)
{
	lock_acquire(&ready->lock);
	if (range->shown)
		LIST_REMOVE(range, link);
	if (range->noted)
		TAILQ_REMOVE(&ready->notes, range, note_link);
	range->shown = range->noted = false;
	lock_release(&ready->lock);
}

static struct ready_range *find_locked(struct ready *ready, int64_t node,
    int64_t offset, int64_t end) REQUIRES(ready->lock)
{
	struct ready_range *range;
	LIST_FOREACH (range, &ready->lists[list_of(node)], link) {
		if (range->node == node && offset >= range->first &&
		    end <= range->first + range->filled)
			return range;
	}
	return NULL;
}

/* Whether the loop should hear of it: not of each read of many. */
static bool note_locked(struct ready *ready, struct ready_range *range,
    int64_t offset, int64_t end, bool asked) REQUIRES(ready->lock)
{
	struct ready_use *use = &range->use;
	if (!range->noted) {
		*use = (struct ready_use){0};
		TAILQ_INSERT_TAIL(&ready->notes, range, note_link);
	}
	range->noted = true;
	use->bytes += end - offset;
	use->from_begin = use->from_begin || (asked && offset == 0);
	if (end > use->end)
		use->end = end;
	if (ready->waking)
		return false;
	ready->waking = use->from_begin || use->bytes >= WAKE_BYTES ||
			end == range->first + (int64_t)range->blob->len ||
			use->bytes >= range->filled;
	return ready->waking;
}

struct blob *ready_take(struct ready *ready, int64_t node, int64_t offset,
    int64_t end, bool asked, const char **ret_data, bool *ret_wake)
{
	struct blob *blob = NULL;
	*ret_wake = false;
	lock_acquire(&ready->lock);
	struct ready_range *range = find_locked(ready, node, offset, end);
	if (range) {
		blob = blob_ref(range->blob);
		*ret_data = blob->data + (offset - range->first);
		*ret_wake = note_locked(ready, range, offset, end, asked);
	}
	lock_release(&ready->lock);
	return blob;
}

struct ready_range *ready_note(struct ready *ready, struct ready_use *ret_use)
{
	lock_acquire(&ready->lock);
	struct ready_range *range = TAILQ_FIRST(&ready->notes);
	if (range) {
		TAILQ_REMOVE(&ready->notes, range, note_link);
		range->noted = false;
		*ret_use = range->use;
	} else {
		ready->waking = false;
	}
	lock_release(&ready->lock);
	return range;
}
