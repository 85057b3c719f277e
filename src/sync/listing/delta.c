#include "sync/listing/delta.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "api/record.h"
#include "base/cleanup.h"
#include "json/json.h"
#include "sync/core/core.h"
#include "sync/core/folder.h"
#include "sync/core/position.h"
#include "sync/core/write.h"
#include "sync/listing/entries.h"
#include "sync/listing/ids.h"
#include "sync/listing/order.h"
#include "sync/record/fetch.h"
#include "sync/record/put.h"

struct delta {
	struct core *core;
	const struct folder *folder;
	struct fetches *fetches;
	delta_done_fn done;
	void *ctx;
	struct delta_question question;
	bool news; /* the look, all its answers, found something new */
	/* One answer. */
	struct api_call *call;
	struct commit_hook hook;
	int64_t since_ms;
	unsigned form;	     /* in which it is written */
	struct buf after_id; /* of the answers before */
	struct buf last_id;
	struct facts facts;
	struct ids ids;
	int64_t added; /* records that were not listed */
	unsigned orders;
	int64_t left; /* records that the next answer must have; 0: any */
	bool ignored; /* the filter was not heeded */
	bool ousts;   /* two records, listed and new, have one name, or one has
			 left the name that its object is listed by */
	bool more;
};

static void ask(struct delta *delta);
static void on_commit(void *ctx, int err);

struct delta *delta_new(struct core *core, const struct folder *folder,
    struct fetches *fetches, delta_done_fn done, void *ctx)
{
	struct delta *delta = calloc(1, sizeof(*delta));
	if (!delta)
		return NULL;
	delta->core = core;
	delta->folder = folder;
	delta->fetches = fetches;
	delta->done = done;
	delta->ctx = ctx;
	delta->hook = (struct commit_hook){.fn = on_commit, .ctx = delta};
	buf_init(&delta->after_id, RECORD_ID_MAX);
	buf_init(&delta->last_id, RECORD_ID_MAX);
	return delta;
}

void delta_stop(struct delta *delta)
{
	api_cancel(TAKE(delta->call));
	write_unhook(&delta->hook);
}

void delta_free(struct delta *delta)
{
	if (!delta)
		return;
	delta_stop(delta);
	buf_done(&delta->after_id);
	buf_done(&delta->last_id);
	ids_done(&delta->ids);
	free(delta);
}

bool delta_has_news(const struct delta *delta)
{
	return delta->news;
}

static void end(struct delta *delta, enum delta_verdict verdict)
{
	delta->done(delta->ctx, verdict, 0);
}

static void fail(struct delta *delta, int err)
{
	delta->done(delta->ctx, DELTA_FAILED, err);
}

/* Where the records of an answer are put: behind what is listed. */
static int64_t answer_start(const struct delta *delta)
{
	return delta->question.next->end;
}

/* ---- taking in ---- */

static void forget_answer(struct delta *delta)
{
	delta->facts = FACTS_INIT;
	ids_clear(&delta->ids);
	delta->added = 0;
	delta->orders = ORDER_ANY;
	delta->ignored = delta->ousts = false;
	buf_clear(&delta->last_id);
}

/* Whether the question was heeded: the date, and the ids that were left. */
static void watch(struct delta *delta, const struct record *record)
{
	bool updated = delta->question.field == DATE_UPDATED;
	int64_t ms = updated ? record->updated_ms : record->created_ms;
	if (ms == RECORD_NO_DATE || ms < delta->since_ms ||
	    (delta->question.level && ms == delta->since_ms &&
		!date_form_is_vague(delta->form)) ||
	    delta->facts.count >= PAGE_RECORDS_MAX)
		delta->ignored = true;
	if (delta->after_id.len &&
	    buf_compare(&record->id, &delta->after_id) <= 0)
		delta->ignored = true;
}

static int put(struct delta *delta, const struct record *record)
{
	const struct replica_listing *next = delta->question.next;
	int64_t first = answer_start(delta) + 1;
	struct put_place now;
	struct placement place = {
	    .in = {next->side, next->base, first + delta->facts.count},
	};
	int r =
	    put_would_oust(delta->core, delta->folder->id, record, &place.in);
	if (r > 0)
		delta->ousts = true;
	if (r == 0)
		r = put_record(
		    delta->core, delta->folder->id, record, &place, &now);
	if (r != 0)
		return r < 0 ? r : 0;
	if (now.at == place.in.pos)
		delta->added++;
	else if (delta->folder->id == NODE_FILES)
		r = put_left_name(delta->core, record, now.at);
	if (r < 0)
		return r;
	delta->ousts |= r > 0;
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
	struct delta *delta = ctx;
	struct record record;
	int r = record_parse(text, len, &record);
	if (r < 0)
		return r;
	watch(delta, &record);
	if (!delta->ignored)
		r = put(delta, &record);
	record_done(&record);
	return r;
}

static void on_restart(void *ctx)
{
	struct delta *delta = ctx;
	if (delta->facts.count)
		entries_unlist(
		    delta->core, delta->folder, answer_start(delta), INT64_MAX);
	forget_answer(delta);
}

/* ---- adding up ---- */

/* Whether what is new stands behind the last one of the listing, by id: then
 * the listing is still in the order of the pages. */
static bool stays_in_order(const struct delta *delta)
{
	struct replica *replica = delta->core->replica;
	int64_t dir = delta->folder->id;
	int64_t first = answer_start(delta), last, added;
	CLEANUP_BUF struct buf before, after;
	buf_init(&before, RECORD_ID_MAX);
	buf_init(&after, RECORD_ID_MAX);
	int64_t found = 0;
	return (delta->orders & ORDER_BYTES) &&
	       replica_last(replica, dir, first, &last) == 0 &&
	       replica_nth(replica, dir, first, 0, 1, &added, &found) == 0 &&
	       found == 1 && replica_key(replica, last, &before) == 0 &&
	       replica_key(replica, added, &after) == 0 &&
	       buf_compare(&before, &after) < 0;
}

static void add_up(struct delta *delta)
{
	struct replica_listing *next = delta->question.next;
	const struct facts *facts = &delta->facts;
	bool newer = facts->newest_ms > next->newest_ms ||
		     facts->created_ms > next->created_ms;
	/* Where records change, their form may have, too. */
	if (delta->folder->table && (newer || delta->added))
		fetch_spec_again(delta->fetches, delta->folder);
	if (delta->added && !stays_in_order(delta))
		next->flags &= ~(unsigned)LISTING_ORDERED;
	if (newer)
		next->flags &= ~(unsigned)LISTING_LEVEL;
	if (facts->undated)
		next->flags |= LISTING_UNDATED;
	if (facts->uncreated)
		next->flags |= LISTING_UNCREATED;
	next->flags = facts_add_forms(next->flags, facts);
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
 * look found something that is new, or our own clock is behind), a look that
 * found nothing has at least seen all but the last moments. Not where that date
 * is one that nobody can have written yet: what comes next is dated earlier.
 */
static void settle_dates(struct delta *delta)
{
	struct replica_listing *next = delta->question.next;
	bool updated = delta->question.field == DATE_UPDATED;
	int64_t newest = updated ? next->newest_ms : next->created_ms;
	int64_t since = newest;
	if (delta->question.threshold_ms < since)
		since = delta->question.threshold_ms;
	bool is_ahead = newest - CLOCKS_DIFFER_MS > delta->question.latest_ms;
	if (!delta->news && !is_ahead && since < newest - CLOCKS_DIFFER_MS)
		since = newest - CLOCKS_DIFFER_MS;
	if (updated)
		next->since_ms = since;
	else
		next->created_since_ms = since;
}

static void on_commit(void *ctx, int err)
{
	struct delta *delta = ctx;
	if (err < 0) {
		fail(delta, err);
		return;
	}
	add_up(delta);
	if (delta->more) {
		buf_clear(&delta->after_id);
		err = buf_add(&delta->after_id, buf_str(&delta->last_id),
		    delta->last_id.len);
		if (err < 0)
			fail(delta, err);
		else
			ask(delta);
		return;
	}
	if (!delta->question.level)
		settle_dates(delta);
	end(delta, delta->question.next->flags & LISTING_LOOSE ? DELTA_ANEW
							       : DELTA_FOUND);
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
	if (delta->ousts || ids_are_twice(&delta->ids) ||
	    page->total < delta->left)
		return false;
	if (has_more(delta, page))
		return delta->facts.count > 0 && (delta->orders & ORDER_BYTES);
	return page->total <= delta->facts.count;
}

/* Nothing came, although the newest one that is known must be among those that
 * do. What a date of an opaque form is compared with, if with anything, is not
 * known: of these, it must be among them always. */
static bool finds_too_little(const struct delta *delta)
{
	return (date_form_is_opaque(delta->form) ||
		   delta->question.finds_newest) &&
	       !delta->question.level && !delta->after_id.len &&
	       delta->facts.count == 0;
}

static void on_page(
    void *ctx, const struct api_error *error, const struct api_page *page)
{
	struct delta *delta = ctx;
	delta->call = NULL;
	if (error->err && error->err != -EPROTO) {
		fail(delta, error->err);
		return;
	}
	/* Of a later answer only the ids may be what was not heeded. */
	if (error->err || delta->ignored) {
		end(delta, delta->after_id.len ? DELTA_ANEW : DELTA_IGNORED);
		return;
	}
	if (!is_sound(delta, page) || finds_too_little(delta)) {
		end(delta, DELTA_ANEW);
		return;
	}
	delta->more = has_more(delta, page);
	delta->left = delta->more ? page->total - delta->facts.count : 0;
	int r = write_begin(delta->core->write);
	if (r < 0)
		fail(delta, r);
	else
		write_hook(delta->core->write, &delta->hook);
}

/* ---- asking ---- */

/* {"updatedAt":{"$gte":"2026-04-13T09:30:00.123Z"},"id":{"$gt":"5f…"}} */
static int write_filter(const struct delta *delta, struct buf *out)
{
	int r = buf_printf(out, "{\"%s\":{\"%s\":",
	    delta->question.field == DATE_UPDATED ? "updatedAt" : "createdAt",
	    delta->question.level ? "$gt" : "$gte");
	if (r == 0)
		r = date_form_write(delta->form, delta->since_ms, out);
	if (r == 0)
		r = buf_addc(out, '}');
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

static void ask(struct delta *delta)
{
	static const struct api_page_sink sink = {
	    .record = on_record,
	    .restart = on_restart,
	    .done = on_page,
	};
	CLEANUP_BUF struct buf filter;
	buf_init(&filter, 4 * RECORD_ID_MAX);
	forget_answer(delta);
	int r = write_filter(delta, &filter);
	struct api_query query = {
	    .subject = delta->folder->title,
	    .table = delta->folder->table,
	    .presence = API_LISTED,
	    .page = 1,
	    .limit = PAGE_LIMIT,
	    .filters = buf_str(&filter),
	};
	if (r == 0)
		delta->call = api_list(delta->core->api, &query, &sink, delta);
	if (!delta->call)
		fail(delta, r < 0 ? r : -ENOMEM);
}

void delta_run(struct delta *delta, const struct delta_question *question)
{
	const struct replica_listing *next = question->next;
	bool updated = question->field == DATE_UPDATED;
	delta->question = *question;
	buf_clear(&delta->after_id);
	delta->news = false;
	delta->left = 0;
	if (question->level)
		delta->since_ms = updated ? next->newest_ms : next->created_ms;
	else
		delta->since_ms =
		    updated ? next->since_ms : next->created_since_ms;
	delta->form = facts_form(next->flags, updated);
	delta->since_ms = date_form_floor(delta->form, delta->since_ms);
	ask(delta);
}
