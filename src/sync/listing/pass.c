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
#include "sync/listing/chain.h"
#include "sync/listing/order.h"
#include "sync/listing/pass.h"
#include "sync/record/put.h"
#include "tree/name.h"

int64_t slot_pos(const struct pass *pass, int64_t slot)
{
	return slot_start(pass->base, slot);
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

void pass_forget(struct lister *lister)
{
	struct pass *pass = &lister->pass;
	pass_stop(lister);
	round_done(pass);
	buf_clear(&pass->last_id);
	buf_clear(&pass->chain.last);
	if (pass->base)
		pass->ceiling = slot_pos(pass, pass->done_slot + 1);
	pass->base = 0;
}

void pass_failed(struct lister *lister, int err)
{
	pass_stop(lister);
	lister_failed(lister, err);
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Records that the last round saw. */
static int64_t seen_last(const struct pass *pass)
{
	switch (pass->round.kind) {
	case ROUND_CHAIN:
		return pass->chain.index;
	case ROUND_RANGES:
		return pass->round.in_ranges;
	default:
		return pass->round.facts.count;
	}
}

static unsigned flags_of(const struct pass *pass)
{
	unsigned flags = facts_flags(&pass->facts);
	if (pass->round.number == 0 && (pass->slots_order & ORDER_BYTES))
		flags |= LISTING_ORDERED;
	/* What an earlier round saw, and the last one did not. */
	if (pass->unique > seen_last(pass))
		flags |= LISTING_LOOSE;
	return flags;
}

void pass_finished(struct lister *lister)
{
	const struct pass *pass = &lister->pass;
	const struct facts *facts = &pass->facts;
	struct replica_listing next = {
	    .side = pass->side,
	    .base = pass->base,
	    .end = slot_pos(pass, pass->done_slot + 1),
	    .flags = flags_of(pass),
	    .listed_ms = pass->wall_ms,
	    .proven_ms = pass->wall_ms,
	    .count = pass->count,
	    .newest_ms = facts->newest_ms,
	    .since_ms = earlier(facts->newest_ms, pass->threshold_ms),
	    .dateless = facts->dateless,
	    .created_ms = facts->created_ms,
	    .created_since_ms = earlier(facts->created_ms, pass->threshold_ms),
	};
	lister_settle(lister, &next, pass->began, true);
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

/* Pages beyond the end may still be under way. */
static void drop_fetches(struct pass *pass)
{
	struct page_fetch *fetch;
	while ((fetch = TAILQ_FIRST(&pass->fetches))) {
		page_take_back(fetch);
		page_drop(fetch);
	}
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
		round_give_up(lister);
	} else if (r < 0) {
		pass_failed(lister, r);
	} else if (pass->round.over && pass->spec_done) {
		drop_fetches(pass);
		round_judge(lister);
	} else {
		pass_pump(lister);
	}
}

/* ---- the spec, in slot 0 ---- */

static struct replica_place spec_place(const struct pass *pass)
{
	return (struct replica_place){pass->side, pass->base, pass->base + 1};
}

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
	struct core *core = lister->core;
	struct pass *pass = &lister->pass;
	struct replica_place in = spec_place(pass);
	pass->spec_call = NULL;
	/* A server that refuses it, or cannot make it, has none for us, which
	 * .bkendfs/errors tells; a connection that broke leaves open whether it
	 * has. */
	if (error->err && error->status >= 200) {
		spec_settled(lister);
		return;
	}
	int r = error->err;
	if (r == 0)
		r = write_begin(core->write);
	if (r == 0)
		r = put_spec(core, lister->folder.id, text, len, &in,
		    confirmation(core, pass->spec_asked));
	if (r < 0)
		pass_failed(lister, r);
	else
		write_hook(core->write, &lister->spec_hook);
}

/* The spec was asked for by name just now: it only needs its place. */
static int spec_reuse(struct lister *lister)
{
	struct core *core = lister->core;
	struct replica_place in = spec_place(&lister->pass);
	int64_t believed = moment_believed(core, lister->pass.began);
	struct node node;
	CLEANUP_BUF struct buf text;
	buf_init(&text, BUF_MAX_DEFAULT);
	int r = replica_lookup(
	    core->replica, lister->folder.id, ".spec.json", &node);
	if (r == 0 && confirmed_at(core, &node) < believed)
		r = -ENOENT;
	if (r == 0)
		r = replica_text(core->replica, node.id, &text);
	if (r == 0)
		r = write_begin(core->write);
	if (r == 0)
		r = put_spec(core, lister->folder.id, buf_str(&text), text.len,
		    &in, node.checked);
	if (r == 0)
		write_hook(core->write, &lister->spec_hook);
	return r;
}

static int spec_fetch(struct lister *lister)
{
	int r = spec_reuse(lister);
	if (r != -ENOENT)
		return r;
	char subject[NAME_BYTES_MAX + 16];
	snprintf(
	    subject, sizeof(subject), "%s/.spec.json", lister->folder.title);
	lister->pass.spec_asked = moment_event(lister->core);
	lister->pass.spec_call = api_spec(lister->core->api, subject,
	    lister->folder.table, spec_done, lister);
	return lister->pass.spec_call ? 0 : -ENOMEM;
}

/* ---- asking ---- */

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
	if (pass->window > 2 * lister->core->config.connections)
		pass->window = 2 * lister->core->config.connections;
}

/* Ask for the next window: one at a time, since each tells where the next one
 * is. */
static int ask_for_window(struct lister *lister)
{
	struct pass *pass = &lister->pass;
	int64_t page;
	unsigned limit;
	if (!TAILQ_EMPTY(&pass->fetches))
		return 0;
	if (!chain_next(pass, &page, &limit))
		return -EOPNOTSUPP;
	return page_fetch(lister, page, limit, NULL);
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
		if (round->kind == ROUND_CHAIN) {
			return ask_for_window(lister);
		} else if (round->kind == ROUND_RANGES) {
			if (!range)
				return 0;
			TAILQ_REMOVE(&pass->ranges, range, link);
			r = page_fetch(lister, 1, pass->limit, range);
		} else if (round->next_page <= round->last_page) {
			r = page_fetch(
			    lister, round->next_page, pass->limit, NULL);
		} else {
			return 0;
		}
	}
	return r;
}

void pass_pump(struct lister *lister)
{
	struct pass *pass = &lister->pass;
	struct core *core = lister->core;
	int r = 0;
	if (lister->state != LISTER_PASSING || lister->finishing)
		return;
	if (!pass->spec_done && !pass->spec_call && !lister->spec_hook.queue)
		r = spec_fetch(lister);
	int64_t ahead = pass->want_all ? 2 * (int64_t)core->config.connections
				       : pass->window;
	int64_t reader = pass->want_all && pass->done_slot > pass->reader_slot
			     ? pass->done_slot
			     : pass->reader_slot;
	if (r == 0)
		r = ask_for_more(lister, reader + ahead);
	if (r == -EOPNOTSUPP)
		round_give_up(lister);
	else if (r < 0)
		pass_failed(lister, r);
}

/* ---- beginning ---- */

/* Go on where it was left: with the verdict, if only that was missing. */
static void take_up(struct lister *lister)
{
	lister->state = LISTER_PASSING;
	lister_publish(lister);
	/* Who was restarted may have ended it. */
	if (lister->state == LISTER_PASSING)
		pass_advance(lister);
}

static int begin_anew(struct lister *lister)
{
	struct pass *pass = &lister->pass;
	struct core *core = lister->core;
	struct replica_listing known;
	int r = replica_listing(core->replica, lister->folder.id, &known);
	if (r < 0)
		return r;
	int64_t last = known.ceiling;
	if (last < pass->ceiling)
		last = pass->ceiling;
	if (last < lister->listing.end)
		last = lister->listing.end;
	struct pass fresh = {
	    .side = !lister->listing.side,
	    .base = ((last >> PAGE_BITS) + 1) << PAGE_BITS,
	    .began = moment_event(core),
	    .wall_ms = timestamp_now_ms(),
	    .limit = PAGE_LIMIT,
	    .window = 1,
	    .facts = FACTS_INIT,
	    .orders = ORDER_ANY,
	    .slots_order = ORDER_ANY,
	    .want_all = pass->want_all,
	    .spec_done = lister->folder.table == NULL,
	    .last_id = pass->last_id,
	    .chain.last = pass->chain.last,
	    .round_ids = pass->round_ids,
	};
	fresh.threshold_ms = lister_threshold(-1, fresh.wall_ms);
	fresh.ceiling = fresh.base;
	*pass = fresh;
	TAILQ_INIT(&pass->fetches);
	TAILQ_INIT(&pass->ranges);
	round_begin(pass, ROUND_PAGES);
	return 0;
}

void pass_run(struct lister *lister)
{
	if (lister->pass.base) {
		take_up(lister);
		return;
	}
	lister->state = LISTER_PASSING;
	int r = begin_anew(lister);
	if (r < 0)
		lister_failed(lister, r);
	else
		pass_pump(lister);
}
