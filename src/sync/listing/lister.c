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
	lister->folder.id = dir;
	int r = 0;
	if (dir == NODE_FILES)
		lister->folder.twin = NODE_STORAGE;
	else
		r = copy_table_name(core, dir, &lister->table);
	if (r == 0)
		r = replica_listing(core->replica, dir, &lister->listing);
	if (r == 0)
		lister->view = view_new(&lister->listing);
	if (!lister->view) {
		free(lister->table);
		free(lister);
		return NULL;
	}
	lister->folder.table = lister->table;
	lister->folder.title =
	    lister->table ? name_of_table_dir(lister->table) : "files";
	TAILQ_INIT(&lister->pass.fetches);
	TAILQ_INIT(&lister->pass.ranges);
	buf_init(&lister->pass.last_id, RECORD_ID_MAX);
	buf_init(&lister->pass.chain.last, RECORD_ID_MAX);
	buf_init(&lister->delta.after_id, RECORD_ID_MAX);
	buf_init(&lister->delta.last_id, RECORD_ID_MAX);
	wait_init(&lister->waiting, on_abandoned, lister);
	lister->hook = (struct commit_hook){.fn = on_commit, .ctx = lister};
	lister->spec_hook =
	    (struct commit_hook){.fn = pass_spec_committed, .ctx = lister};
	return lister;
}

void lister_free(struct lister *lister)
{
	if (!lister)
		return;
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
	view_free(lister->view);
	free(lister->table);
	free(lister);
}

struct view *lister_view(const struct lister *lister)
{
	return lister->view;
}

void lister_expire(struct lister *lister)
{
	view_expire(lister->view);
}

/* ---- what passes tell ---- */

void lister_publish(struct lister *lister)
{
	const struct pass *pass = &lister->pass;
	struct view_pass published = {
	    .base = pass->base,
	    .began = pass->began,
	    .side = pass->side,
	    .frontier = slot_pos(pass, pass->done_slot + 1),
	};
	view_publish(lister->view, &published);
	wait_restart(&lister->waiting);
}

void lister_failed(struct lister *lister, int err)
{
	if (lister->state == LISTER_PROBING)
		refresh_stop(lister);
	if (err == -ENOENT && lister->pass.done_slot == 0)
		lister->missing_since = lister->pass.began;
	lister->state = LISTER_IDLE;
	lister->finishing = false;
	lister->pass.want_all = false;
	view_fail(lister->view, err);
	wait_finish(&lister->waiting, err);
}

const struct folder *lister_folder(const struct lister *lister)
{
	return &lister->folder;
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
	int64_t dirs[] = {lister->folder.id, lister->folder.twin};
	int r = write_begin(core->write);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(dirs); i++) {
		if (dirs[i])
			r = replica_unlist(core->replica, dirs[i], first, last);
	}
	return r;
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
	int64_t dirs[] = {lister->folder.id, lister->folder.twin};
	int r = write_begin(core->write);
	for (size_t i = 0; r == 0 && whole_pass && i < ARRAY_SIZE(dirs); i++) {
		if (!dirs[i])
			continue;
		struct swept swept = {core, dirs[i]};
		r = replica_sweep(core->replica, dirs[i], next->side,
		    next->base, since, on_swept, &swept);
		if (r == 0)
			r = replica_trim(core->replica, dirs[i],
			    view_oldest_reader(lister->view, next->base));
	}
	if (r == 0)
		r = replica_set_listing(core->replica, lister->folder.id, next);
	return r;
}

int lister_doubt(struct lister *lister)
{
	struct core *core = lister->core;
	struct replica_listing doubted = lister->listing;
	doubted.flags |= LISTING_LOOSE;
	doubted.newest_ms = doubted.created_ms = NO_DATE;
	int r = write_begin(core->write);
	if (r == 0)
		r = replica_set_listing(
		    core->replica, lister->folder.id, &doubted);
	lister->listing.flags |= LISTING_LOOSE;
	return r;
}

static void raise(int64_t *date_ms, int64_t raised_ms, int64_t known_ms)
{
	if (raised_ms > known_ms && raised_ms > *date_ms)
		*date_ms = raised_ms;
}

/* Texts that came alone took over places in the next listing, perhaps, behind
 * the back of what put it together. */
static int heed_raised(struct lister *lister, bool whole_pass)
{
	const struct replica_listing *known = &lister->listing;
	struct replica_listing *next = &lister->next, raised;
	if (whole_pass && !lister->pass.doubts)
		return 0; /* no record came */
	int r =
	    replica_listing(lister->core->replica, lister->folder.id, &raised);
	if (r < 0)
		return r;
	raise(&next->newest_ms, raised.newest_ms,
	    whole_pass ? NO_DATE : known->newest_ms);
	raise(&next->created_ms, raised.created_ms,
	    whole_pass ? NO_DATE : known->created_ms);
	return 0;
}

void lister_settle(struct lister *lister, const struct replica_listing *next,
    int64_t proven, bool whole_pass)
{
	lister->next = *next;
	int r = heed_raised(lister, whole_pass);
	if (r == 0)
		r = write_listing(lister, &lister->next, whole_pass);
	if (r < 0) {
		lister_failed(lister, r);
		return;
	}
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

/* The listing's last write is safe: it is whole. */
static void on_commit(void *ctx, int err)
{
	struct lister *lister = ctx;
	if (err < 0) {
		lister_failed(lister, err);
		return;
	}
	if (lister->state == LISTER_PROBING)
		refresh_stop(lister);
	else
		pass_forget(lister);
	lister->pass.want_all = false;
	lister->finishing = false;
	lister->state = LISTER_IDLE;
	lister->listing = lister->next;
	view_settle(lister->view, &lister->listing, lister->next_proven);
	log_debug("%s: listed, %lld records", lister->folder.title,
	    (long long)lister->listing.count);
	wait_restart(&lister->waiting);
}

/* ---- waiting for it ---- */

bool lister_is_fresh(struct lister *lister, const struct sync_op *op)
{
	const struct core *core = lister->core;
	struct view_now now = view_now(lister->view);
	return now.listed_end &&
	       (!core->api || now.proven >= moment_believed(core, op->began));
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
	struct view_now now = view_now(lister->view);
	return now.listed_end && !(lister->listing.flags & LISTING_LOOSE) &&
	       now.proven >= lister->core->expired;
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
	if (view_has_readers(lister->view, pass->base) ||
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
