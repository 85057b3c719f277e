#include "sync/listing/lister.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "sync/core/core.h"
#include "sync/core/folder.h"
#include "sync/listing/entries.h"
#include "sync/listing/known.h"
#include "sync/listing/pass.h"
#include "sync/listing/refresh.h"
#include "sync/listing/sort_trial.h"
#include "sync/listing/view.h"
#include "tree/name.h"

/*
 *          open, stale                  changed
 *   IDLE ───────────────► PROBING ──────────────────► PASSING ──► IDLE, listed
 *    ▲                       │ unchanged                 │ failed, or nobody
 *    └───────────────────────┘                           ▼ waits any more
 *    └──────────────────────────────────────────── IDLE, to be taken up
 *
 *   state     what is under way                     what ends it
 *   IDLE      nothing; nobody waits                 somebody who wants news
 *   PROBING   the refresh: a question, or the       its proven, anew or failed;
 *             commit of what it found               nobody waits any more (not
 *                                                   while finishing)
 *   PASSING   the pass: parts, the spec, commits    its whole or failed; nobody
 *             of both; or parts wait for their      waits any more (not while
 *             reader to come nearer                 finishing)
 *   either,   the commit of the next listing        that commit, good or bad
 *   finishing (known.h)
 *
 * Who waits is restarted at each news, and ended by an error: so whoever goes
 * to IDLE does one of the two.
 */
struct lister {
	/* Immutable after new. */
	struct core *core;
	struct folder folder; /* the title points to table, or is static */
	char *table;
	struct known *known;
	struct view *view;
	struct pass *pass;
	struct refresh *refresh;
	struct sort_trial *trial;
	/* Loop thread only. */
	enum { LISTER_IDLE, LISTER_PROBING, LISTER_PASSING } state;
	struct wait_list waiting;
	int64_t missing_since; /* a moment: the server knew no such table */
};

static void on_abandoned(void *ctx);
static void on_settled(void *ctx, int err);
static void on_sorts(void *ctx);
static const struct pass_events pass_events;
static const struct refresh_events refresh_events;

/* ---- life ---- */

static int copy_table_name(const struct core *core, int64_t dir, char **ret)
{
	struct node node;
	CLEANUP_BUF struct buf key;
	buf_init(&key, 1024);
	int r = replica_get(core->replica, dir, &node);
	if (r == 0 && node.kind != NODE_KIND_TABLE)
		r = -ENOTDIR;
	if (r == 0)
		r = replica_key(core->replica, dir, &key);
	if (r == 0 && !(*ret = buf_steal(&key)))
		r = -ENOMEM;
	return r;
}

static int name_folder(struct lister *lister, int64_t dir)
{
	int r = dir == NODE_FILES
		    ? 0
		    : copy_table_name(lister->core, dir, &lister->table);
	lister->folder = (struct folder){
	    .id = dir,
	    .twin = dir == NODE_FILES ? NODE_STORAGE : 0,
	    .table = lister->table,
	    .title = lister->table ? name_of_table_dir(lister->table) : "files",
	};
	return r;
}

static int make_parts(struct lister *lister, struct fetches *fetches)
{
	struct core *core = lister->core;
	const struct folder *folder = &lister->folder;
	lister->known = known_new(core, folder, on_settled, lister);
	if (lister->known)
		lister->view = view_new(known_listing(lister->known),
		    known_is_incomplete(lister->known));
	lister->pass = pass_new(core, folder, &pass_events, lister);
	if (lister->view)
		lister->refresh = refresh_new(core, folder, fetches,
		    lister->view, &refresh_events, lister);
	lister->trial = sort_trial_new(core, folder, on_sorts, lister);
	if (!lister->pass || !lister->refresh || !lister->trial)
		return -ENOMEM;
	refresh_loaded(lister->refresh, known_listing(lister->known));
	return 0;
}

struct lister *lister_new(
    struct core *core, struct fetches *fetches, int64_t dir)
{
	struct lister *lister = calloc(1, sizeof(*lister));
	if (!lister)
		return NULL;
	lister->core = core;
	wait_init(&lister->waiting, on_abandoned, lister);
	int r = name_folder(lister, dir);
	if (r == 0)
		r = make_parts(lister, fetches);
	if (r < 0) {
		lister_free(lister);
		return NULL;
	}
	return lister;
}

void lister_free(struct lister *lister)
{
	if (!lister)
		return;
	sort_trial_free(lister->trial);
	refresh_free(lister->refresh);
	pass_free(lister->pass);
	view_free(lister->view);
	known_free(lister->known);
	free(lister->table);
	free(lister);
}

const struct folder *lister_folder(const struct lister *lister)
{
	return &lister->folder;
}

struct view *lister_view(const struct lister *lister)
{
	return lister->view;
}

void lister_expire(struct lister *lister)
{
	view_expire(lister->view);
}

/* ---- ends ---- */

static void on_abandoned(void *ctx)
{
	struct lister *lister = ctx;
	if (known_is_settling(lister->known))
		return; /* ends by itself, with the commit */
	if (lister->state == LISTER_PROBING)
		refresh_stop(lister->refresh);
	else if (lister->state == LISTER_PASSING)
		pass_stop(lister->pass);
	lister->state = LISTER_IDLE;
}

static void on_failed(void *ctx, int err)
{
	struct lister *lister = ctx;
	struct pass_state pass = pass_state(lister->pass);
	if (lister->state == LISTER_PROBING)
		refresh_stop(lister->refresh);
	if (err == -ENOENT && pass.is_empty)
		lister->missing_since = pass.began;
	lister->state = LISTER_IDLE;
	known_stop(lister->known);
	pass_want_all(lister->pass, false);
	view_fail(lister->view, err);
	wait_finish(&lister->waiting, err);
}

void lister_lose(struct lister *lister, int err)
{
	bool busy = lister->state != LISTER_IDLE;
	if (pass_state(lister->pass).base)
		pass_forget(lister->pass);
	if (busy)
		on_failed(lister, err);
}

/* The next listing is the one that is known, and whole; or it failed. */
static void on_settled(void *ctx, int err)
{
	struct lister *lister = ctx;
	const struct replica_listing *listing = known_listing(lister->known);
	int64_t proven = known_proven(lister->known);
	if (err < 0) {
		on_failed(lister, err);
		return;
	}
	if (lister->state == LISTER_PROBING) {
		refresh_stop(lister->refresh);
	} else {
		refresh_looked_at(lister->refresh, proven);
		pass_forget(lister->pass);
	}
	pass_want_all(lister->pass, false);
	lister->state = LISTER_IDLE;
	view_settle(
	    lister->view, listing, proven, known_is_incomplete(lister->known));
	log_debug("%s: listed, %lld records", lister->folder.title,
	    (long long)listing->count);
	wait_restart(&lister->waiting);
	if (lister->state == LISTER_IDLE)
		sort_trial_begin(lister->trial, listing);
}

static void on_sorts(void *ctx)
{
	struct lister *lister = ctx;
	known_keep_sorting(lister->known, lister->state == LISTER_IDLE);
}

static enum known_raised raised(const struct lister *lister)
{
	if (lister->state != LISTER_PASSING)
		return RAISED_NEWER;
	return pass_state(lister->pass).has_brought ? RAISED_ANY : RAISED_NONE;
}

/* The listing is this one, which is believed once that is committed; what asked
 * for it began at that moment. r: what its last write came to so far. */
static void settle(struct lister *lister, const struct replica_listing *next,
    int64_t proven, int r)
{
	if (r == 0)
		r = known_settle(lister->known, next, proven, raised(lister));
	if (r < 0)
		on_failed(lister, r);
}

/* ---- what the pass and the refresh tell ---- */

static void on_advanced(void *ctx)
{
	struct lister *lister = ctx;
	struct pass_state pass = pass_state(lister->pass);
	struct view_pass shown = {
	    .base = pass.base,
	    .began = pass.began,
	    .side = pass.side,
	    .frontier = pass.frontier,
	    .total = pass.total,
	};
	view_publish(lister->view, &shown);
	wait_restart(&lister->waiting);
}

static int on_brings(void *ctx)
{
	struct lister *lister = ctx;
	return known_doubt(lister->known);
}

static void on_whole(void *ctx, const struct replica_listing *next)
{
	struct lister *lister = ctx;
	struct core *core = lister->core;
	int64_t began = pass_state(lister->pass).began;
	int r = entries_sweep(core, &lister->folder, next,
	    confirmation(core, began),
	    view_oldest_reader(lister->view, next->base));
	settle(lister, next, began, r);
}

static const struct pass_events pass_events = {
    .advanced = on_advanced,
    .brings = on_brings,
    .whole = on_whole,
    .failed = on_failed,
};

static void on_proven(
    void *ctx, const struct replica_listing *next, int64_t began)
{
	settle(ctx, next, began, 0);
}

static void run_pass(struct lister *lister)
{
	lister->state = LISTER_PASSING;
	pass_run(lister->pass, known_listing(lister->known));
}

static void on_anew(void *ctx)
{
	struct lister *lister = ctx;
	pass_forget(lister->pass);
	run_pass(lister);
}

static void on_disproven(void *ctx)
{
	struct lister *lister = ctx;
	int r = known_doubt(lister->known);
	if (r < 0)
		on_failed(lister, r);
	else
		on_anew(lister);
}

static const struct refresh_events refresh_events = {
    .proven = on_proven,
    .anew = on_anew,
    .disproven = on_disproven,
    .failed = on_failed,
};

/* ---- what it knows ---- */

bool lister_is_fresh(const struct lister *lister, const struct sync_op *op)
{
	const struct core *core = lister->core;
	struct view_now now = view_now(lister->view);
	return now.listed_end &&
	       (!core->api || now.proven >= moment_believed(core, op->began));
}

bool lister_is_missing(const struct lister *lister, const struct sync_op *op)
{
	return lister->missing_since &&
	       lister->missing_since >=
		   moment_believed(lister->core, op->began);
}

bool lister_is_passing(const struct lister *lister)
{
	return lister->state == LISTER_PASSING;
}

/* The pass, under way or left, began as lately as op asks for. */
static bool is_recent(const struct lister *lister, const struct sync_op *op)
{
	struct pass_state pass = pass_state(lister->pass);
	return pass.base &&
	       pass.began >= moment_believed(lister->core, op->began);
}

bool lister_may_join(const struct lister *lister, const struct sync_op *op)
{
	struct pass_state pass = pass_state(lister->pass);
	struct view_now now = view_now(lister->view);
	return lister->state == LISTER_PASSING && !now.err &&
	       now.pass.base == pass.base && !pass.is_empty &&
	       is_recent(lister, op);
}

int lister_enter(struct lister *lister, struct sync_dir *ret_dir)
{
	struct view_now now = view_now(lister->view);
	return view_enter_listing(lister->view, lister->core, &now, ret_dir);
}

int lister_join(struct lister *lister, struct sync_dir *ret_dir)
{
	struct pass_state pass = pass_state(lister->pass);
	struct sync_dir dir = {.base = pass.base, .since = pass.began};
	return view_enter(lister->view, &dir, ret_dir);
}

/* ---- waiting for it ---- */

/* After a hang-up nothing is believed but what the pages say. */
static bool may_be_refreshed(const struct lister *lister)
{
	struct view_now now = view_now(lister->view);
	return now.listed_end &&
	       !(known_listing(lister->known)->flags & LISTING_LOOSE) &&
	       now.proven >= lister->core->expired;
}

static void begin(struct lister *lister, bool take_up)
{
	if (!take_up && pass_state(lister->pass).base)
		pass_forget(lister->pass);
	if (!take_up && may_be_refreshed(lister)) {
		lister->state = LISTER_PROBING;
		refresh_run(lister->refresh, known_listing(lister->known));
	} else {
		run_pass(lister);
	}
}

/* A pass that began too long ago: whoever reads it shall have it whole; else it
 * is given up. Whether it goes on. */
static bool end_old_pass(struct lister *lister)
{
	if (known_is_settling(lister->known))
		return true;
	if (view_has_readers(lister->view, pass_state(lister->pass).base) ||
	    !TAILQ_EMPTY(&lister->waiting.queue)) {
		pass_want_all(lister->pass, true);
		return true;
	}
	pass_forget(lister->pass);
	lister->state = LISTER_IDLE;
	return false;
}

void lister_wait_for_news(struct lister *lister, struct sync_op *op)
{
	bool goes_on = pass_state(lister->pass).base != 0;
	if (goes_on && !is_recent(lister, op))
		goes_on = end_old_pass(lister);
	wait_add(&lister->waiting, op);
	if (lister->state == LISTER_PASSING)
		pass_pump(lister->pass);
	else if (lister->state == LISTER_IDLE)
		begin(lister, goes_on);
}

void lister_read_on(struct lister *lister, struct sync_op *op)
{
	pass_reader_at(lister->pass, op->after);
	wait_add(&lister->waiting, op);
	if (lister->state == LISTER_PASSING)
		pass_pump(lister->pass);
	else if (lister->state == LISTER_IDLE)
		begin(lister, true);
}

void lister_complete(struct lister *lister, struct sync_op *op)
{
	pass_want_all(lister->pass, true);
	lister_wait_for_news(lister, op);
}

void lister_reader_at(struct lister *lister, int64_t base, int64_t pos)
{
	if (lister->state != LISTER_PASSING ||
	    known_is_settling(lister->known) ||
	    pass_state(lister->pass).base != base)
		return;
	pass_reader_at(lister->pass, pos);
	pass_pump(lister->pass);
}
