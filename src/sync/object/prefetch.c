#include "sync/object/prefetch.h"

#include <stdlib.h>

#include "sync/core/core.h"
#include "sync/core/position.h"

/* The window, in requests that the gates let through at once: URLs and objects
 * pass two gates, and a third share is being read. */
#define PREFETCH_GATES 3

/* At most so many stored files are fetched ahead of one reader. */
#define PREFETCH_MOST 64

/* Readers that are told apart. */
#define STREAKS 4

/* Stored files being read in listing order. */
struct streak {
	int64_t last;	 /* position read last; 0: unused */
	int64_t fetched; /* fetched ahead up to this position */
	unsigned window; /* files to be ahead */
	unsigned ahead;	 /* files fetched and not yet read */
	uint64_t used;	 /* when, for the choice of a victim */
};

struct prefetch {
	struct core *core;
	prefetch_fn fetch;
	void *ctx;
	struct streak streaks[STREAKS];
	uint64_t clock;
};

struct prefetch *prefetch_new(struct core *core, prefetch_fn fetch, void *ctx)
{
	struct prefetch *prefetch = calloc(1, sizeof(*prefetch));
	if (!prefetch)
		return NULL;
	prefetch->core = core;
	prefetch->fetch = fetch;
	prefetch->ctx = ctx;
	return prefetch;
}

void prefetch_free(struct prefetch *prefetch)
{
	free(prefetch);
}

static struct streak *find(struct prefetch *prefetch, int64_t pos)
{
	struct streak *oldest = &prefetch->streaks[0];
	for (size_t i = 0; i < STREAKS; i++) {
		struct streak *streak = &prefetch->streaks[i];
		/* Reads of what was fetched may not all reach us. */
		if (streak->last &&
		    (sync_pos_follows(pos, streak->last) ||
			(pos > streak->last && pos <= streak->fetched)))
			return streak;
		if (streak->used < oldest->used)
			oldest = streak;
	}
	*oldest = (struct streak){0};
	return oldest;
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
	struct batch batch = {.room = streak->window - streak->ahead};
	if (streak->window <= streak->ahead || api_quota_is_low(core->api))
		return;
	if (replica_entries(core->replica, NODE_STORAGE, streak->fetched,
		INT64_MAX, collect, &batch) < 0)
		return;
	for (unsigned i = 0; i < batch.count; i++) {
		int r = prefetch->fetch(prefetch->ctx, batch.ids[i]);
		if (r < 0)
			return; /* the next look goes on here */
		streak->ahead += r == 0;
		streak->fetched = batch.positions[i];
	}
}

void prefetch_observe(struct prefetch *prefetch, const struct node *node)
{
	unsigned most = PREFETCH_GATES * prefetch->core->config.connections;
	if (!node_pos(node))
		return;
	struct streak *streak = find(prefetch, node_pos(node));
	streak->used = ++prefetch->clock;
	if (streak->last) {
		streak->window = streak->window ? streak->window * 2 : 2;
		if (streak->window > most)
			streak->window = most;
		if (streak->window > PREFETCH_MOST)
			streak->window = PREFETCH_MOST;
	}
	int64_t read = streak->last ? node_pos(node) - streak->last : 1;
	streak->last = node_pos(node);
	streak->ahead -= read < streak->ahead ? (unsigned)read : streak->ahead;
	if (streak->fetched < node_pos(node)) {
		streak->fetched = node_pos(node);
		streak->ahead = 0;
	}
	top_up(prefetch, streak);
}
