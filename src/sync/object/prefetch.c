#include "sync/object/prefetch.h"

#include <stdlib.h>

#include "sync/core/core.h"
#include "sync/core/position.h"
#include "sync/core/streak.h"

/* The window, in requests that the gates let through at once: URLs and objects
 * pass two gates, and a third share is being read. */
#define PREFETCH_GATES 3

/* At most so many stored files are fetched ahead of one reader. */
#define PREFETCH_MOST 64

/* Readers that are told apart. */
#define STREAKS 4

struct prefetch {
	struct core *core;
	prefetch_fn fetch;
	void *ctx;
	struct streaks streaks; /* pending: files fetched and not yet read */
};

struct prefetch *prefetch_new(struct core *core, prefetch_fn fetch, void *ctx)
{
	struct prefetch *prefetch = calloc(1, sizeof(*prefetch));
	if (!prefetch)
		return NULL;
	prefetch->core = core;
	prefetch->fetch = fetch;
	prefetch->ctx = ctx;
	prefetch->streaks.count = STREAKS;
	return prefetch;
}

void prefetch_free(struct prefetch *prefetch)
{
	free(prefetch);
}

/* Reads of what was fetched may not all reach us. */
static bool goes_on(const struct streak *streak, int64_t pos)
{
	return sync_pos_follows(pos, streak->last) ||
	       (pos > streak->last && pos <= streak->reached);
}

/* Files on their way to being fetched. */
struct batch {
	unsigned room;
	unsigned count;
	int64_t ids[PREFETCH_MOST];
	int64_t positions[PREFETCH_MOST];
};

static int collect(
    void *ctx, const struct node *node, const char *name, int64_t pos)
{
	struct batch *batch = ctx;
	(void)name;
	batch->ids[batch->count] = node->id;
	batch->positions[batch->count++] = pos;
	return batch->count == batch->room;
}

static void top_up(struct prefetch *prefetch, struct streak *streak)
{
	struct core *core = prefetch->core;
	struct batch batch = {.room = streak->window - streak->pending};
	if (streak->window <= streak->pending || api_quota_is_low(core->api))
		return;
	if (replica_entries(core->replica, NODE_STORAGE, streak->reached,
		INT64_MAX, collect, &batch) < 0)
		return;
	for (unsigned i = 0; i < batch.count; i++) {
		int r = prefetch->fetch(prefetch->ctx, batch.ids[i]);
		if (r < 0)
			return; /* the next look goes on here */
		streak->pending += r == 0;
		streak->reached = batch.positions[i];
	}
}

void prefetch_observe(struct prefetch *prefetch, const struct node *node)
{
	unsigned most = PREFETCH_GATES * prefetch->core->config.connections;
	int64_t pos = node_pos(node);
	if (!pos)
		return;
	struct streak *streak = streaks_find(&prefetch->streaks, goes_on, pos);
	if (streak->last)
		streak_grow(
		    streak, 2, most < PREFETCH_MOST ? most : PREFETCH_MOST);
	int64_t read = streak->last ? pos - streak->last : 1;
	streak->last = pos;
	streak->pending -=
	    read < streak->pending ? (unsigned)read : streak->pending;
	if (streak->reached < pos) {
		streak->reached = pos;
		streak->pending = 0;
	}
	top_up(prefetch, streak);
}
