#include "sync/listing/refresh.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/timestamp.h"
#include "sync/core/core.h"
#include "sync/core/folder.h"
#include "sync/listing/delta.h"
#include "sync/listing/entries.h"
#include "sync/listing/judge.h"
#include "sync/listing/newest.h"
#include "sync/listing/prune.h"
#include "sync/listing/sorting.h"
#include "sync/listing/recheck.h"
#include "sync/listing/view.h"

/* What changes on is looked at again so often, then listed anew. */
#define LOOKS_MAX 3

/* A listing whose pages were not looked at for so long is compared with one of
 * them: databases are restored, rows imported with their old dates. */
#define PAGES_BELIEVED_MS (24 * INT64_C(3600000))

struct refresh {
	struct core *core;
	const struct folder *folder;
	struct view *view;
	const struct refresh_events *events;
	void *ctx;
	struct newest *newest;
	struct recheck *recheck;
	struct delta *delta;
	struct prune *prune;  /* what is gone, while that is found out */
	bool no_delta;	      /* the server does not filter by time */
	int64_t looked_at;    /* a moment: when a page was looked at last */
	int64_t began;	      /* a moment: nothing was asked before */
	int64_t threshold_ms; /* likewise, the server's clock; 0: not known */
	int64_t latest_ms;    /* the same, at most */
	struct replica_listing next; /* the listing with what was found */
	enum date_field field;
	struct probe_facts probe; /* the last one */
	bool fitted;	/* the one before the last look, with what that found */
	unsigned looks; /* for what changed, by this field */
	bool level;	/* it is a look for anything newer */
	bool levelled;	/* which found nothing */
};

static void on_newest(
    void *ctx, int err, const struct probe_facts *facts, int64_t date_ms);
static void on_delta(void *ctx, enum delta_verdict verdict, int err);
static void on_recheck(void *ctx, enum recheck_kind kind, bool same, int err);

struct refresh *refresh_new(struct core *core, const struct folder *folder,
    struct fetches *fetches, struct view *view,
    const struct refresh_events *events, void *ctx)
{
	struct refresh *refresh = calloc(1, sizeof(*refresh));
	if (!refresh)
		return NULL;
	refresh->core = core;
	refresh->folder = folder;
	refresh->view = view;
	refresh->events = events;
	refresh->ctx = ctx;
	refresh->newest = newest_new(core, folder, on_newest, refresh);
	refresh->recheck = recheck_new(core, folder, on_recheck, refresh);
	refresh->delta = delta_new(core, folder, fetches, on_delta, refresh);
	if (!refresh->newest || !refresh->recheck || !refresh->delta) {
		refresh_free(refresh);
		return NULL;
	}
	return refresh;
}

void refresh_free(struct refresh *refresh)
{
	if (!refresh)
		return;
	newest_free(refresh->newest);
	recheck_free(refresh->recheck);
	delta_free(refresh->delta);
	prune_free(refresh->prune);
	free(refresh);
}

void refresh_stop(struct refresh *refresh)
{
	newest_stop(refresh->newest);
	recheck_stop(refresh->recheck);
	delta_stop(refresh->delta);
	prune_free(TAKE(refresh->prune));
}

static void anew(struct refresh *refresh)
{
	refresh_stop(refresh);
	refresh->events->anew(refresh->ctx);
}

static void disproven(struct refresh *refresh)
{
	refresh_stop(refresh);
	refresh->events->disproven(refresh->ctx);
}

static void fail(struct refresh *refresh, int err)
{
	refresh_stop(refresh);
	refresh->events->failed(refresh->ctx, err);
}

/* An answer that is none: only a whole listing can tell. True: it is over. */
static bool is_over(struct refresh *refresh, int err)
{
	if (!err)
		return false;
	if (err == -EPROTO)
		anew(refresh);
	else
		fail(refresh, err);
	return true;
}

/* ---- records compared text by text ---- */

static void finish(struct refresh *refresh)
{
	int r = prune_adopt(refresh->prune);
	if (r < 0) {
		fail(refresh, r);
		return;
	}
	refresh->next.listed_ms = timestamp_now_ms();
	refresh->events->proven(refresh->ctx, &refresh->next, refresh->began);
}

/* A page, at least, was looked at, and is as it is listed. */
static void finish_looked_at(struct refresh *refresh)
{
	refresh->next.proven_ms = timestamp_now_ms();
	refresh->looked_at = refresh->began;
	finish(refresh);
}

static bool page_is_due(const struct refresh *refresh)
{
	int64_t age = moment_now(refresh->core) - refresh->looked_at;
	return refresh->next.count > 0 &&
	       age > PAGES_BELIEVED_MS * MOMENTS_PER_MS;
}

static void records_proven(struct refresh *refresh)
{
	if (page_is_due(refresh))
		recheck_page(refresh->recheck, &refresh->next);
	else
		finish(refresh);
}

static void begin_field(struct refresh *refresh, enum date_field field);
static enum date_field first_field(const struct replica_listing *listing);

static void on_same(struct refresh *refresh, enum recheck_kind kind)
{
	if (kind == RECHECK_DATELESS)
		records_proven(refresh);
	else
		finish_looked_at(refresh);
}

static void on_other(struct refresh *refresh, enum recheck_kind kind)
{
	switch (kind) {
	case RECHECK_WHOLE:
		/* What changed is found by its dates. */
		begin_field(refresh, first_field(&refresh->next));
		break;
	case RECHECK_DATELESS:
		anew(refresh);
		break;
	case RECHECK_PAGE:
		log_info("%s: is not what it was when it was listed",
		    refresh->folder->title);
		disproven(refresh);
		break;
	}
}

static void on_recheck(void *ctx, enum recheck_kind kind, bool same, int err)
{
	struct refresh *refresh = ctx;
	if (is_over(refresh, err))
		return;
	if (same)
		on_same(refresh, kind);
	else
		on_other(refresh, kind);
}

/* ---- what one date field proves ---- */

static enum date_field first_field(const struct replica_listing *listing)
{
	return (listing->flags & LISTING_UNDATED) &&
		       listing->newest_ms == NO_DATE
		   ? DATE_CREATED
		   : DATE_UPDATED;
}

static void begin_field(struct refresh *refresh, enum date_field field)
{
	refresh->field = field;
	refresh->looks = 0;
	refresh->level = refresh->levelled = false;
	newest_begin(refresh->newest, &refresh->next, field);
	newest_ask(refresh->newest);
}

static void field_proven(struct refresh *refresh)
{
	const struct replica_listing *next = &refresh->next;
	if (refresh->field == DATE_UPDATED && (next->flags & LISTING_UNDATED))
		begin_field(refresh, DATE_CREATED);
	else if (next->dateless)
		recheck_dateless(refresh->recheck, next);
	else
		records_proven(refresh);
}

/* What the last probe says of what is known now. */
static enum probe_verdict judge(struct refresh *refresh)
{
	struct replica_listing listing = refresh->next;
	listing.count -= prune_found(refresh->prune);
	return judge_probe(&listing, refresh->field, &refresh->probe);
}

/* ---- what changed ---- */

static void look_for_changes(struct refresh *refresh)
{
	struct delta_question question = {
	    .field = refresh->field,
	    .level = refresh->level,
	    .finds_newest =
		refresh->probe.known &&
		refresh->probe.newest_ms >= newest_known(refresh->newest),
	    .threshold_ms = refresh->threshold_ms,
	    .latest_ms = refresh->latest_ms,
	    .next = &refresh->next,
	};
	if (refresh->no_delta || refresh->looks++ >= LOOKS_MAX)
		anew(refresh);
	else
		delta_run(refresh->delta, &question);
}

static void take_in_changes(struct refresh *refresh)
{
	refresh->levelled = refresh->level;
	/* The newest record of the probe is among those that came. */
	refresh->probe.known = true;
	enum probe_verdict verdict = judge(refresh);
	refresh->fitted = verdict == PROBE_PROVEN ||
			  (verdict == PROBE_LEVEL && refresh->levelled);
	if (refresh->fitted && !delta_has_news(refresh->delta))
		field_proven(refresh);
	else
		newest_ask(refresh->newest);
}

static void on_delta(void *ctx, enum delta_verdict verdict, int err)
{
	struct refresh *refresh = ctx;
	switch (verdict) {
	case DELTA_FOUND:
		take_in_changes(refresh);
		break;
	case DELTA_IGNORED:
		refresh->no_delta = true;
		anew(refresh);
		break;
	case DELTA_ANEW:
		anew(refresh);
		break;
	case DELTA_FAILED:
		fail(refresh, err);
		break;
	}
}

/* ---- what is gone ---- */

static void on_prune(void *ctx, enum prune_verdict verdict, int err)
{
	struct refresh *refresh = ctx;
	switch (verdict) {
	case PRUNE_FOUND:
		/* The number was the same in all answers of the search. */
		refresh->fitted = true;
		newest_ask(refresh->newest);
		break;
	case PRUNE_ANEW:
		anew(refresh);
		break;
	case PRUNE_FAILED:
		fail(refresh, err);
		break;
	}
}

/* Once, unless somebody still reads the listing that is known. */
static void look_for_gone(struct refresh *refresh)
{
	const struct probe_facts *probe = &refresh->probe;
	if (!refresh->prune && !view_has_readers(refresh->view, 0)) {
		refresh->prune =
		    prune_new(refresh->core, refresh->folder, &refresh->next,
			probe->total, probe->newest_ms, on_prune, refresh);
		if (refresh->prune) {
			prune_run(refresh->prune);
			return;
		}
	}
	anew(refresh);
}

/* ---- the newest record ---- */

/* What may have changed behind an earlier question has to be looked for, also
 * where nothing is newer. */
static bool is_unsettled(const struct refresh *refresh)
{
	return newest_since(refresh->newest) < newest_known(refresh->newest);
}

/* Where the first one need not be the newest one, as well. */
static bool has_to_look(const struct refresh *refresh)
{
	return !refresh->looks &&
	       (is_unsettled(refresh) || !newest_is_first(refresh->newest));
}

/*
 * Nothing is missing, as the probe tells it. Where something was looked for,
 * that may be by chance (one went, and another came with an earlier date): so
 * the probe before the look must have fitted as well. Where what changed late
 * may have been overlooked before, a look has to find nothing.
 */
static void as_known(struct refresh *refresh)
{
	bool sure =
	    refresh->looks > 0 ? refresh->fitted : !has_to_look(refresh);
	if (sure)
		field_proven(refresh);
	else
		look_for_changes(refresh);
}

/* From when on changes may be missing, where none from before asked_ms are. */
static int64_t settled(int64_t since_ms, int64_t newest_ms, int64_t asked_ms)
{
	int64_t seen_ms = newest_ms < asked_ms ? newest_ms : asked_ms;
	return seen_ms > since_ms ? seen_ms : since_ms;
}

/* All came, and is as it is listed: what changed late is among it. */
static void settle(struct refresh *refresh)
{
	struct replica_listing *next = &refresh->next;
	int64_t asked_ms = refresh->threshold_ms;
	next->since_ms = settled(next->since_ms, next->newest_ms, asked_ms);
	next->created_since_ms =
	    settled(next->created_since_ms, next->created_ms, asked_ms);
}

static void decide(struct refresh *refresh)
{
	refresh->level = false;
	switch (judge(refresh)) {
	case PROBE_WHOLE:
		settle(refresh);
		finish_looked_at(refresh);
		break;
	case PROBE_PROVEN:
		as_known(refresh);
		break;
	case PROBE_CHANGED:
		look_for_changes(refresh);
		break;
	case PROBE_LEVEL:
		refresh->level = !is_unsettled(refresh);
		look_for_changes(refresh);
		break;
	case PROBE_GONE:
		if (has_to_look(refresh))
			look_for_changes(refresh);
		else
			look_for_gone(refresh);
		break;
	case PROBE_ANEW:
		disproven(refresh);
		break;
	}
}

static void on_newest(
    void *ctx, int err, const struct probe_facts *facts, int64_t date_ms)
{
	struct refresh *refresh = ctx;
	if (is_over(refresh, err))
		return;
	if (!refresh->threshold_ms) {
		int64_t own_ms = timestamp_now_ms();
		refresh->threshold_ms = judge_threshold(date_ms, own_ms);
		refresh->latest_ms = judge_latest(date_ms, own_ms);
	}
	refresh->probe = *facts;
	decide(refresh);
}

/* ---- beginning ---- */

void refresh_looked_at(struct refresh *refresh, int64_t moment)
{
	refresh->looked_at = moment;
}

void refresh_loaded(
    struct refresh *refresh, const struct replica_listing *listing)
{
	int64_t age = timestamp_now_ms() - listing->proven_ms;
	if (age < 0 || age > PAGES_BELIEVED_MS)
		age = PAGES_BELIEVED_MS + 1;
	refresh->looked_at = moment_now(refresh->core) - age * MOMENTS_PER_MS;
}

/* Of a refresh or a pass that was left: entries that no listing holds are
 * forgotten, texts that took over places in this one count. */
static int heed_leftovers(struct refresh *refresh)
{
	struct replica_listing *next = &refresh->next, stored;
	int r = replica_listing(
	    refresh->core->replica, refresh->folder->id, &stored);
	if (r < 0)
		return r;
	next->newest_ms = stored.newest_ms;
	next->created_ms = stored.created_ms;
	if (stored.ceiling < next->end)
		return 0;
	return entries_unlist(
	    refresh->core, refresh->folder, next->end, INT64_MAX);
}

void refresh_run(struct refresh *refresh, const struct replica_listing *known)
{
	refresh->next = *known;
	sorting_recall(refresh->core, known->flags);
	int r = heed_leftovers(refresh);
	if (r < 0) {
		fail(refresh, r);
		return;
	}
	refresh->began = moment_event(refresh->core);
	refresh->threshold_ms = 0;
	if (recheck_suits(refresh->recheck, &refresh->next))
		recheck_whole(refresh->recheck, &refresh->next);
	else
		begin_field(refresh, first_field(&refresh->next));
}
