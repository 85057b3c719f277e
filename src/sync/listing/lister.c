#include "sync/listing/pass.h"
#include "sync/listing/refresh.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/timestamp.h"
#include "sync/listing/prune.h"
#include "tree/name.h"

/* ---- life ---- */

static void on_abandoned(void *ctx)
{
	struct lister *lister = ctx;
	if (lister->finishing)
		return; /* ends by itself, with the commit */
	if (lister->state == LISTER_PROBING)
		refresh_stop(lister);
	else if (lister->state == LISTER_PASSING)
		pass_stop(lister);
	lister->state = LISTER_IDLE;
}

static void on_commit(void *ctx, int err);

static int copy_table_name(
    const struct core *core, int64_t dir, char **ret_table)
{
	struct node node;
	CLEANUP_BUF struct buf key;
	buf_init(&key, 1024);
	int r = replica_get(core->replica, dir, &node);
	if (r == 0 && node.kind != NODE_KIND_TABLE)
		r = -ENOTDIR;
	if (r == 0)
		r = replica_key(core->replica, dir, &key);
	if (r == 0 && !(*ret_table = buf_steal(&key)))
		r = -ENOMEM;
	return r;
}

struct lister *lister_new(
    struct core *core, struct fetches *fetches, int64_t dir)
{
	struct lister *lister = calloc(1, sizeof(*lister));
	if (!lister)
		return NULL;
	lister->core = core;
	lister->fetches = fetches;
	lister->dir = dir;
	int r = 0;
	if (dir == NODE_FILES)
		lister->twin_dir = NODE_STORAGE;
	else
		r = copy_table_name(core, dir, &lister->table);
	if (r == 0)
		r = replica_listing(core->replica, dir, &lister->listing);
	if (r < 0) {
		free(lister->table);
		free(lister);
		return NULL;
	}
	lister->title =
	    lister->table ? name_of_table_dir(lister->table) : "files";
	lock_init(&lister->lock);
	LIST_INIT(&lister->readers);
	TAILQ_INIT(&lister->pass.fetches);
	TAILQ_INIT(&lister->pass.ranges);
	buf_init(&lister->pass.last_id, RECORD_ID_MAX);
	buf_init(&lister->pass.chain.last, RECORD_ID_MAX);
	buf_init(&lister->delta.after_id, RECORD_ID_MAX);
	buf_init(&lister->delta.last_id, RECORD_ID_MAX);
	wait_init(&lister->waiting, on_abandoned, lister);
	lister->looked_at = refresh_looked_at(lister);
	lister->hook = (struct commit_hook){.fn = on_commit, .ctx = lister};
	lister->spec_hook =
	    (struct commit_hook){.fn = pass_spec_committed, .ctx = lister};
	/* What an earlier mount knew is believed only once it was checked. */
	lister->view = (struct lister_view){
	    .listed_side = lister->listing.side,
	    .listed_base = lister->listing.base,
	    .listed_end = lister->listing.end,
	    .version = 1,
	};
	return lister;
}

void lister_free(struct lister *lister)
{
	struct registration *reader;
	if (!lister)
		return;
	while ((reader = LIST_FIRST(&lister->readers))) {
		LIST_REMOVE(reader, link);
		free(reader);
	}
	write_unhook(&lister->hook);
	refresh_stop(lister);
	pass_stop(lister);
	round_done(&lister->pass);
	buf_done(&lister->pass.last_id);
	buf_done(&lister->pass.chain.last);
	ids_done(&lister->pass.round_ids);
	buf_done(&lister->delta.after_id);
	buf_done(&lister->delta.last_id);
	ids_done(&lister->delta.ids);
	lock_done(&lister->lock);
	free(lister->table);
	free(lister);
}

void lister_get_view(struct lister *lister, struct lister_view *ret_view)
{
	lock_acquire(&lister->lock);
	*ret_view = lister->view;
	lock_release(&lister->lock);
}

bool view_is_fresh(const struct core *core, const struct lister_view *view)
{
	if (!core->api)
		return view->listed_end != 0;
	return view->listed_end &&
	       view->proven >= moment_believed(core, moment_now(core));
}

bool view_lists(const struct lister_view *view, const struct node *node)
{
	int64_t pos = node->pos[view->listed_side];
	return pos > view->listed_base && pos < view->listed_end;
}

bool view_shows(const struct lister_view *view, const struct node *node)
{
	int64_t pos = node->pos[view->pass_side];
	return view->pass_base && pos > view->pass_base && pos < view->frontier;
}

static void set_view(struct lister *lister, const struct lister_view *view)
{
	lock_acquire(&lister->lock);
	lister->view = *view;
	lock_release(&lister->lock);
}

void lister_expire(struct lister *lister)
{
	lock_acquire(&lister->lock);
	lister->view.version++;
	lock_release(&lister->lock);
}

/* ---- what passes tell ---- */

void lister_publish(struct lister *lister)
{
	struct lister_view view = lister->view;
	const struct pass *pass = &lister->pass;
	view.pass_base = pass->base;
	view.pass_side = pass->side;
	view.pass_began = pass->began;
	view.frontier = slot_pos(pass, pass->done_slot + 1);
	view.err = 0;
	set_view(lister, &view);
	wait_restart(&lister->waiting);
}

void lister_failed(struct lister *lister, int err)
{
	struct lister_view view = lister->view;
	if (lister->state == LISTER_PROBING)
		refresh_stop(lister);
	if (err == -ENOENT && lister->pass.done_slot == 0)
		lister->missing_since = lister->pass.began;
	lister->state = LISTER_IDLE;
	lister->finishing = false;
	lister->pass.want_all = false;
	view.err = err;
	set_view(lister, &view);
	wait_finish(&lister->waiting, err);
}

struct fetch_from lister_from(const struct lister *lister)
{
	return (struct fetch_from){
	    .dir = lister->dir,
	    .title = lister->title,
	    .table = lister->table,
	};
}

void lister_explain(struct lister *lister, int err, const char *message)
{
	char request[160];
	snprintf(request, sizeof(request), "GET /v1/%s%s",
	    lister->table ? "data/" : "files",
	    lister->table ? lister->table : "");
	failures_add(lister->core->config.failures, lister->title, request, 200,
	    err, "", message);
	log_warn("%s: %s", lister->title, message);
}

void lister_lose(struct lister *lister, int err)
{
	bool busy = lister->state != LISTER_IDLE;
	write_unhook(&lister->hook);
	if (lister->pass.base)
		pass_forget(lister);
	if (busy)
		lister_failed(lister, err);
}

int lister_unlist(struct lister *lister, int64_t first, int64_t last)
{
	struct core *core = lister->core;
	int64_t dirs[] = {lister->dir, lister->twin_dir};
	int r = write_begin(core->write);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(dirs); i++) {
		if (dirs[i])
			r = replica_unlist(core->replica, dirs[i], first, last);
	}
	return r;
}

bool lister_has_readers(struct lister *lister, int64_t base)
{
	struct registration *reader;
	bool found = false;
	lock_acquire(&lister->lock);
	LIST_FOREACH (reader, &lister->readers, link)
		found = found || !base || reader->base == base;
	lock_release(&lister->lock);
	return found;
}

/* The lowest position that an open directory may still read. */
static int64_t oldest_reader(struct lister *lister, int64_t base)
{
	struct registration *reader;
	lock_acquire(&lister->lock);
	LIST_FOREACH (reader, &lister->readers, link) {
		if (reader->base < base)
			base = reader->base;
	}
	lock_release(&lister->lock);
	return base;
}

/* Names that a sweep took away. */
struct swept {
	struct core *core;
	int64_t dir;
};

static int on_swept(void *ctx, const char *name)
{
	const struct swept *swept = ctx;
	write_changes_name(swept->core->write, swept->dir, name);
	return 0;
}

static int write_listing(
    struct lister *lister, const struct replica_listing *next, bool whole_pass)
{
	struct core *core = lister->core;
	int64_t since = confirmation(core, lister->pass.began);
	int64_t dirs[] = {lister->dir, lister->twin_dir};
	int r = write_begin(core->write);
	for (size_t i = 0; r == 0 && whole_pass && i < ARRAY_SIZE(dirs); i++) {
		if (!dirs[i])
			continue;
		struct swept swept = {core, dirs[i]};
		r = replica_sweep(core->replica, dirs[i], next->side,
		    next->base, since, on_swept, &swept);
		if (r == 0)
			r = replica_trim(core->replica, dirs[i],
			    oldest_reader(lister, next->base));
	}
	if (r == 0)
		r = replica_set_listing(core->replica, lister->dir, next);
	return r;
}

void lister_settle(struct lister *lister, const struct replica_listing *next,
    int64_t proven, bool whole_pass)
{
	int r = write_listing(lister, next, whole_pass);
	if (r < 0) {
		lister_failed(lister, r);
		return;
	}
	lister->next = *next;
	lister->next_proven = proven;
	lister->finishing = true;
	write_hook(lister->core->write, &lister->hook);
}

/* Ours may differ from theirs by so much, where the answers carry no date. In
 * milliseconds. */
#define OWN_CLOCK_DIFFERS_MS (5 * 60 * 1000)

int64_t lister_threshold(int64_t date_ms, int64_t own_ms)
{
	if (date_ms <= 0)
		return own_ms - OWN_CLOCK_DIFFERS_MS;
	/* Either may be wrong, and by how much they differ, perhaps both: the
	 * earlier one, less that, is on the safe side. */
	int64_t earlier = date_ms < own_ms ? date_ms : own_ms;
	int64_t later = date_ms < own_ms ? own_ms : date_ms;
	return earlier - (later - earlier) - CLOCKS_DIFFER_MS;
}

/* Who read along with the pass has all of it: what comes later is not theirs.
 */
static void end_readers(struct lister *lister)
{
	struct registration *reader;
	lock_acquire(&lister->lock);
	LIST_FOREACH (reader, &lister->readers, link) {
		if (reader->base == lister->listing.base && !reader->end)
			reader->end = lister->listing.end;
	}
	lock_release(&lister->lock);
}

/* The listing's last write is safe: it is whole. */
static void on_commit(void *ctx, int err)
{
	struct lister *lister = ctx;
	struct lister_view view = lister->view;
	if (err < 0) {
		lister_failed(lister, err);
		return;
	}
	if (lister->state == LISTER_PROBING) {
		refresh_stop(lister);
	} else {
		lister->looked_at = lister->next_proven;
		pass_forget(lister);
	}
	lister->pass.want_all = false;
	lister->finishing = false;
	lister->state = LISTER_IDLE;
	lister->listing = lister->next;
	view.listed_side = lister->listing.side;
	view.listed_base = lister->listing.base;
	view.listed_end = lister->listing.end;
	view.proven = lister->next_proven;
	view.pass_base = 0;
	view.err = 0;
	view.version++;
	end_readers(lister);
	set_view(lister, &view);
	log_debug("%s: listed, %lld records", lister->title,
	    (long long)lister->listing.count);
	wait_restart(&lister->waiting);
}

/* ---- waiting for it ---- */

bool lister_is_fresh(struct lister *lister, const struct sync_op *op)
{
	const struct lister_view *view = &lister->view;
	struct core *core = lister->core;
	return view->listed_end &&
	       (!core->api || view->proven >= moment_believed(core, op->began));
}

bool lister_may_join(struct lister *lister, const struct sync_op *op)
{
	const struct pass *pass = &lister->pass;
	return pass->base &&
	       pass->began >= moment_believed(lister->core, op->began);
}

/* After a hang-up nothing is believed but what the pages say. */
static bool may_be_refreshed(const struct lister *lister)
{
	return lister->view.listed_end &&
	       !(lister->listing.flags & LISTING_LOOSE) &&
	       lister->view.proven >= lister->core->expired;
}

static void begin(struct lister *lister, bool take_up)
{
	if (!take_up && lister->pass.base)
		pass_forget(lister);
	if (!take_up && may_be_refreshed(lister))
		refresh_run(lister);
	else
		pass_run(lister);
}

/* A pass that began too long ago: whoever reads it shall have it whole; else it
 * is given up. Whether it goes on. */
static bool end_old_pass(struct lister *lister)
{
	struct pass *pass = &lister->pass;
	if (lister->finishing)
		return true;
	if (lister_has_readers(lister, pass->base) ||
	    !TAILQ_EMPTY(&lister->waiting.queue)) {
		pass->want_all = true;
		return true;
	}
	pass_forget(lister);
	lister->state = LISTER_IDLE;
	return false;
}

void lister_wait_for_news(struct lister *lister, struct sync_op *op)
{
	bool goes_on = lister->pass.base != 0;
	if (goes_on && !lister_may_join(lister, op))
		goes_on = end_old_pass(lister);
	wait_add(&lister->waiting, op);
	if (lister->state == LISTER_PASSING)
		pass_pump(lister);
	else if (lister->state == LISTER_IDLE)
		begin(lister, goes_on);
}

void lister_read_on(struct lister *lister, struct sync_op *op)
{
	wait_add(&lister->waiting, op);
	if (lister->state == LISTER_PASSING)
		pass_pump(lister);
	else if (lister->state == LISTER_IDLE)
		begin(lister, true);
}

void lister_complete(struct lister *lister, struct sync_op *op)
{
	lister->pass.want_all = true;
	lister_wait_for_news(lister, op);
}
