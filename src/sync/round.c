/* Rounds: what the answers tell, and whether they can be all. See pass.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/record.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "sync/pass.h"

/* ---- ranges of ids ---- */

void id_range_free(struct id_range *range)
{
	if (!range)
		return;
	buf_done(&range->low);
	buf_done(&range->high);
	free(range);
}

struct id_range *range_new(const struct buf *low, const struct buf *high)
{
	struct id_range *range = calloc(1, sizeof(*range));
	if (!range)
		return NULL;
	buf_init(&range->low, RECORD_ID_MAX);
	buf_init(&range->high, RECORD_ID_MAX);
	if (buf_add(&range->low, buf_str(low), low->len) < 0 ||
	    buf_add(&range->high, buf_str(high), high->len) < 0) {
		id_range_free(range);
		return NULL;
	}
	return range;
}

static int add_range(
    struct pass *pass, const struct buf *low, const struct buf *high)
{
	struct id_range *range = range_new(low, high);
	if (!range)
		return -ENOMEM;
	TAILQ_INSERT_TAIL(&pass->ranges, range, link);
	return 0;
}

static int by_content(const void *a, const void *b)
{
	return buf_compare(a, b);
}

static int take_first(
    void *ctx, const struct node *node, const char *name, int64_t pos)
{
	(void)name;
	(void)pos;
	*(int64_t *)ctx = node->id;
	return 1;
}

/* The ids with which the pages of the rounds so far began: about a page of
 * records lies between two of them. *ret_count of them, in order. */
static int boundaries(
    struct lister *lister, struct buf **ret_ids, size_t *ret_count)
{
	struct pass *pass = &lister->pass;
	struct replica *replica = lister->sync->replica;
	size_t count = 0;
	struct buf *ids = calloc((size_t)pass->done_slot + 1, sizeof(*ids));
	if (!ids)
		return -ENOMEM;
	int r = 0;
	for (int64_t slot = 1; r >= 0 && slot <= pass->done_slot; slot++) {
		int64_t node = 0;
		r = replica_entries(replica, lister->dir, slot_pos(pass, slot),
		    slot_pos(pass, slot + 1), take_first, &node);
		if (r < 0 || !node)
			continue;
		buf_init(&ids[count], RECORD_ID_MAX);
		r = replica_key(replica, node, &ids[count++]);
	}
	qsort(ids, count, sizeof(*ids), by_content);
	*ret_ids = ids;
	*ret_count = count;
	return r < 0 ? r : 0;
}

static int plan_ranges(struct lister *lister)
{
	struct pass *pass = &lister->pass;
	struct buf *ids = NULL, none;
	size_t count = 0;
	buf_init(&none, 0);
	int r = boundaries(lister, &ids, &count);
	const struct buf *low = &none;
	for (size_t i = 0; r == 0 && i < count; i++) {
		if (low->len && buf_compare(low, &ids[i]) == 0)
			continue;
		r = add_range(pass, low, &ids[i]);
		low = &ids[i];
	}
	if (r == 0)
		r = add_range(pass, low, &none);
	for (size_t i = 0; i < count; i++)
		buf_done(&ids[i]);
	free(ids);
	return r;
}

/* ---- beginning and ending ---- */

void round_done(struct pass *pass)
{
	struct id_range *range;
	while ((range = TAILQ_FIRST(&pass->ranges))) {
		TAILQ_REMOVE(&pass->ranges, range, link);
		id_range_free(range);
	}
}

void round_begin(struct pass *pass, enum round_kind kind)
{
	unsigned number = pass->round.first_slot || pass->round.next_page
			      ? pass->round.number + 1
			      : 0;
	pass->previous = pass->round;
	pass->round = (struct round){
	    .kind = kind,
	    .number = number,
	    .first_slot = pass->done_slot,
	    .total = -1,
	    .quiet = true,
	    .newest_created_ms = -1,
	    .next_page = 1,
	    .last_page = 1,
	    .down_page = pass->previous.last_page + 1,
	};
}

static void another_round(struct lister *lister)
{
	struct pass *pass = &lister->pass;
	enum round_kind kind = !pass->no_filters  ? ROUND_RANGES
			       : !pass->unordered ? ROUND_REVERSE
						  : ROUND_PAGES;
	log_info(
	    "%s: changed while it was listed, looking again", lister->title);
	round_begin(pass, kind);
	pass->want_all = true;
	int r = kind == ROUND_RANGES ? plan_ranges(lister) : 0;
	if (r < 0)
		pass_failed(lister, r);
	else
		pass_pump(lister);
}

void round_without_filters(struct lister *lister)
{
	pass_stop(lister);
	round_done(&lister->pass);
	another_round(lister);
}

/* ---- judging ---- */

/* Whether the last two rounds told exactly the same. */
static bool rounds_agree(const struct pass *pass)
{
	const struct round *now = &pass->round, *before = &pass->previous;
	return now->number > 0 && now->kind == before->kind && now->quiet &&
	       before->quiet && now->total == before->total &&
	       now->count == before->count;
}

/* Clocks of an API and of its database may differ by so much; and ours from
 * theirs, where the answers carry no date. In milliseconds. */
#define CLOCKS_DIFFER_MS 2000
#define OWN_CLOCK_DIFFERS_MS (5 * 60 * 1000)

int64_t round_moment(int64_t date_ms, int64_t own_ms)
{
	return date_ms > 0 ? date_ms - CLOCKS_DIFFER_MS
			   : own_ms - OWN_CLOCK_DIFFERS_MS;
}

int64_t pass_began_ms(const struct pass *pass)
{
	return round_moment(pass->began_ms, pass->started_wall_ms);
}

/* Whether a record came that is newer than the pass: one may have gone as well,
 * so that the total was the same. One answer is one moment. */
static bool was_added_to(const struct pass *pass)
{
	return pass->done_slot - pass->round.first_slot > 1 &&
	       pass->round.newest_created_ms >= pass_began_ms(pass);
}

static bool is_sure(const struct pass *pass)
{
	const struct round *round = &pass->round;
	switch (round->kind) {
	case ROUND_RANGES:
		/* A filter that finds next to nothing is no filter. */
		return round->count * 10 >= pass->previous.count * 9;
	case ROUND_REVERSE:
		return !pass->unordered;
	default:
		return round->quiet && !was_added_to(pass) &&
		       (round->total < 0 || (round->count == round->total &&
						pass->unique >= round->total));
	}
}

static void disbelieve(struct lister *lister)
{
	const struct pass *pass = &lister->pass;
	char message[200];
	snprintf(message, sizeof(message),
	    "the listing counts %" PRId64 " records, but only %" PRId64
	    " come; it is not taken for whole",
	    pass->round.total, pass->unique);
	pass_explain(lister, -EPROTO, message);
	pass_failed(lister, -EPROTO);
}

/* What the records that came say against the total that was told: a round of
 * ranges or in reverse proves that none hides, but a server that counts more
 * than it gives is not to be believed at all. */
static bool is_short_of_total(const struct pass *pass)
{
	return pass->round.kind == ROUND_REVERSE && pass->round.total >= 0 &&
	       pass->round.quiet && pass->unique < pass->round.total;
}

void round_judge(struct lister *lister)
{
	struct pass *pass = &lister->pass;
	pass->count = pass->unique;
	if (is_short_of_total(pass)) {
		disbelieve(lister);
	} else if (is_sure(pass)) {
		lister_finished(lister);
	} else if (rounds_agree(pass) && pass->unique >= pass->round.total) {
		/* The total is too low, but nothing hides behind it. */
		pass->count = pass->round.total;
		lister_finished(lister);
	} else if (rounds_agree(pass)) {
		disbelieve(lister);
	} else if (pass->round.number + 1 >= ROUNDS_MAX) {
		pass_explain(lister, -EIO,
		    "the listing changes faster than it can be read");
		pass_failed(lister, -EIO);
	} else {
		if (pass->round.kind == ROUND_RANGES)
			pass->no_filters = true;
		else if (pass->round.kind == ROUND_REVERSE)
			pass->unordered = true;
		another_round(lister);
	}
}

/* ---- learning ---- */

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

static void learn_total(struct pass *pass, const struct api_page *info)
{
	struct round *round = &pass->round;
	if (round->total < 0)
		round->total = info->total;
	else if (info->total >= 0 && info->total != round->total)
		round->quiet = false;
	if (info->date_ms > 0 && pass->began_ms < 0)
		pass->began_ms = info->date_ms;
}

/* A listing that goes on and on with what was there already is no listing. */
static bool repeats_itself(
    const struct pass *pass, const struct page_fetch *fetch, int64_t told)
{
	return fetch->page > told && fetch->count > 0 && fetch->unique == 0 &&
	       fetch->page > pass->previous.last_page + 1;
}

static int absorb_page(struct lister *lister, struct page_fetch *fetch)
{
	struct pass *pass = &lister->pass;
	struct round *round = &pass->round;
	const struct api_page *info = &fetch->info;
	int64_t told = pages_told(pass, info);
	learn_total(pass, info);
	if (told > round->last_page)
		round->last_page = told;
	if (repeats_itself(pass, fetch, told)) {
		pass_explain(lister, -EPROTO,
		    "the listing's pages repeat without an end");
		return -EPROTO;
	}
	if (fetch->count == 0) {
		round->over = true;
	} else if (fetch->page >= round->last_page) {
		bool short_of = round->total < 0 || round->count < round->total;
		if (info->has_next == 1 || (info->has_next < 0 && short_of))
			round->last_page = fetch->page + 1;
		else
			round->over = true;
	}
	return 0;
}

/* Whether there is more in the range than came: 1, 0, or -EPROTO when the
 * answer contradicts itself. */
static int range_has_more(struct lister *lister, const struct page_fetch *fetch)
{
	const struct api_page *info = &fetch->info;
	if (info->has_next == 1)
		return 1;
	if (info->total > fetch->count && info->has_next < 0)
		return 1;
	if (info->total > fetch->count) {
		disbelieve(lister);
		return -EPROTO;
	}
	return info->has_next < 0 && info->total < 0 &&
	       fetch->count >= (int64_t)lister->pass.limit;
}

static int absorb_range(struct lister *lister, struct page_fetch *fetch)
{
	struct pass *pass = &lister->pass;
	struct round *round = &pass->round;
	if (pass->no_filters)
		return -EOPNOTSUPP;
	int r = range_has_more(lister, fetch);
	if (r < 0)
		return r;
	if (r == 1) {
		const struct buf *at = &fetch->split_id;
		if (!at->len || buf_compare(at, &fetch->range->high) == 0)
			at = &fetch->last_id;
		if (!at->len || buf_compare(at, &fetch->range->high) == 0)
			return -EOPNOTSUPP;
		r = add_range(pass, &fetch->range->low, at);
		if (r == 0)
			r = add_range(pass, at, &fetch->range->high);
		if (r < 0)
			return r;
	}
	/* This one is taken out of the list only afterwards. */
	round->over = TAILQ_EMPTY(&pass->ranges) &&
		      TAILQ_FIRST(&pass->fetches) == fetch &&
		      TAILQ_NEXT(fetch, link) == NULL;
	return 0;
}

static int absorb_reverse(struct lister *lister, struct page_fetch *fetch)
{
	struct pass *pass = &lister->pass;
	struct round *round = &pass->round;
	learn_total(pass, &fetch->info);
	if (!round->descending && fetch->count > 0) {
		round->down_page = fetch->page + 1; /* it has grown */
		return 0;
	}
	round->descending = true;
	round->down_page = fetch->page - 1;
	round->over = round->down_page < 1;
	return 0;
}

int round_absorb(struct lister *lister, struct page_fetch *fetch)
{
	lister->pass.round.count += fetch->count;
	switch (lister->pass.round.kind) {
	case ROUND_RANGES:
		return absorb_range(lister, fetch);
	case ROUND_REVERSE:
		return absorb_reverse(lister, fetch);
	default:
		return absorb_page(lister, fetch);
	}
}
