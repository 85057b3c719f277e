#include "sync/listing/recheck.h"

#include <errno.h>
#include <stdlib.h>

#include "sync/core/core.h"
#include "sync/core/folder.h"
#include "sync/listing/sorting.h"
#include "sync/core/position.h"
#include "sync/listing/compare.h"
#include "sync/listing/entries.h"

/* A request that is saved may cost so many bytes. */
#define WHOLE_BYTES_MAX ((int64_t)256 << 10)

struct recheck {
	struct core *core;
	const struct folder *folder;
	recheck_done_fn done;
	void *ctx;
	struct compare *compare;
	const struct replica_listing *listing;
	bool descending; /* the dateless are looked for at the other end */
	bool clamped;	 /* the server's pages are smaller than we ask for */
};

struct recheck *recheck_new(struct core *core, const struct folder *folder,
    recheck_done_fn done, void *ctx)
{
	struct recheck *recheck = calloc(1, sizeof(*recheck));
	if (!recheck)
		return NULL;
	recheck->core = core;
	recheck->folder = folder;
	recheck->done = done;
	recheck->ctx = ctx;
	recheck->compare = compare_new(core, folder, recheck);
	if (recheck->compare)
		return recheck;
	free(recheck);
	return NULL;
}

void recheck_free(struct recheck *recheck)
{
	if (!recheck)
		return;
	compare_free(recheck->compare);
	free(recheck);
}

void recheck_stop(struct recheck *recheck)
{
	compare_stop(recheck->compare);
}

static void tell(
    struct recheck *recheck, enum recheck_kind kind, bool same, int err)
{
	recheck->done(recheck->ctx, kind, same, err);
}

static void ask(struct recheck *recheck, enum recheck_kind kind,
    struct api_query *query, compare_done_fn done)
{
	query->subject = recheck->folder->title;
	query->table = recheck->folder->table;
	int r = compare_ask(
	    recheck->compare, query, recheck->listing, DATE_CREATED, done);
	if (r < 0)
		tell(recheck, kind, false, r);
}

/* ---- one page ---- */

static void on_page(void *ctx, int err, const struct compared *compared)
{
	struct recheck *recheck = ctx;
	bool same = compared->total == recheck->listing->count &&
		    compared->came > 0 && compared->known == compared->came;
	tell(recheck, RECHECK_PAGE, same, err);
}

void recheck_page(
    struct recheck *recheck, const struct replica_listing *listing)
{
	int64_t pages = (listing->count + PAGE_LIMIT - 1) / PAGE_LIMIT;
	struct api_query query = {
	    .page = 1 + moment_event(recheck->core) % pages,
	    .limit = PAGE_LIMIT,
	};
	recheck->listing = listing;
	ask(recheck, RECHECK_PAGE, &query, on_page);
}

/* ---- those without a date ---- */

static void ask_dateless(struct recheck *recheck);

/* Whether all that have no date are among those that came. From who sorts, they
 * come in a row: behind the last one is one that has a date. Who does not sort
 * gives some of them, perhaps, and others stand elsewhere. */
static bool are_all_dateless(
    const struct recheck *recheck, const struct compared *compared)
{
	if (!sorting_is_known(recheck->core, DATE_CREATED))
		return compared->dateless == recheck->listing->dateless;
	return compared->dateless > 0 && (compared->dateless < compared->came ||
					     compared->came == compared->total);
}

static void on_dateless(void *ctx, int err, const struct compared *compared)
{
	struct recheck *recheck = ctx;
	if (!err && compared->dateless == 0 && !recheck->descending) {
		recheck->descending = true;
		ask_dateless(recheck);
		return;
	}
	bool same = are_all_dateless(recheck, compared) &&
		    compared->known == compared->came;
	tell(recheck, RECHECK_DATELESS, same, err);
}

/* What has no date can only be compared: it stands at one end of the order by
 * date, which one is the server's affair. */
static void ask_dateless(struct recheck *recheck)
{
	struct api_query query = {
	    .page = 1,
	    .limit = (unsigned)recheck->listing->dateless + 1,
	    .sort_by = "createdAt",
	    .descending = recheck->descending,
	};
	ask(recheck, RECHECK_DATELESS, &query, on_dateless);
}

void recheck_dateless(
    struct recheck *recheck, const struct replica_listing *listing)
{
	recheck->listing = listing;
	recheck->descending = false;
	if (listing->dateless >= PAGE_LIMIT)
		tell(recheck, RECHECK_DATELESS, false, 0);
	else
		ask_dateless(recheck);
}

/* ---- all ---- */

static void on_whole(void *ctx, int err, const struct compared *compared)
{
	struct recheck *recheck = ctx;
	struct probe_facts facts = compare_facts(compared);
	if (!err && compared->total > compared->came)
		recheck->clamped = true;
	tell(recheck, RECHECK_WHOLE, judge_is_whole(recheck->listing, &facts),
	    err);
}

void recheck_whole(
    struct recheck *recheck, const struct replica_listing *listing)
{
	struct api_query query = {.page = 1, .limit = PAGE_LIMIT};
	recheck->listing = listing;
	ask(recheck, RECHECK_WHOLE, &query, on_whole);
}

/* Records without an updatedAt beside others that have one are asked about
 * twice, records without any date once more; where all dates are one, the
 * newest is asked for to find nothing newer. */
static bool is_vouched_for(const struct replica_listing *listing)
{
	bool both =
	    (listing->flags & LISTING_UNDATED) && listing->newest_ms != NO_DATE;
	return !both && listing->dateless == 0 &&
	       !(listing->flags & LISTING_LEVEL);
}

bool recheck_suits(
    const struct recheck *recheck, const struct replica_listing *listing)
{
	if (recheck->clamped || listing->count == 0 ||
	    listing->count > PAGE_LIMIT || is_vouched_for(listing))
		return false;
	return entries_are_small(recheck->core, recheck->folder, listing,
	    listing->end, WHOLE_BYTES_MAX);
}
