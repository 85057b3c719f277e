#include "sync/object/prefetch.h"

#include <errno.h>

#include "sync/core/position.h"
#include "sync/object/stream.h"

static struct prefetch_streak *find(struct streams *streams, int64_t pos)
{
	struct prefetch_streak *oldest = &streams->streaks[0];
	for (size_t i = 0; i < ARRAY_SIZE(streams->streaks); i++) {
		struct prefetch_streak *streak = &streams->streaks[i];
		/* Reads of what was fetched may not all reach us. */
		if (streak->last &&
		    (sync_pos_follows(pos, streak->last) ||
			(pos > streak->last && pos <= streak->fetched)))
			return streak;
		if (streak->used < oldest->used)
			oldest = streak;
	}
	*oldest = (struct prefetch_streak){0};
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

static void top_up(struct streams *streams, struct prefetch_streak *streak)
{
	struct batch batch = {.room = streak->window - streak->ahead};
	if (streak->window <= streak->ahead ||
	    api_quota_is_low(streams->core->api))
		return;
	if (replica_entries(streams->core->replica, NODE_STORAGE,
		streak->fetched, INT64_MAX, collect, &batch) < 0)
		return;
	for (unsigned i = 0; i < batch.count; i++) {
		int r = stream_prefetch(streams, batch.ids[i]);
		if (r < 0)
			return; /* the next look goes on here */
		streak->ahead += r == 0;
		streak->fetched = batch.positions[i];
	}
}

void prefetch_observe(struct streams *streams, const struct node *node)
{
	unsigned most = PREFETCH_GATES * streams->core->config.connections;
	if (!node_pos(node))
		return;
	struct prefetch_streak *streak = find(streams, node_pos(node));
	streak->used = ++streams->streak_clock;
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
	top_up(streams, streak);
}
