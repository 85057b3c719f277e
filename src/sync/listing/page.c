/* One answer of a listing: a page, or a range of ids. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/record.h"
#include "base/cleanup.h"
#include "json/json.h"
#include "sync/listing/order.h"
#include "sync/listing/pass.h"
#include "sync/record/put.h"

void page_drop(struct page_fetch *fetch)
{
	api_cancel(fetch->call);
	write_unhook(&fetch->hook);
	TAILQ_REMOVE(&fetch->lister->pass.fetches, fetch, link);
	id_range_free(fetch->range);
	buf_done(&fetch->first_id);
	buf_done(&fetch->last_id);
	buf_done(&fetch->split_id);
	ids_done(&fetch->ids);
	free(fetch);
}

/* Inode numbers rise with the position, in whatever order pages come: programs
 * like cp read by inode. Twice as many, for files and their objects. */
static void reserve_ids(struct page_fetch *fetch)
{
	fetch->first_node =
	    replica_reserve_ids(fetch->lister->core->replica, 2 * IDS_RESERVED);
}

static void forget_records(struct page_fetch *fetch)
{
	buf_clear(&fetch->first_id);
	buf_clear(&fetch->last_id);
	buf_clear(&fetch->split_id);
	fetch->count = fetch->unique = 0;
	fetch->facts = FACTS_INIT;
	ids_clear(&fetch->ids);
	fetch->orders = ORDER_ANY;
	fetch->out_of_range = false;
}

int page_take_back(struct page_fetch *fetch)
{
	struct lister *lister = fetch->lister;
	struct pass *pass = &lister->pass;
	int64_t first = slot_pos(pass, fetch->slot);
	bool any = fetch->count > 0;
	pass->unique -= fetch->unique;
	forget_records(fetch);
	if (!any)
		return 0;
	reserve_ids(fetch); /* some of the old ones are taken */
	return lister_unlist(
	    lister, first, first + (INT64_C(1) << PAGE_BITS) - 1);
}

/* Where a range with more records than an answer holds is split: in the middle
 * of the answer, also where its size is the server's own. */
static int64_t half_a_page(const struct page_fetch *fetch)
{
	const struct pass *pass = &fetch->lister->pass;
	int64_t size = fetch->limit;
	if (pass->told_limit)
		size = pass->told_limit;
	else if (!size || (pass->most && pass->most < size))
		size = pass->most;
	return size / 2;
}

/* Watch the order of ids, and whether a filter was heeded. */
static int watch_id(struct page_fetch *fetch, const struct buf *id)
{
	const struct id_range *range = fetch->range;
	int r = 0;
	if (range &&
	    ((range->low.len && buf_compare(id, &range->low) <= 0) ||
		(range->high.len && buf_compare(id, &range->high) > 0)))
		fetch->out_of_range = true;
	if (fetch->last_id.len)
		fetch->orders = order_after(fetch->orders, &fetch->last_id, id);
	else
		r = buf_add(&fetch->first_id, buf_str(id), id->len);
	buf_clear(&fetch->last_id);
	if (r == 0)
		r = buf_add(&fetch->last_id, buf_str(id), id->len);
	if (r == 0 && range && fetch->count == half_a_page(fetch))
		r = buf_add(&fetch->split_id, buf_str(id), id->len);
	return r;
}

static int put(struct page_fetch *fetch, const struct record *record)
{
	struct lister *lister = fetch->lister;
	struct pass *pass = &lister->pass;
	int64_t first = slot_pos(pass, fetch->slot) + 1, at;
	struct placement place = {
	    .in = {pass->side, pass->base, first + fetch->count},
	};
	if (fetch->count < IDS_RESERVED) {
		place.id = fetch->first_node + fetch->count;
		place.object_id = place.id + IDS_RESERVED;
	}
	int r = pass->doubts ? 0 : lister_doubt(lister);
	pass->doubts = true;
	if (r == 0)
		r = put_record(
		    lister->core, lister->folder.id, record, &place, &at);
	if (r < 0)
		return r;
	if (at == place.in.pos) {
		fetch->unique++;
		pass->unique++;
	}
	fetch->count++;
	return facts_record(&fetch->facts, &fetch->ids, record);
}

static int page_record(void *ctx, const char *text, size_t len)
{
	struct page_fetch *fetch = ctx;
	struct lister *lister = fetch->lister;
	struct record record;
	if (fetch->count >= PAGE_RECORDS_MAX)
		return -EPROTO;
	int r = record_parse(text, len, &record);
	if (r < 0) {
		if (r == -EPROTO)
			folder_explain(&lister->folder, lister->core, r,
			    "a record in the listing has no id");
		return r;
	}
	r = watch_id(fetch, &record.id);
	if (r == 0)
		r = put(fetch, &record);
	record_done(&record);
	return r;
}

static void page_restart(void *ctx)
{
	page_take_back(ctx);
}

static void on_page_committed(void *ctx, int err)
{
	struct page_fetch *fetch = ctx;
	if (err < 0) {
		pass_failed(fetch->lister, err);
		return;
	}
	fetch->done = true;
	pass_advance(fetch->lister);
}

/* The server refuses so large a page: begin again with its own size. */
static bool fall_back(struct page_fetch *fetch, const struct api_error *error)
{
	struct lister *lister = fetch->lister;
	struct pass *pass = &lister->pass;
	if (error->status != 400)
		return false;
	if (pass->round.kind != ROUND_PAGES) {
		round_give_up(lister);
		return true;
	}
	if (pass->limit == 0 || pass->done_slot > 0)
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
	if (error->err) {
		if (!fall_back(fetch, error))
			pass_failed(lister, error->err);
		return;
	}
	fetch->info = *page;
	fetch->facts.twice = ids_are_twice(&fetch->ids);
	int r = write_begin(lister->core->write);
	if (r < 0)
		pass_failed(lister, r);
	else
		write_hook(lister->core->write, &fetch->hook);
}

/* {"id":{"$gt":"…","$lte":"…"}} */
static int write_filter(const struct id_range *range, struct buf *out)
{
	int r = buf_adds(out, "{\"id\":{");
	if (r == 0 && range->low.len) {
		r = buf_adds(out, "\"$gt\":");
		if (r == 0)
			r = json_string_encode(
			    range->low.data, range->low.len, out);
	}
	if (r == 0 && range->low.len && range->high.len)
		r = buf_addc(out, ',');
	if (r == 0 && range->high.len) {
		r = buf_adds(out, "\"$lte\":");
		if (r == 0)
			r = json_string_encode(
			    range->high.data, range->high.len, out);
	}
	return r < 0 ? r : buf_adds(out, "}}");
}

static int ask(struct page_fetch *fetch)
{
	static const struct api_page_sink sink = {
	    .record = page_record,
	    .restart = page_restart,
	    .done = page_done,
	};
	struct lister *lister = fetch->lister;
	const struct pass *pass = &lister->pass;
	CLEANUP_BUF struct buf filter;
	buf_init(&filter, 4 * RECORD_ID_MAX);
	struct api_query query = {
	    .subject = lister->folder.title,
	    .table = lister->folder.table,
	    .page = fetch->page,
	    .limit = fetch->limit,
	    .speculative = fetch->slot > pass->done_slot + 1,
	};
	if (fetch->range && (fetch->range->low.len || fetch->range->high.len)) {
		int r = write_filter(fetch->range, &filter);
		if (r < 0)
			return r;
		query.filters = buf_str(&filter);
	}
	fetch->call = api_list(lister->core->api, &query, &sink, fetch);
	return fetch->call ? 0 : -ENOMEM;
}

int page_fetch(
    struct lister *lister, int64_t page, unsigned limit, struct id_range *range)
{
	struct pass *pass = &lister->pass;
	struct page_fetch *fetch = calloc(1, sizeof(*fetch));
	if (!fetch) {
		id_range_free(range);
		return -ENOMEM;
	}
	*fetch = (struct page_fetch){
	    .lister = lister,
	    .page = page,
	    .limit = limit,
	    .range = range,
	    .slot = pass->round.first_slot + pass->round.next_page++,
	    .hook = {.fn = on_page_committed, .ctx = fetch},
	};
	buf_init(&fetch->first_id, RECORD_ID_MAX);
	buf_init(&fetch->last_id, RECORD_ID_MAX);
	buf_init(&fetch->split_id, RECORD_ID_MAX);
	forget_records(fetch);
	reserve_ids(fetch);
	TAILQ_INSERT_TAIL(&pass->fetches, fetch, link);
	int r = ask(fetch);
	if (r < 0)
		page_drop(fetch);
	return r;
}
