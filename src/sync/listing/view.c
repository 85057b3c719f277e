#include "sync/listing/view.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "base/lock.h"
#include "sync/core/core.h"

struct registration {
	struct view *view;
	int64_t base;
	int64_t end; /* 0: its pass is still under way */
	bool incomplete;
	LIST_ENTRY(registration) link;
};

struct view {
	struct lock lock;
	/* Under lock. */
	struct view_now now;
	LIST_HEAD(, registration) readers;
};

struct view *view_new(const struct replica_listing *listing, bool incomplete)
{
	struct view *view = calloc(1, sizeof(*view));
	if (!view)
		return NULL;
	lock_init(&view->lock);
	LIST_INIT(&view->readers);
	view->now = (struct view_now){
	    .listed_side = listing->side,
	    .listed_base = listing->base,
	    .listed_end = listing->end,
	    .incomplete = incomplete,
	    .version = 1,
	};
	return view;
}

void view_free(struct view *view)
{
	struct registration *reader;
	if (!view)
		return;
	while ((reader = LIST_FIRST(&view->readers))) {
		LIST_REMOVE(reader, link);
		free(reader);
	}
	lock_done(&view->lock);
	free(view);
}

/* ---- what the lister tells ---- */

void view_publish(struct view *view, const struct view_pass *pass)
{
	lock_acquire(&view->lock);
	view->now.pass = *pass;
	view->now.err = 0;
	lock_release(&view->lock);
}

void view_fail(struct view *view, int err)
{
	lock_acquire(&view->lock);
	view->now.err = err;
	lock_release(&view->lock);
}

void view_settle(struct view *view, const struct replica_listing *listing,
    int64_t proven, bool incomplete)
{
	struct registration *reader;
	lock_acquire(&view->lock);
	LIST_FOREACH (reader, &view->readers, link) {
		if (reader->base == listing->base && !reader->end) {
			reader->end = listing->end;
			reader->incomplete = incomplete;
		}
	}
	view->now = (struct view_now){
	    .listed_side = listing->side,
	    .listed_base = listing->base,
	    .listed_end = listing->end,
	    .proven = proven,
	    .incomplete = incomplete,
	    .pass = view->now.pass,
	    .version = view->now.version + 1,
	};
	view->now.pass.base = 0;
	lock_release(&view->lock);
}

void view_expire(struct view *view)
{
	lock_acquire(&view->lock);
	view->now.version++;
	lock_release(&view->lock);
}

/* ---- what the faces ask ---- */

struct view_now view_now(struct view *view)
{
	lock_acquire(&view->lock);
	struct view_now now = view->now;
	lock_release(&view->lock);
	return now;
}

bool view_is_fresh(const struct core *core, const struct view_now *now)
{
	if (!core->api)
		return now->listed_end != 0;
	return now->listed_end &&
	       now->proven >= moment_believed(core, moment_now(core));
}

bool view_lists(const struct view_now *now, const struct node *node)
{
	int64_t pos = node->pos[now->listed_side];
	return pos > now->listed_base && pos < now->listed_end;
}

bool view_shows(const struct view_now *now, const struct node *node)
{
	int64_t pos = node->pos[now->pass.side];
	return now->pass.base && pos > now->pass.base &&
	       pos < now->pass.frontier;
}

/* ---- open directories ---- */

int view_enter(
    struct view *view, const struct sync_dir *from, struct sync_dir *ret_dir)
{
	struct registration *reader = malloc(sizeof(*reader));
	if (!reader)
		return -ENOMEM;
	reader->view = view;
	reader->base = from->base;
	reader->end = from->end;
	reader->incomplete = from->incomplete;
	lock_acquire(&view->lock);
	LIST_INSERT_HEAD(&view->readers, reader, link);
	lock_release(&view->lock);
	*ret_dir = *from;
	ret_dir->registration = reader;
	return 0;
}

int view_enter_listing(struct view *view, const struct core *core,
    const struct view_now *now, struct sync_dir *ret_dir)
{
	const struct sync_dir dir = {
	    .base = now->listed_base,
	    .end = now->listed_end,
	    .since = core->api ? now->proven : MOMENT_FOREVER,
	    .version = now->version,
	    .incomplete = now->incomplete,
	};
	return view_enter(view, &dir, ret_dir);
}

void view_leave(struct sync_dir *dir)
{
	struct registration *reader = dir->registration;
	if (!reader)
		return;
	dir->registration = NULL;
	struct view *view = reader->view;
	lock_acquire(&view->lock);
	LIST_REMOVE(reader, link);
	lock_release(&view->lock);
	free(reader);
}

int view_frontier(
    struct view *view, const struct sync_dir *dir, int64_t *ret_frontier)
{
	const struct registration *reader = dir->registration;
	lock_acquire(&view->lock);
	struct view_now now = view->now;
	int64_t end = reader ? reader->end : dir->end;
	lock_release(&view->lock);
	if (end) {
		*ret_frontier = end;
		return 1;
	}
	if (now.pass.base != dir->base)
		return -EIO; /* the pass was given up, and another begun */
	if (now.err)
		return now.err;
	*ret_frontier = now.pass.frontier;
	return 0;
}

bool view_is_incomplete(struct view *view, const struct sync_dir *dir)
{
	const struct registration *reader = dir->registration;
	lock_acquire(&view->lock);
	bool incomplete = reader ? reader->incomplete : dir->incomplete;
	lock_release(&view->lock);
	return incomplete;
}

bool view_has_readers(struct view *view, int64_t base)
{
	struct registration *reader;
	bool found = false;
	lock_acquire(&view->lock);
	LIST_FOREACH (reader, &view->readers, link)
		found = found || !base || reader->base == base;
	lock_release(&view->lock);
	return found;
}

int64_t view_oldest_reader(struct view *view, int64_t base)
{
	struct registration *reader;
	lock_acquire(&view->lock);
	LIST_FOREACH (reader, &view->readers, link) {
		if (reader->base < base)
			base = reader->base;
	}
	lock_release(&view->lock);
	return base;
}
