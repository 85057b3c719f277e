#include "sync/listing/delta.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/record.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/timestamp.h"
#include "json/json.h"
#include "sync/listing/order.h"
#include "sync/listing/refresh.h"
#include "sync/record/fetch.h"
#include "sync/record/put.h"

static void ask(struct lister *lister);

/* Where the records of an answer are put: behind what is listed. */
static int64_t answer_start(const struct lister *lister)
{
	return lister->delta.next.end;
}

/* ---- taking in ---- */

static void forget_answer(struct delta *delta)
{
	delta->facts = FACTS_INIT;
	ids_clear(&delta->ids);
	delta->added = 0;
	delta->orders = ORDER_ANY;
	delta->ignored = false;
	buf_clear(&delta->last_id);
}

/* Whether the question was heeded: the date, and the ids that were left. */
static void watch(struct delta *delta, const struct record *record)
{
	bool updated = delta->field == DATE_UPDATED;
	int64_t ms = updated ? record->updated_ms : record->created_ms;
	if (ms == RECORD_NO_DATE || ms < delta->since_ms ||
	    (delta->level && ms == delta->since_ms) ||
	    delta->facts.count >= PAGE_RECORDS_MAX)
		delta->ignored = true;
	if (delta->after_id.len &&
	    buf_compare(&record->id, &delta->after_id) <= 0)
		delta->ignored = true;
}

static int put(struct lister *lister, const struct record *record)
{
	struct delta *delta = &lister->delta;
	int64_t first = answer_start(lister) + 1, at;
	struct placement place = {
	    .in = {delta->next.side, delta->next.base,
		first + delta->facts.count},
	};
	int r =
	    put_record(lister->core, lister->folder.id, record, &place, &at);
	if (r < 0)
		return r;
	if (at == place.in.pos)
		delta->added++;
	if (delta->last_id.len)
		delta->orders =
		    order_after(delta->orders, &delta->last_id, &record->id);
	buf_clear(&delta->last_id);
	r = facts_record(&delta->facts, &delta->ids, record);
	return r < 0 ? r
		     : buf_add(&delta->last_id, buf_str(&record->id),
			   record->id.len);
}

static int on_record(void *ctx, const char *text, size_t len)
{
	struct lister *lister = ctx;
	struct delta *delta = &lister->delta;
	struct record record;
	int r = record_parse(text, len, &record);
	if (r < 0)
		return r;
	watch(delta, &record);
	if (!delta->ignored)
		r = put(lister, &record);
	record_done(&record);
	return r;
}

static void on_restart(void *ctx)
{
	struct lister *lister = ctx;
	struct delta *delta = &lister->delta;
	if (delta->facts.count)
		lister_unlist(lister, answer_start(lister), INT64_MAX);
	forget_answer(delta);
}

/* ---- adding up ---- */

/* Whether what is new stands behind the last one of the listing, by id: then
 * the listing is still in the order of the pages. */
static bool stays_in_order(struct lister *lister)
{
	struct delta *delta = &lister->delta;
	struct replica *replica = lister->core->replica;
	int64_t first = answer_start(lister), last, added;
	CLEANUP_BUF struct buf before, after;
	buf_init(&before, RECORD_ID_MAX);
	buf_init(&after, RECORD_ID_MAX);
	int64_t found = 0;
	return (delta->orders & ORDER_BYTES) &&
	       replica_last(replica, lister->folder.id, first, &last) == 0 &&
	       replica_nth(replica, lister->folder.id, first, 0, 1, &added,
		   &found) == 0 &&
	       found == 1 && replica_key(replica, last, &before) == 0 &&
	       replica_key(replica, added, &after) == 0 &&
	       buf_compare(&before, &after) < 0;
}

static void add_up(struct lister *lister)
{
	struct delta *delta = &lister->delta;
	struct replica_listing *next = &delta->next;
	const struct facts *facts = &delta->facts;
	bool newer = facts->newest_ms > next->newest_ms ||
		     facts->created_ms > next->created_ms;
	/* Where records change, their form may have, too. */
	if (lister->folder.table && (newer || delta->added)) {
		fetch_spec_again(lister->fetches, &lister->folder);
	}
	if (delta->added && !stays_in_order(lister))
		next->flags &= ~(unsigned)LISTING_ORDERED;
	if (newer)
		next->flags &= ~(unsigned)LISTING_LEVEL;
	if (facts->undated)
		next->flags |= LISTING_UNDATED;
	if (facts->uncreated)
		next->flags |= LISTING_UNCREATED;
	if (facts->newest_ms > next->newest_ms)
		next->newest_ms = facts->newest_ms;
	if (facts->created_ms > next->created_ms)
		next->created_ms = facts->created_ms;
	delta->news |= newer || delta->added;
	next->count += delta->added;
	if (facts->count)
		next->end += INT64_C(1) << PAGE_BITS;
}

/*
 * From when on changes may be missing, now that all since then are in: from
 * when the look began. Where that lies before the newest date all the same (the
 * look found something that is new, or the dates run ahead of the clock), a
 * look that found nothing has at least seen all but the last moments.
 */
static void settle_dates(struct delta *delta)
{
	struct replica_listing *next = &delta->next;
	bool updated = delta->field == DATE_UPDATED;
	int64_t newest = updated ? next->newest_ms : next->created_ms;
	int64_t since = newest;
	if (delta->threshold_ms < since)
		since = delta->threshold_ms;
	if (!delta->news && since < newest - CLOCKS_DIFFER_MS)
		since = newest - CLOCKS_DIFFER_MS;
	if (updated)
		next->since_ms = since;
	else
		next->created_since_ms = since;
}

static void on_commit(void *ctx, int err)
{
	struct lister *lister = ctx;
	struct delta *delta = &lister->delta;
	if (err < 0) {
		lister_failed(lister, err);
		return;
	}
	add_up(lister);
	if (delta->more) {
		buf_clear(&delta->after_id);
		err = buf_add(&delta->after_id, buf_str(&delta->last_id),
		    delta->last_id.len);
		if (err < 0)
			lister_failed(lister, err);
		else
			ask(lister);
		return;
	}
	delta->levelled = delta->level;
	if (!delta->level)
		settle_dates(delta);
	refresh_looked(lister);
}

/* Whether there is more than came; as far as that can be believed. */
static bool has_more(const struct delta *delta, const struct api_page *page)
{
	if (page->has_next >= 0)
		return page->has_next == 1;
	return page->total > delta->facts.count || page->total_pages > 1;
}

static bool is_sound(struct delta *delta, const struct api_page *page)
{
	/* A filter by id that finds less than was left is none. */
	if (ids_are_twice(&delta->ids) || page->total < delta->left)
		return false;
	if (has_more(delta, page))
		return delta->facts.count > 0 && (delta->orders & ORDER_BYTES);
	return page->total <= delta->facts.count;
}

static void on_page(
    void *ctx, const struct api_error *error, const struct api_page *page)
{
	struct lister *lister = ctx;
	struct delta *delta = &lister->delta;
	lister->probe_call = NULL;
	if (error->err && error->err != -EPROTO) {
		lister_failed(lister, error->err);
		return;
	}
	if (error->err || delta->ignored)
		lister->no_delta = true; /* it does not filter by time */
	if (error->err || delta->ignored || !is_sound(delta, page)) {
		refresh_anew(lister);
		return;
	}
	refresh_asked_at(lister, page->date_ms);
	delta->more = has_more(delta, page);
	delta->left = delta->more ? page->total - delta->facts.count : 0;
	int r = write_begin(lister->core->write);
	if (r < 0)
		lister_failed(lister, r);
	else
		write_hook(lister->core->write, &delta->hook);
}

/* ---- asking ---- */

/* {"updatedAt":{"$gte":"2026-04-13T09:30:00.123Z"},"id":{"$gt":"5f…"}} */
static int write_filter(const struct delta *delta, struct buf *out)
{
	char since[TIMESTAMP_SIZE];
	int r = buf_printf(out, "{\"%s\":{\"%s\":\"%s\"}",
	    delta->field == DATE_UPDATED ? "updatedAt" : "createdAt",
	    delta->level ? "$gt" : "$gte",
	    timestamp_format(delta->since_ms, since));
	if (r == 0 && delta->after_id.len) {
		r = buf_adds(out, ",\"id\":{\"$gt\":");
		if (r == 0)
			r = json_string_encode(
			    delta->after_id.data, delta->after_id.len, out);
		if (r == 0)
			r = buf_addc(out, '}');
	}
	return r < 0 ? r : buf_addc(out, '}');
}

static void ask(struct lister *lister)
{
	static const struct api_page_sink sink = {
	    .record = on_record,
	    .restart = on_restart,
	    .done = on_page,
	};
	struct delta *delta = &lister->delta;
	CLEANUP_BUF struct buf filter;
	buf_init(&filter, 4 * RECORD_ID_MAX);
	forget_answer(delta);
	int r = write_filter(delta, &filter);
	struct api_query query = {
	    .subject = lister->folder.title,
	    .table = lister->folder.table,
	    .page = 1,
	    .limit = PAGE_LIMIT,
	    .filters = buf_str(&filter),
	};
	if (r == 0)
		lister->probe_call =
		    api_list(lister->core->api, &query, &sink, lister);
	if (!lister->probe_call)
		lister_failed(lister, r < 0 ? r : -ENOMEM);
}

void delta_begin(struct lister *lister)
{
	struct delta *delta = &lister->delta;
	delta->hook = (struct commit_hook){.fn = on_commit, .ctx = lister};
	buf_clear(&delta->after_id);
	forget_answer(delta);
}

void delta_run(struct lister *lister)
{
	struct delta *delta = &lister->delta;
	const struct replica_listing *next = &delta->next;
	bool updated = delta->field == DATE_UPDATED;
	buf_clear(&delta->after_id);
	delta->news = false;
	delta->left = 0;
	if (delta->level)
		delta->since_ms = updated ? next->newest_ms : next->created_ms;
	else
		delta->since_ms =
		    updated ? next->since_ms : next->created_since_ms;
	ask(lister);
}
