/* The life of a sync: it makes its rooms, and ends them. */
#include "sync/sync.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "sync/core/core.h"
#include "sync/core/offline.h"
#include "sync/core/write.h"
#include "sync/discovery.h"
#include "sync/listing/listings.h"
#include "sync/listing/sorting.h"
#include "sync/parts.h"
#include "sync/pins.h"
#include "sync/record/fetch.h"
#include "sync/record/put.h"
#include "sync/object/streams.h"
#include "sync/tables.h"
#include "tree/name.h"

struct sync {
	struct core core;
	struct fetches *fetches;
	struct listings *listings;
	struct streams *streams;
	struct tables *tables;
	struct discovery *discovery;
	struct pins *pins;
	struct http_task expire_task;
	_Atomic bool expiring; /* expire_task is posted */
};

static void on_expire(void *ctx)
{
	struct sync *sync = ctx;
	sync->expiring = false;
	sync->core.expired = moment_event(&sync->core);
	listings_expire(sync->listings);
	if (sync->core.config.names_expired)
		sync->core.config.names_expired(sync->core.config.ctx);
}

/* Records come first: they cannot be read without the replica. */
static void on_full_disk(const struct core *core)
{
	content_make_way(core->config.content);
	failures_add(core->config.failures, "", "", 0, -ENOSPC, "replica",
	    "the disk has no room for the replica; stored files that are kept"
	    " there make way for it: try again in some seconds, or give it"
	    " another disk with -o cache_dir=DIR");
}

static void on_failing_disk(const struct core *core, int err)
{
	failures_add(core->config.failures, "", "", 0, err, "replica",
	    "the disk does not take what is written to the replica; the log has"
	    " more of it: see to the disk, or give the replica another with"
	    " -o cache_dir=DIR");
}

static void on_damage(void *ctx, const char *path)
{
	const struct core *core = ctx;
	char words[600];
	snprintf(words, sizeof(words),
	    core->api
		? "the replica is damaged on the disk: unmount, and move %s"
		  " away; all is fetched again then"
		: "the replica is damaged on the disk: %s; what is not can be"
		  " read, a copy of it from earlier may have the rest",
	    path);
	failures_add(core->config.failures, "", "", 0, -EIO, "replica", words);
}

static void on_lost(void *ctx, int err)
{
	struct sync *sync = ctx;
	if (err == -ENOSPC)
		on_full_disk(&sync->core);
	else if (err == -EIO)
		on_failing_disk(&sync->core, err);
	listings_lose(sync->listings, err);
}

/* An archive shows what it has, and cannot be told of more. */
static void tell_of_unknown_tables(const struct core *core)
{
	struct node node;
	for (const char *const *t = core->config.tables; t && *t; t++) {
		const char *dir = name_of_table_dir(*t);
		if (replica_lookup(core->replica, NODE_ROOT, dir, &node) ==
		    -ENOENT) {
			log_warn("the archived replica holds no table %s", dir);
			offline_lacks(core, "", dir,
			    "offline, and the archived replica knows no such"
			    " table: a copy of this mount lacks it");
		}
	}
}

/* Offline, one that cannot be looked up keeps nobody from the others: there
 * would be nothing in one that is not there. */
static int show_named_tables(const struct core *core)
{
	if (replica_is_archived(core->replica)) {
		tell_of_unknown_tables(core);
		return 0;
	}
	int r = replica_begin(core->replica);
	for (const char *const *t = core->config.tables; r == 0 && t && *t;
	     t++) {
		int64_t id;
		r = replica_put_table(
		    core->replica, *t, name_of_table_dir(*t), true, &id);
	}
	if (r == 0)
		return replica_commit(core->replica);
	replica_rollback(core->replica);
	return r == -EIO && !core->api ? 0 : r;
}

static int make_rooms(struct sync *sync)
{
	struct core *core = &sync->core;
	core->ops = ops_new();
	core->write = write_new(core, on_lost, sync);
	sync->fetches = fetches_new(core);
	sync->listings = listings_new(core, sync->fetches);
	sync->streams = streams_new(core);
	sync->tables = tables_new(core);
	sync->discovery = discovery_new(core, sync->tables);
	sync->pins = pins_new(core);
	if (!core->ops || !core->write || !sync->fetches || !sync->listings ||
	    !sync->streams || !sync->tables || !sync->discovery || !sync->pins)
		return -ENOMEM;
	sorting_load(core);
	return 0;
}

int sync_new(const struct sync_config *config, struct sync **ret_sync)
{
	struct sync *sync = calloc(1, sizeof(*sync));
	if (!sync)
		return -ENOMEM;
	core_init(&sync->core, config);
	replica_on_damage(on_damage, &sync->core);
	sync->expire_task = (struct http_task){.fn = on_expire, .ctx = sync};
	int r = make_rooms(sync);
	if (r == 0)
		r = show_named_tables(&sync->core);
	if (r < 0) {
		sync_free(sync);
		return r;
	}
	*ret_sync = sync;
	return 0;
}

void sync_end(struct sync *sync)
{
	if (!sync)
		return;
	discovery_end(sync->discovery);
	ops_end(sync->core.ops, -EIO);
}

void sync_free(struct sync *sync)
{
	if (!sync)
		return;
	sync_end(sync);
	replica_on_damage(NULL, NULL);
	pins_free(sync->pins);
	streams_free(sync->streams);
	fetches_free(sync->fetches);
	discovery_free(sync->discovery);
	tables_free(sync->tables);
	listings_free(sync->listings);
	write_free(sync->core.write);
	ops_free(sync->core.ops);
	free(sync);
}

/* ---- the rooms, for the faces ---- */

struct core *sync_core(struct sync *sync)
{
	return &sync->core;
}

struct listings *sync_listings(struct sync *sync)
{
	return sync->listings;
}

struct fetches *sync_fetches(struct sync *sync)
{
	return sync->fetches;
}

struct streams *sync_streams(struct sync *sync)
{
	return sync->streams;
}

struct tables *sync_tables(struct sync *sync)
{
	return sync->tables;
}

struct discovery *sync_discovery(struct sync *sync)
{
	return sync->discovery;
}

static void begin_pin(void *ctx, struct sync_op *op)
{
	struct sync *sync = ctx;
	pins_add_all(sync->pins, op);
}

void sync_pin_objects(struct sync *sync, struct sync_op *op)
{
	op_start(&sync->core, op, begin_pin, sync);
}

/* ---- what the rooms know ---- */

uint64_t sync_op_id(struct sync *sync)
{
	return ops_id(sync->core.ops);
}

void sync_interrupt(struct sync *sync, uint64_t op_id)
{
	ops_interrupt(&sync->core, op_id);
}

int64_t sync_now(struct sync *sync)
{
	return moment_now(&sync->core);
}

int64_t sync_valid_ms(struct sync *sync, int64_t since)
{
	return moment_valid_ms(&sync->core, since);
}

bool sync_size_is_known(struct sync *sync, const struct node *node)
{
	return core_size_is_known(&sync->core, node);
}

int sync_metadata_of(struct sync *sync, int64_t object, struct buf *out)
{
	return put_metadata_of(&sync->core, object, out);
}

void sync_expire(struct sync *sync)
{
	/* One that is on its way does for this, too. */
	if (!atomic_exchange(&sync->expiring, true))
		http_post(sync->core.http, &sync->expire_task);
}
