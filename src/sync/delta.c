/*
 * What changed since a listing was last whole: the records whose updatedAt is
 * not older than the newest one known. New ones are added behind the others,
 * changed ones take their old version's place. Then the counts must agree with
 * what the server says: if not, something was deleted, which prune.c or a whole
 * pass finds out.
 */
#include "sync/delta.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/record.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/timestamp.h"
#include "sync/pass.h"
#include "sync/prune.h"

/* A table that changes on is looked at again so often, then listed anew. */
#define LOOKS_MAX 3

static void ask_page(struct lister *lister);

static int64_t slot_start(const struct lister *lister)
{
	return lister->listing.end + (lister->delta.slot << PAGE_BITS);
}

/* Entries that no listing holds: of a delta that was left half way. */
static int forget_from(struct lister *lister, int64_t pos)
{
	return lister_unlist(lister, pos, INT64_MAX);
}

void delta_anew(struct lister *lister)
{
	int r = forget_from(lister, lister->listing.end);
	lister->pass.base = 0;
	if (r < 0)
		lister_failed(lister, r);
	else
		pass_run(lister);
}

static int on_record(void *ctx, const char *text, size_t len)
{
	struct lister *lister = ctx;
	struct delta *delta = &lister->delta;
	struct record record;
	bool again = true;
	int r = record_parse(text, len, &record);
	if (r < 0)
		return r;
	if (record.updated_ms < delta->since_ms ||
	    delta->count >= PAGE_RECORDS_MAX)
		delta->ignored = true;
	if (record.updated_ms > delta->newest_ms)
		delta->newest_ms = record.updated_ms;
	struct placement place = {
	    .base = lister->listing.base,
	    .pos = slot_start(lister) + 1 + delta->count++,
	};
	if (!delta->ignored)
		r = store_record(
		    lister->sync, lister->dir, &record, &place, &again);
	if (r == 0 && !again)
		delta->page_added++;
	record_done(&record);
	return r;
}

static void on_restart(void *ctx)
{
	struct lister *lister = ctx;
	struct delta *delta = &lister->delta;
	if (delta->count)
		forget_from(lister, slot_start(lister));
	delta->count = delta->page_added = 0;
}

static void on_page(
    void *ctx, const struct api_error *error, const struct api_page *page)
{
	struct lister *lister = ctx;
	struct delta *delta = &lister->delta;
	lister->probe_call = NULL;
	if (error->err && error->err != -EPROTO) {
		forget_from(lister, lister->listing.end);
		lister_failed(lister, error->err);
		return;
	}
	if (error->err || delta->ignored) {
		lister->no_delta = true; /* it does not filter by time */
		delta_anew(lister);
		return;
	}
	delta->added += delta->page_added;
	delta->seen += delta->count;
	bool more = page->has_next == 1 ||
		    (page->has_next < 0 && page->total > delta->seen);
	if (delta->count > 0)
		delta->slot++;
	delta->page++;
	if (more && delta->count > 0) {
		ask_page(lister);
	} else if (page->total > delta->seen) {
		delta_anew(lister); /* moved between two pages */
	} else {
		lister_probe(lister);
	}
}

/* {"updatedAt":{"$gte":"2026-04-13T09:30:00.123Z"}} */
static void ask_page(struct lister *lister)
{
	static const struct api_page_sink sink = {
	    .record = on_record,
	    .restart = on_restart,
	    .done = on_page,
	};
	struct delta *delta = &lister->delta;
	char filter[80], since[TIMESTAMP_SIZE];
	snprintf(filter, sizeof(filter), "{\"updatedAt\":{\"$gte\":\"%s\"}}",
	    timestamp_format(delta->since_ms, since));
	struct api_query query = {
	    .subject = lister->title,
	    .table = lister->table,
	    .page = delta->page,
	    .limit = PAGE_LIMIT,
	    .filters = filter,
	};
	delta->count = delta->page_added = 0;
	lister->probe_call = api_list(lister->sync->api, &query, &sink, lister);
	if (!lister->probe_call)
		lister_failed(lister, -ENOMEM);
}

void delta_reset(struct lister *lister)
{
	prune_free(TAKE(lister->prune));
	lister->delta = (struct delta){
	    .since_ms = lister->listing.newest_ms,
	    .newest_ms = lister->listing.newest_ms,
	};
}

bool delta_agrees(struct lister *lister, int64_t total, int64_t newest_ms)
{
	const struct delta *delta = &lister->delta;
	if (prune_found(lister) && lister_has_readers(lister))
		return false; /* who has come meanwhile keeps what was there */
	return total ==
		   lister->listing.count + delta->added - prune_found(lister) &&
	       (total == 0 ||
		   newest_ms == prune_newest(lister, delta->newest_ms));
}

void delta_asked_at(struct lister *lister, int64_t date_ms)
{
	if (!lister->delta.began_ms)
		lister->delta.began_ms =
		    round_moment(date_ms, timestamp_now_ms());
}

int delta_adopt(struct lister *lister)
{
	struct delta *delta = &lister->delta;
	int64_t newest_ms = prune_newest(lister, delta->newest_ms);
	if (delta->looks || newest_ms != delta->newest_ms)
		lister->listing.newest_ms =
		    lister_newest(newest_ms, delta->began_ms);
	int r = write_begin(lister->sync);
	if (r == 0)
		r = prune_adopt(lister);
	if (r < 0)
		return r;
	lister->listing.count += delta->added;
	lister->listing.end += delta->slot << PAGE_BITS;
	delta_reset(lister);
	return 0;
}

void delta_run(struct lister *lister, int64_t total, int64_t newest_ms)
{
	struct delta *delta = &lister->delta;
	/* Where only the total differs, something is gone. */
	bool known = lister->listing.newest_ms >= 0;
	bool changed = newest_ms > delta->newest_ms;
	if (delta->looks == 0 && forget_from(lister, lister->listing.end) < 0) {
		lister_failed(lister, -EIO);
		return;
	}
	if (known && !changed &&
	    prune_run(
		lister, lister->listing.count + delta->added, total, newest_ms))
		return;
	if (!known || !changed || lister->no_delta ||
	    delta->looks++ >= LOOKS_MAX) {
		delta_anew(lister);
		return;
	}
	/* Where records change, their form may have, too. */
	if (lister->table && delta->looks == 1)
		fetch_spec_again(lister->sync, lister->dir);
	delta->since_ms = delta->newest_ms;
	delta->page = 1;
	delta->seen = 0;
	ask_page(lister);
}
