/* Open directories: each reads the listing that it began with. */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/failures.h"
#include "sync/core/core.h"
#include "sync/core/folder.h"
#include "sync/core/offline.h"
#include "sync/discovery.h"
#include "sync/listing/lister.h"
#include "sync/listing/listings.h"
#include "sync/listing/view.h"
#include "sync/parts.h"
#include "sync/sync.h"

static const char *title_of(const struct lister *lister, int64_t dir)
{
	return dir == NODE_STORAGE ? "storage" : lister_folder(lister)->title;
}

/* Offline there is nobody to ask for the rest of a listing. */
static int lacks(
    const struct core *core, const struct lister *lister, int64_t dir)
{
	return offline_lacks(
	    core, title_of(lister, dir), NULL, OFFLINE_NOT_WHOLE);
}

int sync_dir_open_now(struct sync *sync, int64_t dir, struct sync_dir *ret_dir)
{
	const struct core *core = sync_core(sync);
	struct lister *lister = listings_find(sync_listings(sync), dir);
	if (!lister)
		return -ENOTDIR;
	struct view *view = lister_view(lister);
	struct view_now now = view_now(view);
	if (view_is_fresh(core, &now))
		return view_enter_listing(view, core, &now, ret_dir);
	return core->api ? -EAGAIN : lacks(core, lister, dir);
}

static void begin_open(void *ctx, struct sync_op *op)
{
	struct sync *sync = ctx;
	struct lister *lister = listings_find(sync_listings(sync), op->dir);
	if (!lister)
		op_finish(op, -ENOTDIR);
	else if (lister_is_fresh(lister, op))
		op_finish(op, lister_enter(lister, &op->open_dir));
	else if (!sync_core(sync)->api)
		op_finish(op, lacks(sync_core(sync), lister, op->dir));
	else if (lister_may_join(lister, op))
		op_finish(op, lister_join(lister, &op->open_dir));
	else if (lister_is_missing(lister, op))
		op_finish(op, -ENOENT);
	else
		lister_wait_for_news(lister, op);
}

void sync_dir_open(struct sync *sync, struct sync_op *op)
{
	op_start(sync_core(sync), op, begin_open, sync);
}

int sync_dir_frontier(struct sync *sync, int64_t dir,
    const struct sync_dir *open_dir, int64_t *ret_frontier)
{
	struct lister *lister = listings_find(sync_listings(sync), dir);
	return view_frontier(lister_view(lister), open_dir, ret_frontier);
}

int64_t sync_dir_total(struct sync *sync, int64_t dir)
{
	struct lister *lister = listings_find(sync_listings(sync), dir);
	struct replica_listing listing;
	if (!lister)
		return -1;
	struct view_now now = view_now(lister_view(lister));
	if (now.pass.base && now.pass.total >= 0)
		return now.pass.total;
	int r = replica_listing(
	    sync_core(sync)->replica, lister_folder(lister)->id, &listing);
	return r == 0 && listing.end ? listing.count : -1;
}

/* A copy that was made of it must not pass for a whole one: so its end is an
 * error, once all that there is has been handed out. */
int sync_dir_is_whole(
    struct sync *sync, int64_t dir, const struct sync_dir *open_dir)
{
	const struct core *core = sync_core(sync);
	struct lister *lister = listings_find(sync_listings(sync), dir);
	CLEANUP_BUF struct buf words;
	buf_init(&words, BUF_MAX_DEFAULT);
	if (!view_is_incomplete(lister_view(lister), open_dir))
		return 0;
	int r = buf_adds(&words, "the server says itself that this is not all"
				 " there is (rsync -a copies it all the same,"
				 " and exits with 23): ");
	if (r == 0)
		replica_shortfall(
		    core->replica, lister_folder(lister)->id, &words);
	failures_add(core->config.failures, title_of(lister, dir), "", 0, -EIO,
	    "incomplete", buf_str(&words));
	return -EIO;
}

static void begin_wait(void *ctx, struct sync_op *op)
{
	struct sync *sync = ctx;
	int64_t frontier;
	struct lister *lister = listings_find(sync_listings(sync), op->dir);
	int r = sync_dir_frontier(sync, op->dir, &op->open_dir, &frontier);
	if (r < 0 || r == 1 || frontier > op->after + 1) {
		op_finish(op, r < 0 ? r : 0);
		return;
	}
	lister_read_on(lister, op);
}

void sync_dir_wait(struct sync *sync, struct sync_op *op)
{
	op_start(sync_core(sync), op, begin_wait, sync);
}

struct reading {
	struct http_task task;
	struct lister *lister;
	int64_t base;
	int64_t after;
};

static void on_reading(void *ctx)
{
	struct reading *reading = ctx;
	lister_reader_at(reading->lister, reading->base, reading->after);
	free(reading);
}

void sync_dir_reading(struct sync *sync, int64_t dir,
    const struct sync_dir *open_dir, int64_t after)
{
	if (open_dir->end)
		return;
	struct reading *reading = malloc(sizeof(*reading));
	if (!reading)
		return; /* only a hint */
	*reading = (struct reading){
	    .task = {.fn = on_reading, .ctx = reading},
	    .lister = listings_find(sync_listings(sync), dir),
	    .base = open_dir->base,
	    .after = after,
	};
	http_post(sync_core(sync)->http, &reading->task);
}

void sync_dir_close(struct sync *sync, struct sync_dir *open_dir)
{
	(void)sync;
	view_leave(open_dir);
}

uint64_t sync_dir_version(
    struct sync *sync, int64_t dir, const struct sync_dir *open_dir)
{
	struct lister *lister = listings_find(sync_listings(sync), dir);
	if (!lister || !open_dir->version)
		return 0;
	struct view_now now = view_now(lister_view(lister));
	if (!view_is_fresh(sync_core(sync), &now) || now.incomplete ||
	    now.version != open_dir->version)
		return 0;
	return now.version;
}

/* ---- the root ---- */

static void begin_find(void *ctx, struct sync_op *op)
{
	struct sync *sync = ctx;
	discovery_await(sync_discovery(sync), op);
}

void sync_find_tables(struct sync *sync, struct sync_op *op)
{
	op_start(sync_core(sync), op, begin_find, sync);
}

int sync_find_tables_now(struct sync *sync)
{
	return discovery_is_due(sync_discovery(sync)) ? -EAGAIN : 0;
}
