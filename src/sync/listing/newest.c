#include "sync/listing/newest.h"

#include <errno.h>
#include <stdlib.h>

#include "sync/core/core.h"
#include "sync/core/folder.h"
#include "sync/core/position.h"
#include "sync/listing/compare.h"
#include "sync/listing/entries.h"
#include "sync/listing/sorting.h"

/* A server that is not known to sort is asked for so many of the newest: the
 * order of several tells. */
#define NEWEST_MANY 20

/* So many bytes are worth a request less. */
#define WORTH_A_REQUEST ((int64_t)1 << 20)

struct newest {
	struct core *core;
	const struct folder *folder;
	newest_done_fn done;
	void *ctx;
	struct compare *compare;
	const struct replica_listing *listing;
	enum date_field field;
	unsigned limit; /* so many are asked for */
	bool narrow;	/* only one: more are refused */
};

struct newest *newest_new(struct core *core, const struct folder *folder,
    newest_done_fn done, void *ctx)
{
	struct newest *newest = calloc(1, sizeof(*newest));
	if (!newest)
		return NULL;
	newest->core = core;
	newest->folder = folder;
	newest->done = done;
	newest->ctx = ctx;
	newest->compare = compare_new(core, folder, newest);
	if (newest->compare)
		return newest;
	free(newest);
	return NULL;
}

void newest_free(struct newest *newest)
{
	if (!newest)
		return;
	compare_free(newest->compare);
	free(newest);
}

void newest_stop(struct newest *newest)
{
	compare_stop(newest->compare);
}

/* ---- what is known ---- */

int64_t newest_known(const struct newest *newest)
{
	return newest->field == DATE_UPDATED ? newest->listing->newest_ms
					     : newest->listing->created_ms;
}

int64_t newest_since(const struct newest *newest)
{
	return newest->field == DATE_UPDATED
		   ? newest->listing->since_ms
		   : newest->listing->created_since_ms;
}

/* Where none has a date, all are compared anyway. */
bool newest_is_first(const struct newest *newest)
{
	return newest_known(newest) == NO_DATE ||
	       sorting_is_known(newest->core, newest->field);
}

/* ---- how many ---- */

/* Whether a page of them is small. */
static bool are_small(const struct newest *newest)
{
	const struct replica_listing *listing = newest->listing;
	int64_t end = slot_start(listing->base, 2);
	return entries_are_small(newest->core, newest->folder, listing,
	    end < listing->end ? end : listing->end, WORTH_A_REQUEST);
}

/* All, where they are one page: then no order matters. */
static unsigned choose_limit(const struct newest *newest)
{
	int64_t count = newest->listing->count;
	if (newest_is_first(newest) || newest->narrow || count < 2 ||
	    !are_small(newest))
		return 1;
	return count <= PAGE_LIMIT ? PAGE_LIMIT : NEWEST_MANY;
}

void newest_begin(struct newest *newest, const struct replica_listing *listing,
    enum date_field field)
{
	newest->listing = listing;
	newest->field = field;
	newest->limit = choose_limit(newest);
}

/* ---- what came ---- */

static bool is_alien(
    const struct newest *newest, const struct compared *compared)
{
	unsigned known =
	    facts_form(newest->listing->flags, newest->field == DATE_UPDATED);
	return date_form_add(known, compared->form) == DATE_FORM_MIXED;
}

static struct probe_facts facts_of(
    const struct newest *newest, const struct compared *compared)
{
	struct probe_facts facts = compare_facts(compared);
	facts.strange =
	    compared->came > 1 && compared->strange_ms < newest_since(newest);
	facts.alien = is_alien(newest, compared);
	return facts;
}

/* What an answer tells of the server: where its own order is that of the ids,
 * and was another one. */
static void learn_sorting(const struct newest *newest,
    const struct compared *compared, const struct probe_facts *facts)
{
	if (compared->sorted && !facts->alien &&
	    (newest->listing->flags & LISTING_BY_ID))
		sorting_learn(newest->core, newest->field);
}

static void on_newest(void *ctx, int err, const struct compared *compared)
{
	struct newest *newest = ctx;
	if (err == -EPROTO && newest->limit > 1) {
		/* Perhaps so many are refused. */
		newest->narrow = true;
		newest->limit = 1;
		newest_ask(newest);
		return;
	}
	if (err) {
		newest->done(newest->ctx, err, NULL, -1);
		return;
	}
	struct probe_facts facts = facts_of(newest, compared);
	learn_sorting(newest, compared, &facts);
	newest->done(newest->ctx, 0, &facts, compared->date_ms);
}

void newest_ask(struct newest *newest)
{
	struct api_query query = {
	    .subject = newest->folder->title,
	    .table = newest->folder->table,
	    .page = 1,
	    .limit = newest->limit,
	    .sort_by =
		newest->field == DATE_UPDATED ? "updatedAt" : "createdAt",
	    .descending = true,
	};
	int r = compare_ask(
	    newest->compare, &query, newest->listing, newest->field, on_newest);
	if (r < 0)
		newest->done(newest->ctx, r, NULL, -1);
}
