/*
 * One pass over a listing: pages in parallel, put into the replica as they
 * stream in, published in order, and looked at again until nothing can have
 * slipped between two of them.
 *
 * While pages are asked for one after the other (or several at once), a record
 * that is deleted moves all later ones forward, so that one of them may pass
 * from a page not yet asked for to one that was. A round in which every page
 * tells the same total, as many records as it says, and none created since the
 * round began, has seen no such move. Otherwise another round adds what the
 * earlier ones missed; the listing is their union.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/record.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/timestamp.h"
#include "sync/lister.h"
#include "tree/name.h"

/* Inode numbers set aside for a page. */
#define IDS_RESERVED 128

struct page_fetch {
	struct lister *lister;
	int64_t first_id; /* reserved for it */
	struct api_call *call; /* NULL when the page has come */
	struct commit_hook hook;
	struct api_page info;
	int64_t page;
	int64_t slot;
	int64_t count;	/* records in it */
	int64_t unique; /* those not seen before in this pass */
	bool done;	/* in the replica, waits for its turn */
	TAILQ_ENTRY(page_fetch) link;
};

static int64_t slot_pos(const struct pass *pass, int64_t slot)
{
	return pass->base + (slot << PAGE_BITS);
}

/* ---- ending ---- */

static void fetch_drop(struct page_fetch *fetch)
{
	api_cancel(fetch->call);
	write_unhook(&fetch->hook);
	TAILQ_REMOVE(&fetch->lister->pass.fetches, fetch, link);
	free(fetch);
}

/* Inode numbers rise with the position, in whatever order pages come: programs
 * like cp read by inode. Twice as many, for files and their objects. */
static void reserve_ids(struct page_fetch *fetch)
{
	fetch->first_id = replica_reserve_ids(
	    fetch->lister->sync->replica, 2 * IDS_RESERVED);
}

/* Take back what a page that is not whole has put into the replica. */
static int fetch_take_back(struct page_fetch *fetch)
{
	struct lister *lister = fetch->lister;
	struct pass *pass = &lister->pass;
	int64_t dirs[] = {lister->dir, lister->twin_dir};
	int64_t first = slot_pos(pass, fetch->slot);
	int r = 0;
	pass->unique -= fetch->unique;
	if (fetch->count == 0)
		return 0;
	fetch->count = fetch->unique = 0;
	reserve_ids(fetch); /* some of the old ones are taken */
	r = write_begin(lister->sync);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(dirs); i++) {
		if (dirs[i])
			r = replica_unlist(lister->sync->replica, dirs[i],
			    first, first + (INT64_C(1) << PAGE_BITS) - 1);
	}
	return r;
}

void pass_stop(struct lister *lister)
{
	struct pass *pass = &lister->pass;
	struct page_fetch *fetch;
	while ((fetch = TAILQ_FIRST(&pass->fetches))) {
		fetch_take_back(fetch);
		fetch_drop(fetch);
	}
	api_cancel(pass->spec_call);
	pass->spec_call = NULL;
	write_unhook(&lister->spec_hook);
	pass->round.next_page = pass->done_slot - pass->round.first_slot + 1;
	if (pass->round.next_page < 1)
		pass->round.next_page = 1;
	pass->window = 1;
}

static void pass_failed(struct lister *lister, int err)
{
	pass_stop(lister);
	lister_failed(lister, err);
}

/* An answer that cannot be true, for .bkendfs/errors and the log. */
static void explain(struct lister *lister, int err, const char *message)
{
	char request[160];
	snprintf(request, sizeof(request), "GET /v1/%s%s",
	    lister->table ? "data/" : "files",
	    lister->table ? lister->table : "");
	failures_add(lister->sync->config.failures, lister->title, request, 200,
	    err, "", message);
	log_warn("%s: %s", lister->title, message);
}

/* ---- rounds ---- */

static void round_begin(struct pass *pass, unsigned number)
{
	pass->previous = pass->round;
	pass->round = (struct round){
	    .number = number,
	    .first_slot = pass->done_slot,
	    .total = -1,
	    .quiet = true,
	    .next_page = 1,
	    .last_page = 1,
	};
}

/* Whether the last two rounds told exactly the same. */
static bool rounds_agree(const struct pass *pass)
{
	const struct round *now = &pass->round, *before = &pass->previous;
	return now->number > 0 && now->quiet && before->quiet &&
	       now->total == before->total && now->count == before->count;
}

/* All pages were seen: is that all? */
static void round_over(struct lister *lister)
{
	struct pass *pass = &lister->pass;
	const struct round *round = &pass->round;
	char message[200];
	bool all = round->quiet &&
		   (round->total < 0 || (round->count == round->total &&
					    pass->unique >= round->total));
	if (all && (round->number > 0 || round->total < 0 ||
		       pass->unique == round->total)) {
		lister_finished(lister);
	} else if (rounds_agree(pass) && pass->unique >= round->total) {
		/* The total is too low, but nothing hides behind it. */
		lister_finished(lister);
	} else if (rounds_agree(pass)) {
		snprintf(message, sizeof(message),
		    "the listing counts %" PRId64 " records, but only %" PRId64
		    " come; it is not taken for whole",
		    round->total, pass->unique);
		explain(lister, -EPROTO, message);
		pass_failed(lister, -EPROTO);
	} else if (round->number + 1 >= ROUNDS_MAX) {
		explain(lister, -EIO,
		    "the listing changes faster than it can be read");
		pass_failed(lister, -EIO);
	} else {
		log_info("%s: changed while it was listed, looking again",
		    lister->title);
		round_begin(pass, round->number + 1);
		pass->want_all = true;
		pass_pump(lister);
	}
}

/* How many pages there are, by what one of them tells; 0: it does not. */
static int64_t pages_told(const struct pass *pass, const struct api_page *info)
{
	int64_t limit = info->limit > 0 ? info->limit : pass->limit;
	if (info->total_pages >= 0)
		return info->total_pages;
	if (info->total >= 0 && limit > 0)
		return (info->total + limit - 1) / limit;
	return 0;
}

/* A page's turn has come: learn from what it tells. */
static void absorb(struct pass *pass, const struct page_fetch *fetch)
{
	struct round *round = &pass->round;
	const struct api_page *info = &fetch->info;
	int64_t told = pages_told(pass, info);
	if (round->total < 0)
		round->total = info->total;
	else if (info->total >= 0 && info->total != round->total)
		round->quiet = false;
	round->count += fetch->count;
	if (told > round->last_page)
		round->last_page = told;
	if (fetch->count == 0) {
		round->over = true;
	} else if (fetch->page >= round->last_page) {
		bool short_of = round->total < 0 || round->count < round->total;
		if (info->has_next == 1 || (info->has_next < 0 && short_of))
			round->last_page = fetch->page + 1;
		else
			round->over = true;
	}
}

/* A listing that goes on and on with what was there already is no listing. */
static bool repeats_itself(const struct pass *pass,
    const struct page_fetch *fetch, int64_t told)
{
	return fetch->page > told && fetch->count > 0 && fetch->unique == 0 &&
	       fetch->page > pass->previous.last_page + 1;
}

static struct page_fetch *next_in_turn(struct pass *pass)
{
	struct page_fetch *fetch;
	if (pass->done_slot == 0 && !pass->spec_done)
		return NULL;
	TAILQ_FOREACH(fetch, &pass->fetches, link)
	{
		if (fetch->slot == pass->done_slot + 1)
			return fetch->done ? fetch : NULL;
	}
	return NULL;
}

/* Publish what has come in order, then see what is next. */
static void advance(struct lister *lister)
{
	struct pass *pass = &lister->pass;
	struct page_fetch *fetch;
	bool moved = false, endless = false;
	while (!pass->round.over && (fetch = next_in_turn(pass))) {
		int64_t told = pages_told(pass, &fetch->info);
		absorb(pass, fetch);
		endless = repeats_itself(pass, fetch, told);
		pass->done_slot = fetch->slot;
		fetch_drop(fetch);
		moved = true;
		if (endless)
			break;
	}
	if (endless) {
		explain(lister, -EPROTO,
		    "the listing's pages repeat without an end");
		pass_failed(lister, -EPROTO);
		return;
	}
	if (moved)
		lister_publish(lister);
	if (lister->state != LISTER_PASSING || lister->finishing)
		return;
	if (pass->round.over) {
		/* Pages beyond the end may still be under way. */
		while ((fetch = TAILQ_FIRST(&pass->fetches))) {
			fetch_take_back(fetch);
			fetch_drop(fetch);
		}
		round_over(lister);
	} else {
		pass_pump(lister);
	}
}

/* ---- pages ---- */

static int page_record(void *ctx, const char *text, size_t len)
{
	struct page_fetch *fetch = ctx;
	struct lister *lister = fetch->lister;
	struct pass *pass = &lister->pass;
	struct record record;
	bool again;
	if (fetch->count >= PAGE_RECORDS_MAX)
		return -EPROTO;
	int r = record_parse(text, len, &record);
	if (r < 0) {
		if (r == -EPROTO)
			explain(lister, r, "a record in the listing has no id");
		return r;
	}
	struct placement place = {
	    .base = pass->base,
	    .pos = slot_pos(pass, fetch->slot) + 1 + fetch->count,
	};
	if (fetch->count < IDS_RESERVED) {
		place.id = fetch->first_id + fetch->count;
		place.object_id = place.id + IDS_RESERVED;
	}
	r = store_record(
	    lister->sync, lister->dir, &record, &place, &again);
	if (r == 0) {
		fetch->count++;
		if (!again) {
			fetch->unique++;
			pass->unique++;
		}
		if (record.updated_ms < 0)
			pass->newest_ms = -1;
		else if (pass->newest_ms >= 0 &&
			 record.updated_ms > pass->newest_ms)
			pass->newest_ms = record.updated_ms;
	}
	record_done(&record);
	return r;
}

static void page_restart(void *ctx)
{
	fetch_take_back(ctx);
}

static void on_page_committed(void *ctx, int err)
{
	struct page_fetch *fetch = ctx;
	if (err < 0) {
		pass_failed(fetch->lister, err);
		return;
	}
	fetch->done = true;
	advance(fetch->lister);
}

/* The server refuses so large a page: begin again with its own size. */
static bool fall_back(struct page_fetch *fetch, const struct api_error *error)
{
	struct lister *lister = fetch->lister;
	struct pass *pass = &lister->pass;
	if (error->status != 400 || pass->limit == 0 || pass->done_slot > 0)
		return false;
	pass_stop(lister);
	pass->limit = 0;
	pass->round.next_page = 1;
	pass_pump(lister);
	return true;
}

static void page_done(
    void *ctx, const struct api_error *error, const struct api_page *page)
{
	struct page_fetch *fetch = ctx;
	struct lister *lister = fetch->lister;
	fetch->call = NULL;
	lister->list_refused = error->status == 403 &&
			       strcasestr(error->code, "permission") != NULL;
	if (error->err) {
		if (!fall_back(fetch, error))
			pass_failed(lister, error->err);
		return;
	}
	fetch->info = *page;
	int r = write_begin(lister->sync);
	if (r < 0)
		pass_failed(lister, r);
	else
		write_hook(lister->sync, &fetch->hook);
}

static int page_fetch(struct lister *lister, int64_t page)
{
	static const struct api_page_sink sink = {
	    .record = page_record,
	    .restart = page_restart,
	    .done = page_done,
	};
	struct pass *pass = &lister->pass;
	struct page_fetch *fetch = calloc(1, sizeof(*fetch));
	if (!fetch)
		return -ENOMEM;
	*fetch = (struct page_fetch){
	    .lister = lister,
	    .page = page,
	    .slot = pass->round.first_slot + page,
	    .hook = {.fn = on_page_committed, .ctx = fetch},
	};
	struct api_query query = {
	    .subject = lister->title,
	    .table = lister->table,
	    .page = page,
	    .limit = pass->limit,
	    .speculative = fetch->slot > pass->done_slot + 1,
	};
	reserve_ids(fetch);
	TAILQ_INSERT_TAIL(&pass->fetches, fetch, link);
	fetch->call = api_list(lister->sync->api, &query, &sink, fetch);
	if (!fetch->call) {
		fetch_drop(fetch);
		return -ENOMEM;
	}
	return 0;
}

/* ---- the spec, in slot 0 ---- */

static void spec_settled(struct lister *lister)
{
	lister->pass.spec_done = true;
	advance(lister);
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
		    pass->base + 1);
	if (r < 0)
		pass_failed(lister, r);
	else
		write_hook(lister->sync, &lister->spec_hook);
}

static int spec_fetch(struct lister *lister)
{
	char subject[NAME_BYTES_MAX + 16];
	snprintf(subject, sizeof(subject), "%s/.spec.json", lister->title);
	lister->pass.spec_call = api_spec(lister->sync->api, subject,
	    lister->table, spec_done, lister);
	return lister->pass.spec_call ? 0 : -ENOMEM;
}

/* Pages to fetch ahead of a reader who has got to the page of that number: one
 * who only looks costs little, one who goes on soon has all connections. */
static const unsigned ramp[] = {1, 1, 2, 2, 3, 4};

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
	while (r == 0 && pass->round.next_page <= pass->round.last_page &&
	       pass->round.first_slot + pass->round.next_page <= reader + ahead)
		r = page_fetch(lister, pass->round.next_page++);
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
	int64_t last = known.ceiling > pass->base ? known.ceiling : pass->base;
	*pass = (struct pass){
	    .base = ((last >> PAGE_BITS) + 1) << PAGE_BITS,
	    .started_mono_ms = now,
	    .started_wall_ms = timestamp_now_ms(),
	    .limit = PAGE_LIMIT,
	    .window = 1,
	    .want_all = want_all,
	    .spec_done = lister->table == NULL,
	};
	TAILQ_INIT(&pass->fetches);
	round_begin(pass, 0);
	pass_pump(lister);
}
