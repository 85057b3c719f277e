#include "sync/delta.h"
#include "sync/pass.h"
#include "sync/prune.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/record.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/timestamp.h"
#include "tree/name.h"

/* ---- life ---- */

static void on_abandoned(void *ctx)
{
	struct lister *lister = ctx;
	if (lister->state == LISTER_PROBING) {
		api_cancel(lister->probe_call);
		lister->probe_call = NULL;
		lister->state = LISTER_IDLE;
	} else if (lister->state == LISTER_PASSING && !lister->finishing) {
		pass_stop(lister);
		lister->state = LISTER_IDLE;
	}
}

static void on_commit(void *ctx, int err);

/* What the replica knows, as a view. */
static void load_view(struct lister *lister)
{
	const struct replica_listing *listing = &lister->listing;
	int64_t age = timestamp_now_ms() - listing->listed_ms;
	int64_t ttl = lister->sync->config.ttl_ms;
	lister->view = (struct lister_view){
	    .listed_base = listing->base,
	    .listed_end = listing->end,
	    .version = 1,
	};
	if (listing->end && age >= 0 && age < ttl)
		lister->view.fresh_until_ms = timestamp_mono_ms() + ttl - age;
}

static int copy_table_name(struct sync *sync, int64_t dir, char **ret_table)
{
	struct node node;
	CLEANUP_BUF struct buf key;
	buf_init(&key, 1024);
	int r = replica_get(sync->replica, dir, &node);
	if (r == 0 && node.kind != NODE_KIND_TABLE)
		r = -ENOTDIR;
	if (r == 0)
		r = replica_key(sync->replica, dir, &key);
	if (r == 0 && !(*ret_table = buf_steal(&key)))
		r = -ENOMEM;
	return r;
}

static struct lister *lister_new(struct sync *sync, int64_t dir)
{
	struct lister *lister = calloc(1, sizeof(*lister));
	if (!lister)
		return NULL;
	lister->sync = sync;
	lister->dir = dir;
	int r = 0;
	if (dir == NODE_FILES)
		lister->twin_dir = NODE_STORAGE;
	else
		r = copy_table_name(sync, dir, &lister->table);
	if (r == 0)
		r = replica_listing(sync->replica, dir, &lister->listing);
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
	wait_init(&lister->waiting, on_abandoned, lister);
	lister->hook = (struct commit_hook){.fn = on_commit, .ctx = lister};
	lister->spec_hook =
	    (struct commit_hook){.fn = pass_spec_committed, .ctx = lister};
	load_view(lister);
	return lister;
}

void lister_free_all(struct sync *sync)
{
	struct lister *lister;
	while ((lister = SLIST_FIRST(&sync->listers))) {
		SLIST_REMOVE_HEAD(&sync->listers, link);
		struct registration *reader;
		while ((reader = LIST_FIRST(&lister->readers))) {
			LIST_REMOVE(reader, link);
			free(reader);
		}
		api_cancel(lister->probe_call);
		pass_stop(lister);
		prune_free(lister->prune);
		round_done(&lister->pass);
		lock_done(&lister->lock);
		free(lister->table);
		free(lister);
	}
}

static struct lister *find_locked(struct sync *sync, int64_t dir)
    REQUIRES(sync->lock)
{
	struct lister *lister;
	SLIST_FOREACH (lister, &sync->listers, link) {
		if (lister->dir == dir)
			return lister;
	}
	return NULL;
}

struct lister *sync_lister(struct sync *sync, int64_t dir)
{
	if (dir == NODE_STORAGE)
		dir = NODE_FILES;
	lock_acquire(&sync->lock);
	struct lister *lister = find_locked(sync, dir);
	lock_release(&sync->lock);
	if (lister || (dir != NODE_FILES && dir < NODE_FIRST))
		return lister;
	struct lister *made = lister_new(sync, dir);
	if (!made)
		return NULL;
	lock_acquire(&sync->lock);
	lister = find_locked(sync, dir);
	if (!lister)
		SLIST_INSERT_HEAD(&sync->listers, made, link);
	lock_release(&sync->lock);
	if (!lister)
		return made;
	lock_done(&made->lock); /* another thread was first */
	free(made->table);
	free(made);
	return lister;
}

void lister_get_view(struct lister *lister, struct lister_view *ret_view)
{
	lock_acquire(&lister->lock);
	*ret_view = lister->view;
	lock_release(&lister->lock);
}

bool view_is_fresh(const struct lister_view *view)
{
	return view->listed_end && timestamp_mono_ms() < view->fresh_until_ms;
}

static void set_view(struct lister *lister, const struct lister_view *view)
{
	lock_acquire(&lister->lock);
	lister->view = *view;
	lock_release(&lister->lock);
}

void lister_expire_all(struct sync *sync)
{
	struct lister *lister;
	lock_acquire(&sync->lock);
	SLIST_FOREACH (lister, &sync->listers, link) {
		lock_acquire(&lister->lock);
		lister->view.fresh_until_ms = 0;
		lock_release(&lister->lock);
		lister->missing_until_ms = 0;
	}
	lock_release(&sync->lock);
}

/* ---- what passes tell ---- */

void lister_publish(struct lister *lister)
{
	struct lister_view view = lister->view;
	view.pass_base = lister->pass.base;
	view.frontier =
	    lister->pass.base + ((lister->pass.done_slot + 1) << PAGE_BITS);
	view.err = 0;
	set_view(lister, &view);
	wait_restart(&lister->waiting);
}

/* That it may not be listed tells that the table is there. */
static void restart_table_lookups(struct lister *lister)
{
	struct sync_op *op, *next;
	for (op = TAILQ_FIRST(&lister->waiting.queue); op; op = next) {
		next = TAILQ_NEXT(op, link);
		if (op->dir != NODE_ROOT || !lister->list_refused)
			continue;
		wait_remove(op);
		op_restart(op);
	}
}

void lister_failed(struct lister *lister, int err)
{
	struct lister_view view = lister->view;
	lister->state = LISTER_IDLE;
	view.err = err;
	set_view(lister, &view);
	if (err == -ENOENT && lister->pass.done_slot == 0)
		lister->missing_until_ms =
		    timestamp_mono_ms() + lister->sync->config.ttl_ms;
	if (err == -EACCES)
		restart_table_lookups(lister);
	wait_finish(&lister->waiting, err);
}

int lister_unlist(struct lister *lister, int64_t first, int64_t last)
{
	struct sync *sync = lister->sync;
	int64_t dirs[] = {lister->dir, lister->twin_dir};
	int r = write_begin(sync);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(dirs); i++) {
		if (dirs[i])
			r = replica_unlist(sync->replica, dirs[i], first, last);
	}
	return r;
}

bool lister_has_readers(struct lister *lister)
{
	lock_acquire(&lister->lock);
	bool has = !LIST_EMPTY(&lister->readers);
	lock_release(&lister->lock);
	return has;
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
	struct sync *sync;
	int64_t dir;
};

static int on_swept(void *ctx, const char *name)
{
	const struct swept *swept = ctx;
	write_changes_name(swept->sync, swept->dir, name);
	return 0;
}

static int write_listing(struct lister *lister, bool whole_pass)
{
	struct sync *sync = lister->sync;
	const struct replica_listing *listing = &lister->listing;
	int64_t dirs[] = {lister->dir, lister->twin_dir};
	int r = write_begin(sync);
	for (size_t i = 0; r == 0 && whole_pass && i < ARRAY_SIZE(dirs); i++) {
		if (!dirs[i])
			continue;
		struct swept swept = {sync, dirs[i]};
		r = replica_sweep(sync->replica, dirs[i], listing->base,
		    lister->pass.started_wall_ms, on_swept, &swept);
		if (r == 0)
			r = replica_trim(sync->replica, dirs[i],
			    oldest_reader(lister, listing->base));
	}
	if (r == 0)
		r = replica_set_listing(sync->replica, lister->dir, listing);
	return r;
}

/* Write the listing; once that is committed, it is whole and fresh. */
static void settle(struct lister *lister, bool whole_pass)
{
	int r = write_listing(lister, whole_pass);
	if (r < 0) {
		lister_failed(lister, r);
		return;
	}
	lister->finishing = true;
	write_hook(lister->sync, &lister->hook);
}

int64_t lister_newest(int64_t newest_ms, int64_t began_ms)
{
	return newest_ms < began_ms ? newest_ms : began_ms;
}

void lister_finished(struct lister *lister)
{
	const struct pass *pass = &lister->pass;
	lister->listing = (struct replica_listing){
	    .base = pass->base,
	    .end = pass->base + ((pass->done_slot + 1) << PAGE_BITS),
	    .listed_ms = pass->started_wall_ms,
	    .count = pass->count,
	    .newest_ms = lister_newest(pass->newest_ms, pass_began_ms(pass)),
	};
	settle(lister, true);
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
	lister->finishing = false;
	lister->state = LISTER_IDLE;
	if (err < 0) {
		lister_failed(lister, err);
		return;
	}
	lister->confirmations++;
	view.listed_base = lister->listing.base;
	view.listed_end = lister->listing.end;
	view.fresh_until_ms = timestamp_mono_ms() +
			      lister->sync->config.ttl_ms -
			      (timestamp_now_ms() - lister->listing.listed_ms);
	view.err = 0;
	view.version++;
	set_view(lister, &view);
	end_readers(lister);
	log_debug("%s: listed, %lld records", lister->title,
	    (long long)lister->listing.count);
	wait_restart(&lister->waiting);
}

/* ---- has it changed? ---- */

static int probe_record(void *ctx, const char *text, size_t len)
{
	struct lister *lister = ctx;
	struct record record;
	int r = record_parse(text, len, &record);
	if (r < 0)
		return r;
	if (lister->probe_newest_ms < record.updated_ms)
		lister->probe_newest_ms = record.updated_ms;
	record_done(&record);
	return 0;
}

static void probe_restart(void *ctx)
{
	struct lister *lister = ctx;
	lister->probe_newest_ms = -1;
}

static void probe_done(
    void *ctx, const struct api_error *error, const struct api_page *page)
{
	struct lister *lister = ctx;
	struct replica_listing *listing = &lister->listing;
	lister->probe_call = NULL;
	if (!error->err)
		delta_asked_at(lister, page->date_ms);
	if (error->err && error->err != -EPROTO) {
		lister_failed(lister, error->err);
		return;
	}
	if (error->err) {
		/* The server cannot tell: only a whole listing can. */
		lister->pass.base = 0;
		pass_run(lister);
		return;
	}
	bool known = listing->newest_ms >= 0 || listing->count == 0;
	if (!known ||
	    !delta_agrees(lister, page->total, lister->probe_newest_ms)) {
		delta_run(lister, page->total, lister->probe_newest_ms);
		return;
	}
	int r = delta_adopt(lister);
	if (r < 0) {
		lister_failed(lister, r);
		return;
	}
	listing->listed_ms = timestamp_now_ms();
	settle(lister, false);
}

void lister_probe(struct lister *lister)
{
	static const struct api_page_sink sink = {
	    .record = probe_record,
	    .restart = probe_restart,
	    .done = probe_done,
	};
	struct api_query query = {
	    .subject = lister->title,
	    .table = lister->table,
	    .page = 1,
	    .limit = 1,
	    .sort_by = "updatedAt",
	    .descending = true,
	};
	probe_restart(lister);
	lister->state = LISTER_PROBING;
	lister->probe_call = api_list(lister->sync->api, &query, &sink, lister);
	if (!lister->probe_call)
		lister_failed(lister, -ENOMEM);
}

/* ---- waiting for it ---- */

/* Wait for the next news; see to it that there will be some. */
void lister_wait_for_news(struct lister *lister, struct sync_op *op)
{
	wait_add(&lister->waiting, op);
	if (lister->state == LISTER_PASSING && !lister->finishing)
		pass_pump(lister);
	if (lister->state != LISTER_IDLE)
		return;
	if (lister->view.listed_end &&
	    lister->pass.base <= lister->listing.base) {
		delta_reset(lister);
		lister_probe(lister);
	} else {
		pass_run(lister);
	}
}

bool lister_is_fresh(struct lister *lister, struct sync_op *op)
{
	if (op->tries++ == 0)
		op->confirmations = lister->confirmations;
	return view_is_fresh(&lister->view) ||
	       (lister->view.listed_end && !lister->sync->api) ||
	       (lister->view.listed_end &&
		   op->confirmations != lister->confirmations);
}

void lister_complete(struct lister *lister, struct sync_op *op)
{
	lister->pass.want_all = true;
	lister_wait_for_news(lister, op);
}

void lister_refresh(struct lister *lister, struct sync_op *op)
{
	lister_wait_for_news(lister, op);
}

void lister_first_page(struct lister *lister, struct sync_op *op)
{
	if (timestamp_mono_ms() < lister->missing_until_ms)
		op_finish(op, -ENOENT);
	else
		lister_wait_for_news(lister, op);
}
