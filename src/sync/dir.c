/* Open directories: each reads the listing that it began with. */
#include <errno.h>
#include <stdlib.h>

#include "sync/core/core.h"
#include "sync/listing/lister.h"
#include "sync/listing/listings.h"
#include "sync/parts.h"
#include "sync/sync.h"

static int enter(
    struct lister *lister, const struct sync_dir *dir, struct sync_dir *ret_dir)
{
	struct registration *reader = malloc(sizeof(*reader));
	if (!reader)
		return -ENOMEM;
	reader->lister = lister;
	reader->base = dir->base;
	reader->end = dir->end;
	lock_acquire(&lister->lock);
	LIST_INSERT_HEAD(&lister->readers, reader, link);
	lock_release(&lister->lock);
	*ret_dir = *dir;
	ret_dir->registration = reader;
	return 0;
}

static int enter_listing(struct lister *lister, const struct lister_view *view,
    struct sync_dir *ret_dir)
{
	const struct sync_dir dir = {
	    .base = view->listed_base,
	    .end = view->listed_end,
	    .since = lister->core->api ? view->proven : MOMENT_FOREVER,
	    .version = view->version,
	};
	return enter(lister, &dir, ret_dir);
}

int sync_dir_open_now(struct sync *sync, int64_t dir, struct sync_dir *ret_dir)
{
	struct lister_view view;
	struct lister *lister = listings_find(sync_listings(sync), dir);
	if (!lister)
		return -ENOTDIR;
	lister_get_view(lister, &view);
	if (view_is_fresh(sync_core(sync), &view))
		return enter_listing(lister, &view, ret_dir);
	return sync_core(sync)->api ? -EAGAIN : -ENODATA;
}

/* A pass is under way, and its first page is there. */
static bool has_first_page(const struct lister *lister)
{
	return lister->state == LISTER_PASSING && !lister->view.err &&
	       lister->view.pass_base == lister->pass.base &&
	       lister->pass.done_slot >= 1;
}

static int enter_pass(struct lister *lister, struct sync_dir *ret_dir)
{
	const struct sync_dir dir = {
	    .base = lister->pass.base,
	    .since = lister->pass.began,
	};
	return enter(lister, &dir, ret_dir);
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
		op_finish(
		    op, enter_listing(lister, &lister->view, &op->open_dir));
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
	const struct registration *reader = open_dir->registration;
	lock_acquire(&lister->lock);
	struct lister_view view = lister->view;
	int64_t end = reader ? reader->end : open_dir->end;
	lock_release(&lister->lock);
	if (end) {
		*ret_frontier = end;
		return 1;
	}
	if (view.pass_base != open_dir->base)
		return -EIO; /* the pass was given up, and another begun */
	if (view.err)
		return view.err;
	*ret_frontier = view.frontier;
	return 0;
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
	struct registration *reader = open_dir->registration;
	if (!reader)
		return;
	open_dir->registration = NULL;
	struct lister *lister = reader->lister;
	lock_acquire(&lister->lock);
	LIST_REMOVE(reader, link);
	lock_release(&lister->lock);
	free(reader);
}

uint64_t sync_dir_version(
    struct sync *sync, int64_t dir, const struct sync_dir *open_dir)
{
	struct lister_view view;
	struct lister *lister = listings_find(sync_listings(sync), dir);
	if (!lister || !open_dir->version)
		return 0;
	lister_get_view(lister, &view);
	if (!view_is_fresh(sync_core(sync), &view) ||
	    view.version != open_dir->version)
		return 0;
	return view.version;
}
