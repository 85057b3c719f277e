/* Open directories: each reads the listing that it began with. */
#include <errno.h>
#include <stdlib.h>

#include "sync/core/core.h"
#include "sync/listing/lister.h"
#include "sync/listing/listings.h"
#include "sync/parts.h"
#include "sync/sync.h"

static int enter_listing(const struct core *core, struct view *view,
    const struct view_now *now, struct sync_dir *ret_dir)
{
	const struct sync_dir dir = {
	    .base = now->listed_base,
	    .end = now->listed_end,
	    .since = core->api ? now->proven : MOMENT_FOREVER,
	    .version = now->version,
	};
	return view_enter(view, &dir, ret_dir);
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
		return enter_listing(core, view, &now, ret_dir);
	return core->api ? -EAGAIN : -ENODATA;
}

static int enter_whole(struct lister *lister, struct sync_dir *ret_dir)
{
	struct view_now now = view_now(lister->view);
	return enter_listing(lister->core, lister->view, &now, ret_dir);
}

/* A pass is under way, and its first page is there. */
static bool has_first_page(const struct lister *lister)
{
	struct view_now now = view_now(lister->view);
	return lister->state == LISTER_PASSING && !now.err &&
	       now.pass.base == lister->pass.base &&
	       lister->pass.done_slot >= 1;
}

static int enter_pass(struct lister *lister, struct sync_dir *ret_dir)
{
	const struct sync_dir dir = {
	    .base = lister->pass.base,
	    .since = lister->pass.began,
	};
	return view_enter(lister->view, &dir, ret_dir);
}

/* The server has said lately that there is no such table. */
static bool is_missing(struct lister *lister, const struct sync_op *op)
{
	return lister->missing_since &&
	       lister->missing_since >=
		   moment_believed(lister->core, op->began);
}

static void begin_open(void *ctx, struct sync_op *op)
{
	struct sync *sync = ctx;
	struct lister *lister = listings_find(sync_listings(sync), op->dir);
	if (!lister)
		op_finish(op, -ENOTDIR);
	else if (lister_is_fresh(lister, op))
		op_finish(op, enter_whole(lister, &op->open_dir));
	else if (!sync_core(sync)->api)
		op_finish(op, -ENODATA);
	else if (has_first_page(lister) && lister_may_join(lister, op))
		op_finish(op, enter_pass(lister, &op->open_dir));
	else if (is_missing(lister, op))
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
	pass_reader_at(lister, op->after);
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
	struct lister *lister = reading->lister;
	if (lister->state == LISTER_PASSING && !lister->finishing &&
	    lister->pass.base == reading->base) {
		pass_reader_at(lister, reading->after);
		pass_pump(lister);
	}
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
	if (!view_is_fresh(sync_core(sync), &now) ||
	    now.version != open_dir->version)
		return 0;
	return now.version;
}
