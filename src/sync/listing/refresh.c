#include "sync/listing/refresh.h"

#include <errno.h>
#include <string.h>

#include "api/record.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/timestamp.h"
#include "sync/listing/delta.h"
#include "sync/listing/judge.h"
#include "sync/listing/pass.h"
#include "sync/listing/prune.h"
#include "sync/record/put.h"
#include "tree/name.h"

/* What changes on is looked at again so often, then listed anew. */
#define LOOKS_MAX 3

/* A listing whose pages were not looked at for so long is compared with one of
 * them: databases are restored, rows imported with their old dates. */
#define PAGES_BELIEVED_MS (24 * INT64_C(3600000))

static void ask_newest(struct lister *lister);

void refresh_stop(struct lister *lister)
{
	api_cancel(TAKE(lister->probe_call));
	write_unhook(&lister->delta.hook);
	prune_free(TAKE(lister->prune));
}

void refresh_anew(struct lister *lister)
{
	refresh_stop(lister);
	pass_forget(lister);
	pass_run(lister);
}

/* An answer that is sound says otherwise: what is known is not so, whatever
 * later ones seem to say. */
static void disproven(struct lister *lister)
{
	int r = lister_doubt(lister);
	if (r < 0)
		lister_failed(lister, r);
	else
		refresh_anew(lister);
}

void refresh_asked_at(struct lister *lister, int64_t date_ms)
{
	if (!lister->delta.threshold_ms)
		lister->delta.threshold_ms =
		    lister_threshold(date_ms, timestamp_now_ms());
}

/* ---- comparing ---- */

int refresh_knows(struct lister *lister, const struct record *record)
{
	const struct replica_listing *next = &lister->delta.next;
	struct replica *replica = lister->core->replica;
	struct node node;
	CLEANUP_BUF struct buf name, text;
	buf_init(&name, NAME_WORK_MAX);
	buf_init(&text, BUF_MAX_DEFAULT);
	int r = name_of_record(buf_str(&record->id), record->id.len, &name);
	if (r == 0)
		r = replica_lookup(
		    replica, lister->folder.id, buf_str(&name), &node);
	if (r == 0 && (node.pos[next->side] <= next->base ||
			  node.size != (int64_t)record->text.len))
		r = -ENOENT;
	if (r == 0)
		r = replica_text(replica, node.id, &text);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	return text.len == record->text.len &&
	       memcmp(buf_str(&text), record->text.text, text.len) == 0;
}

static int64_t date_of(const struct record *record, enum date_field field)
{
	int64_t ms =
	    field == DATE_UPDATED ? record->updated_ms : record->created_ms;
	return ms == RECORD_NO_DATE ? NO_DATE : ms;
}

static int on_record(void *ctx, const char *text, size_t len)
{
	struct lister *lister = ctx;
	struct delta *delta = &lister->delta;
	struct record record;
	int r = record_parse(text, len, &record);
	if (r < 0)
		return r;
	int64_t ms = date_of(&record, delta->field);
	r = refresh_knows(lister, &record);
	delta->came++;
	delta->known += r > 0;
	delta->dateless += record.updated_ms == RECORD_NO_DATE &&
			   record.created_ms == RECORD_NO_DATE;
	if (ms > delta->newest_ms)
		delta->newest_ms = ms;
	record_done(&record);
	return r < 0 ? r : 0;
}

static void on_restart(void *ctx)
{
	struct lister *lister = ctx;
	lister->delta.came = lister->delta.known = lister->delta.dateless = 0;
	lister->delta.newest_ms = NO_DATE;
}

/* Ask for records that are compared with what is listed. The sink lives for
 * ever. */
static void ask(struct lister *lister, const struct api_query *query,
    const struct api_page_sink *sink)
{
	on_restart(lister);
	lister->probe_call = api_list(lister->core->api, query, sink, lister);
	if (!lister->probe_call)
		lister_failed(lister, -ENOMEM);
}

/* An answer that is none: only a whole listing can tell. True: it is over. */
static bool is_over(struct lister *lister, const struct api_error *error)
{
	if (!error->err)
		return false;
	if (error->err == -EPROTO)
		refresh_anew(lister);
	else
		lister_failed(lister, error->err);
	return true;
}

/* ---- one page, taken at random ---- */

static void finish(struct lister *lister)
{
	struct delta *delta = &lister->delta;
	int r = prune_adopt(lister);
	if (r < 0) {
		lister_failed(lister, r);
		return;
	}
	delta->next.listed_ms = timestamp_now_ms();
	lister_settle(lister, &delta->next, delta->began, false);
}

static void on_page(
    void *ctx, const struct api_error *error, const struct api_page *page)
{
	struct lister *lister = ctx;
	struct delta *delta = &lister->delta;
	lister->probe_call = NULL;
	if (is_over(lister, error))
		return;
	if (page->total != delta->next.count || delta->came == 0 ||
	    delta->known < delta->came) {
		log_info("%s: is not what it was when it was listed",
		    lister->folder.title);
		disproven(lister);
		return;
	}
	delta->next.proven_ms = timestamp_now_ms();
	finish(lister);
}

static void ask_page(struct lister *lister)
{
	static const struct api_page_sink sink = {
	    .record = on_record,
	    .restart = on_restart,
	    .done = on_page,
	};
	int64_t pages =
	    (lister->delta.next.count + PAGE_LIMIT - 1) / PAGE_LIMIT;
	struct api_query query = {
	    .subject = lister->folder.title,
	    .table = lister->folder.table,
	    .page = 1 + moment_event(lister->core) % pages,
	    .limit = PAGE_LIMIT,
	};
	ask(lister, &query, &sink);
}

static bool page_is_due(const struct replica_listing *listing)
{
	int64_t age = timestamp_now_ms() - listing->proven_ms;
	return listing->count > 0 && (age < 0 || age > PAGES_BELIEVED_MS);
}

static void records_proven(struct lister *lister)
{
	if (page_is_due(&lister->delta.next))
		ask_page(lister);
	else
		finish(lister);
}

/* ---- records without a date ---- */

static void ask_dateless(struct lister *lister);

static void on_dateless(
    void *ctx, const struct api_error *error, const struct api_page *page)
{
	struct lister *lister = ctx;
	struct delta *delta = &lister->delta;
	lister->probe_call = NULL;
	if (is_over(lister, error))
		return;
	/* They come in a row: behind the last one is one that has a date. */
	bool all = delta->dateless < delta->came || delta->came == page->total;
	if (delta->dateless == 0 && !delta->descending) {
		delta->descending = true;
		ask_dateless(lister);
	} else if (all && delta->dateless > 0 && delta->known == delta->came) {
		records_proven(lister);
	} else {
		refresh_anew(lister);
	}
}

/* What has no date can only be compared: it stands at one end of the order by
 * date, which one is the server's affair. */
static void ask_dateless(struct lister *lister)
{
	static const struct api_page_sink sink = {
	    .record = on_record,
	    .restart = on_restart,
	    .done = on_dateless,
	};
	struct delta *delta = &lister->delta;
	struct api_query query = {
	    .subject = lister->folder.title,
	    .table = lister->folder.table,
	    .page = 1,
	    .limit = (unsigned)delta->next.dateless + 1,
	    .sort_by = "createdAt",
	    .descending = delta->descending,
	};
	ask(lister, &query, &sink);
}

static void compare_dateless(struct lister *lister)
{
	struct delta *delta = &lister->delta;
	delta->field = DATE_CREATED;
	delta->descending = false;
	if (delta->next.dateless >= PAGE_LIMIT)
		refresh_anew(lister);
	else
		ask_dateless(lister);
}

/* ---- the newest record ---- */

static enum date_field first_field(const struct replica_listing *listing)
{
	return (listing->flags & LISTING_UNDATED) &&
		       listing->newest_ms == NO_DATE
		   ? DATE_CREATED
		   : DATE_UPDATED;
}

/* What may have changed behind an earlier question has to be looked for, also
 * where nothing is newer. */
static bool is_unsettled(
    const struct replica_listing *listing, enum date_field field)
{
	return field == DATE_UPDATED
		   ? listing->since_ms < listing->newest_ms
		   : listing->created_since_ms < listing->created_ms;
}

static void look_for_changes(struct lister *lister)
{
	if (lister->no_delta || lister->delta.looks++ >= LOOKS_MAX)
		refresh_anew(lister);
	else
		delta_run(lister);
}

static void begin_field(struct lister *lister, enum date_field field)
{
	struct delta *delta = &lister->delta;
	delta->field = field;
	delta->looks = 0;
	delta->level = delta->levelled = false;
	ask_newest(lister);
}

static void field_proven(struct lister *lister)
{
	const struct replica_listing *next = &lister->delta.next;
	if (lister->delta.field == DATE_UPDATED &&
	    (next->flags & LISTING_UNDATED))
		begin_field(lister, DATE_CREATED);
	else if (next->dateless)
		compare_dateless(lister);
	else
		records_proven(lister);
}

/* What the last probe says of what is known now. */
static enum probe_verdict judge(struct lister *lister)
{
	struct replica_listing listing = lister->delta.next;
	listing.count -= prune_found(lister);
	return judge_probe(&listing, lister->delta.field, &lister->delta.probe);
}

/*
 * Nothing is missing, as the probe tells it. Where something was looked for,
 * that may be by chance (one went, and another came with an earlier date): so
 * the probe before the look must have fitted as well. Where what changed late
 * may have been overlooked before, a look has to find nothing.
 */
static void as_known(struct lister *lister)
{
	struct delta *delta = &lister->delta;
	bool sure = delta->looks > 0
			? delta->fitted
			: !is_unsettled(&delta->next, delta->field);
	if (sure)
		field_proven(lister);
	else
		look_for_changes(lister);
}

static void on_newest(
    void *ctx, const struct api_error *error, const struct api_page *page)
{
	struct lister *lister = ctx;
	struct delta *delta = &lister->delta;
	lister->probe_call = NULL;
	if (is_over(lister, error))
		return;
	refresh_asked_at(lister, page->date_ms);
	delta->probe = (struct probe_facts){
	    .total = page->total,
	    .came = delta->came,
	    .newest_ms = delta->newest_ms,
	    .known = delta->known == delta->came,
	};
	delta->level = false;
	switch (judge(lister)) {
	case PROBE_PROVEN:
		as_known(lister);
		break;
	case PROBE_CHANGED:
		look_for_changes(lister);
		break;
	case PROBE_LEVEL:
		delta->level = !is_unsettled(&delta->next, delta->field);
		look_for_changes(lister);
		break;
	case PROBE_GONE:
		if (is_unsettled(&delta->next, delta->field) && !delta->looks)
			look_for_changes(lister);
		else if (!prune_run(lister, page->total, delta->newest_ms))
			refresh_anew(lister);
		break;
	case PROBE_ANEW:
		disproven(lister);
		break;
	}
}

void refresh_looked(struct lister *lister)
{
	struct delta *delta = &lister->delta;
	/* The newest record of the probe is among those that came. */
	delta->probe.known = true;
	enum probe_verdict verdict = judge(lister);
	delta->fitted = verdict == PROBE_PROVEN ||
			(verdict == PROBE_LEVEL && delta->levelled);
	if (delta->fitted && !delta->news)
		field_proven(lister);
	else
		ask_newest(lister);
}

static void ask_newest(struct lister *lister)
{
	static const struct api_page_sink sink = {
	    .record = on_record,
	    .restart = on_restart,
	    .done = on_newest,
	};
	struct api_query query = {
	    .subject = lister->folder.title,
	    .table = lister->folder.table,
	    .page = 1,
	    .limit = 1,
	    .sort_by =
		lister->delta.field == DATE_UPDATED ? "updatedAt" : "createdAt",
	    .descending = true,
	};
	ask(lister, &query, &sink);
}

void refresh_probe(struct lister *lister)
{
	/* The number was the same in all answers of the search. */
	lister->delta.fitted = true;
	ask_newest(lister);
}

/* ---- beginning ---- */

/* Of a refresh or a pass that was left: entries that no listing holds are
 * forgotten, texts that took over places in this one count. */
static int heed_leftovers(struct lister *lister)
{
	struct replica_listing known;
	int64_t end = lister->listing.end;
	int r =
	    replica_listing(lister->core->replica, lister->folder.id, &known);
	if (r < 0)
		return r;
	lister->listing.newest_ms = known.newest_ms;
	lister->listing.created_ms = known.created_ms;
	if (known.ceiling < end)
		return 0;
	return lister_unlist(lister, end, INT64_MAX);
}

void refresh_run(struct lister *lister)
{
	struct delta *delta = &lister->delta;
	lister->state = LISTER_PROBING;
	int r = heed_leftovers(lister);
	if (r < 0) {
		lister_failed(lister, r);
		return;
	}
	delta_begin(lister);
	delta->began = moment_event(lister->core);
	delta->threshold_ms = 0;
	delta->next = lister->listing;
	begin_field(lister, first_field(&delta->next));
}
