/*
 * One pass over a listing: answers in parallel, put into the replica as they
 * stream in, published in order. pass.h tells how it gets sure to be whole.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/timestamp.h"
#include "sync/pass.h"
#include "tree/name.h"

int64_t slot_pos(const struct pass *pass, int64_t slot)
{
	return pass->base + (slot << PAGE_BITS);
}

/* ---- ending ---- */

void pass_stop(struct lister *lister)
{
	struct pass *pass = &lister->pass;
	struct page_fetch *fetch;
	while ((fetch = TAILQ_LAST(&pass->fetches, fetch_queue))) {
		page_take_back(fetch);
		/* A range is asked for again when the pass is taken up. */
		if (fetch->range)
			TAILQ_INSERT_HEAD(&pass->ranges, fetch->range, link);
		fetch->range = NULL;
		page_drop(fetch);
	}
	api_cancel(pass->spec_call);
	pass->spec_call = NULL;
	write_unhook(&lister->spec_hook);
	pass->round.next_page = pass->done_slot - pass->round.first_slot + 1;
	if (pass->round.next_page < 1)
		pass->round.next_page = 1;
	pass->window = 1;
}

void pass_failed(struct lister *lister, int err)
{
	pass_stop(lister);
	lister_failed(lister, err);
}

void pass_explain(struct lister *lister, int err, const char *message)
{
	char request[160];
	snprintf(request, sizeof(request), "GET /v1/%s%s",
	    lister->table ? "data/" : "files",
	    lister->table ? lister->table : "");
	failures_add(lister->sync->config.failures, lister->title, request, 200,
	    err, "", message);
	log_warn("%s: %s", lister->title, message);
}

/* ---- taking in ---- */

static struct page_fetch *next_in_turn(struct pass *pass)
{
	struct page_fetch *fetch;
	if (pass->done_slot == 0 && !pass->spec_done)
		return NULL;
	TAILQ_FOREACH (fetch, &pass->fetches, link) {
		if (fetch->slot == pass->done_slot + 1)
			return fetch->done ? fetch : NULL;
	}
	return NULL;
}

void pass_advance(struct lister *lister)
{
	struct pass *pass = &lister->pass;
	struct page_fetch *fetch;
	bool moved = false;
	int r = 0;
	while (r == 0 && !pass->round.over && (fetch = next_in_turn(pass))) {
		r = round_absorb(lister, fetch);
		if (r < 0)
			break;
		pass->done_slot = fetch->slot;
		page_drop(fetch);
		moved = true;
	}
	if (moved)
		lister_publish(lister);
	if (lister->state != LISTER_PASSING || lister->finishing)
		return;
	if (r == -EOPNOTSUPP) {
		pass->no_filters = true;
		round_without_filters(lister);
	} else if (r < 0) {
		pass_failed(lister, r);
	} else if (pass->round.over) {
		/* Pages beyond the end may still be under way. */
		while ((fetch = TAILQ_FIRST(&pass->fetches))) {
			page_take_back(fetch);
			page_drop(fetch);
		}
		round_judge(lister);
	} else {
		pass_pump(lister);
	}
}

/* ---- the spec, in slot 0 ---- */

static void spec_settled(struct lister *lister)
{
	lister->pass.spec_done = true;
	pass_advance(lister);
}

void pass_spec_committed(void *ctx, int err)
{
	struct lister *lister = ctx;
	if (err < 0)
		pass_failed(lister, err);
	else
		spec_settled(lister);
}

static void spec_done(
    void *ctx, const struct api_error *error, const char *text, size_t len)
{
	struct lister *lister = ctx;
	struct pass *pass = &lister->pass;
	pass->spec_call = NULL;
	/* A server that refuses it has none for us; one that fails leaves open
	 * whether it has. */
	if (error->err && error->status >= 400 && error->status < 500) {
		spec_settled(lister);
		return;
	}
	int r = error->err;
	if (r == 0)
		r = write_begin(lister->sync);
	if (r == 0)
		r = store_spec(lister->sync, lister->dir, text, len, pass->base,
		    pass->base + 1, confirmed_now(lister->sync));
	if (r < 0)
		pass_failed(lister, r);
	else
		write_hook(lister->sync, &lister->spec_hook);
}

/* The spec was asked for by name just now: it only needs its place. */
static int spec_reuse(struct lister *lister)
{
	struct sync *sync = lister->sync;
	struct pass *pass = &lister->pass;
	struct node node;
	CLEANUP_BUF struct buf text;
	buf_init(&text, BUF_MAX_DEFAULT);
	int r = replica_lookup(sync->replica, lister->dir, ".spec.json", &node);
	if (r == 0 && !is_confirmed(sync, &node))
		r = -ENOENT;
	if (r == 0)
		r = replica_text(sync->replica, node.id, &text);
	if (r == 0)
		r = write_begin(sync);
	if (r == 0)
		r = store_spec(sync, lister->dir, buf_str(&text), text.len,
		    pass->base, pass->base + 1, node.checked_ms);
	if (r == 0)
		write_hook(sync, &lister->spec_hook);
	return r;
}

static int spec_fetch(struct lister *lister)
{
	int r = spec_reuse(lister);
	if (r != -ENOENT)
		return r;
	char subject[NAME_BYTES_MAX + 16];
	snprintf(subject, sizeof(subject), "%s/.spec.json", lister->title);
	lister->pass.spec_call = api_spec(
	    lister->sync->api, subject, lister->table, spec_done, lister);
	return lister->pass.spec_call ? 0 : -ENOMEM;
}

/* Pages to fetch ahead of a reader who has read the page of that number: one
 * who only looks costs little, one who goes on has all connections from here.
 */
static const unsigned ramp[] = {1, 5, 4, 3, 2, 1};

void pass_reader_at(struct lister *lister, int64_t pos)
{
	struct pass *pass = &lister->pass;
	int64_t slot = (pos - pass->base) >> PAGE_BITS;
	if (slot <= pass->reader_slot)
		return;
	pass->reader_slot = slot;
	pass->window = slot < (int64_t)ARRAY_SIZE(ramp) ? ramp[slot] : UINT_MAX;
	/* Twice the connections: while pages that came are taken in, as many
	 * are under way. The gate keeps the rest waiting. */
	if (pass->window > 2 * lister->sync->config.connections)
		pass->window = 2 * lister->sync->config.connections;
}

/* Ask for pages (or ranges) up to a slot. */
static int ask_for_more(struct lister *lister, int64_t last_slot)
{
	struct pass *pass = &lister->pass;
	struct round *round = &pass->round;
	int r = 0;
	while (r == 0 && !round->over &&
	       round->first_slot + round->next_page <= last_slot) {
		struct id_range *range = TAILQ_FIRST(&pass->ranges);
		if (round->kind == ROUND_REVERSE) {
			/* One at a time: see pass.h. */
			return TAILQ_EMPTY(&pass->fetches)
				   ? page_fetch(lister, round->down_page, NULL)
				   : 0;
		} else if (round->kind == ROUND_RANGES) {
			if (!range)
				return 0;
			TAILQ_REMOVE(&pass->ranges, range, link);
			r = page_fetch(lister, 1, range);
		} else if (round->next_page <= round->last_page) {
			r = page_fetch(lister, round->next_page, NULL);
		} else {
			return 0;
		}
	}
	return r;
}

void pass_pump(struct lister *lister)
{
	struct pass *pass = &lister->pass;
	struct sync *sync = lister->sync;
	int r = 0;
	if (lister->state != LISTER_PASSING || lister->finishing)
		return;
	if (!pass->spec_done && !pass->spec_call && !lister->spec_hook.queue)
		r = spec_fetch(lister);
	int64_t ahead = pass->want_all ? 2 * (int64_t)sync->config.connections
				       : pass->window;
	int64_t reader = pass->want_all && pass->done_slot > pass->reader_slot
			     ? pass->done_slot
			     : pass->reader_slot;
	if (r == 0)
		r = ask_for_more(lister, reader + ahead);
	if (r < 0)
		pass_failed(lister, r);
}

void pass_run(struct lister *lister)
{
	struct pass *pass = &lister->pass;
	struct replica_listing known;
	int64_t now = timestamp_mono_ms();
	lister->state = LISTER_PASSING;
	if (pass->base > lister->listing.base &&
	    now - pass->started_mono_ms < PASS_KEPT_MS) {
		lister_publish(lister);
		pass_pump(lister);
		return;
	}
	int r = replica_listing(lister->sync->replica, lister->dir, &known);
	if (r < 0) {
		lister_failed(lister, r);
		return;
	}
	bool want_all = pass->want_all;
	pass_stop(lister);
	round_done(pass);
	int64_t last = known.ceiling > pass->base ? known.ceiling : pass->base;
	*pass = (struct pass){
	    .base = ((last >> PAGE_BITS) + 1) << PAGE_BITS,
	    .started_mono_ms = now,
	    .started_wall_ms = timestamp_now_ms(),
	    .limit = PAGE_LIMIT,
	    .window = 1,
	    .began_ms = -1,
	    .want_all = want_all,
	    .spec_done = lister->table == NULL,
	};
	TAILQ_INIT(&pass->fetches);
	TAILQ_INIT(&pass->ranges);
	round_begin(pass, ROUND_PAGES);
	pass_pump(lister);
}
