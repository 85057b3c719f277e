/* Rounds: what the answers tell, and whether they can be all. See pass.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/record.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "sync/listing/chain.h"
#include "sync/listing/judge.h"
#include "sync/listing/order.h"
#include "sync/listing/pass.h"

/* ---- ranges of ids ---- */

void id_range_free(struct id_range *range)
{
	if (!range)
		return;
	buf_done(&range->low);
	buf_done(&range->high);
	free(range);
}

struct id_range *id_range_new(const struct buf *low, const struct buf *high)
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
	struct id_range *range = id_range_new(low, high);
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
	struct replica *replica = lister->core->replica;
	size_t count = 0;
	struct buf *ids = calloc((size_t)pass->done_slot + 1, sizeof(*ids));
	if (!ids)
		return -ENOMEM;
	int r = 0;
	for (int64_t slot = 1; r >= 0 && slot <= pass->done_slot; slot++) {
		int64_t node = 0;
		r = replica_entries(replica, lister->folder.id,
		    slot_pos(pass, slot), slot_pos(pass, slot + 1), take_first,
		    &node);
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
	bool first = !pass->round.first_slot && !pass->round.next_page;
	unsigned number = first ? 0 : pass->round.number + 1;
	pass->previous = pass->round;
	pass->round = (struct round){
	    .kind = kind,
	    .number = number,
	    .first_slot = pass->done_slot,
	    .total = -1,
	    .quiet = true,
	    .facts = FACTS_INIT,
	    .next_page = 1,
	    .last_page = 1,
	};
	ids_clear(&pass->round_ids);
	chain_begin(pass);
}

static void another_round(struct lister *lister)
{
	struct pass *pass = &lister->pass;
	enum round_kind kind = judge_next_kind(pass);
	log_info("%s: cannot be sure to have seen all of it, looking again",
	    lister->folder.title);
	round_begin(pass, kind);
	pass->want_all = true;
	int r = kind == ROUND_RANGES ? plan_ranges(lister) : 0;
	if (r < 0)
		pass_failed(lister, r);
	else
		pass_pump(lister);
}

/* Its kind is not tried again. */
static void cross_out(struct pass *pass)
{
	if (pass->round.kind == ROUND_RANGES)
		pass->no_filters = true;
	else if (pass->round.kind == ROUND_CHAIN)
		pass->no_chain = true;
}

void round_give_up(struct lister *lister)
{
	struct pass *pass = &lister->pass;
	cross_out(pass);
	pass_stop(lister);
	round_done(pass);
	another_round(lister);
}

/* What is wrong with a server that is not believed. */
static void disbelieve(struct lister *lister)
{
	const struct pass *pass = &lister->pass;
	const struct round *round = &pass->round;
	char message[200];
	if (round->facts.twice || round->doubled)
		snprintf(message, sizeof(message),
		    "the listing holds two records of one id");
	else if (round->torn)
		snprintf(message, sizeof(message),
		    "the listing's pages repeat without an end, or say that "
		    "there is more while there is not");
	else
		snprintf(message, sizeof(message),
		    "the listing counts %" PRId64 " records, but only %" PRId64
		    " come",
		    round->total, pass->unique);
	strncat(message, "; it is not taken for whole",
	    sizeof(message) - strlen(message) - 1);
	folder_explain(&lister->folder, lister->core, -EPROTO, message);
}

void round_judge(struct lister *lister)
{
	struct pass *pass = &lister->pass;
	pass->count = pass->unique;
	pass->round.doubled = ids_are_twice(&pass->round_ids);
	switch (judge_round(pass)) {
	case ROUND_PROVEN:
		facts_add(&pass->facts, &pass->round.facts);
		pass_finished(lister);
		break;
	case ROUND_AGAIN:
		facts_add(&pass->facts, &pass->round.facts);
		/* A second look of the same kind may be what agrees. */
		if (pass->round.kind == ROUND_RANGES || pass->round.torn)
			cross_out(pass);
		another_round(lister);
		break;
	case ROUND_BAD:
		disbelieve(lister);
		pass_forget(lister);
		lister_failed(lister, -EPROTO);
		break;
	case ROUND_RESTLESS:
		folder_explain(&lister->folder, lister->core, -EIO,
		    "the listing changes faster than it can be read");
		pass_forget(lister);
		lister_failed(lister, -EIO);
		break;
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

static void learn_total(struct round *round, const struct api_page *info)
{
	if (round->answers == 1)
		round->total = info->total;
	else if (info->total != round->total)
		round->quiet = false;
}

/* A listing that goes on and on with what was there already is no listing. */
static bool repeats_itself(
    const struct pass *pass, const struct page_fetch *fetch)
{
	return fetch->count > 0 && fetch->unique == 0 &&
	       pass->round.facts.count > 2 * pass->unique;
}

static void absorb_page(struct pass *pass, const struct page_fetch *fetch)
{
	struct round *round = &pass->round;
	const struct api_page *info = &fetch->info;
	int64_t told = pages_told(pass, info);
	learn_total(round, info);
	if (told > round->last_page)
		round->last_page = told;
	if (repeats_itself(pass, fetch)) {
		round->torn = round->over = true;
	} else if (fetch->count == 0) {
		round->torn |= info->has_next == 1;
		round->over = true;
	} else if (fetch->page >= round->last_page) {
		bool short_of =
		    round->total < 0 || round->facts.count < round->total;
		if (info->has_next == 1 || (info->has_next < 0 && short_of))
			round->last_page = fetch->page + 1;
		else
			round->over = true;
		/* It is the only one, and does not hold what it counts. */
		if (round->over && round->answers == 1 && short_of &&
		    info->total > fetch->count)
			round->torn = true;
	}
}

/* Whether there is more in the range than came: 1, 0, or -EOPNOTSUPP when the
 * answer contradicts itself. */
static int range_has_more(
    const struct pass *pass, const struct page_fetch *fetch)
{
	const struct api_page *info = &fetch->info;
	bool counts_more = info->total > fetch->count || info->total_pages > 1;
	if (info->has_next == 1)
		return 1;
	if (info->has_next == 0)
		return counts_more ? -EOPNOTSUPP : 0;
	if (info->total >= 0 || info->total_pages >= 0)
		return counts_more;
	/* Nothing is told: less than the server gave elsewhere is all. */
	return fetch->count >= pass->most;
}

/* Ask for the range in two halves. */
static int split_range(struct pass *pass, struct page_fetch *fetch)
{
	const struct id_range *range = fetch->range;
	const struct buf *at = &fetch->split_id;
	if (!at->len || buf_compare(at, &range->high) == 0)
		at = &fetch->last_id;
	if (!at->len || buf_compare(at, &range->high) == 0)
		return -EOPNOTSUPP;
	int r = add_range(pass, &range->low, at);
	return r < 0 ? r : add_range(pass, at, &range->high);
}

static int absorb_range(struct pass *pass, struct page_fetch *fetch)
{
	struct round *round = &pass->round;
	int r = fetch->out_of_range ? -EOPNOTSUPP : range_has_more(pass, fetch);
	if (r == 1)
		r = split_range(pass, fetch);
	else if (r == 0)
		round->in_ranges += fetch->count;
	/* This one is taken out of the list only afterwards. */
	round->over = TAILQ_EMPTY(&pass->ranges) &&
		      TAILQ_FIRST(&pass->fetches) == fetch &&
		      TAILQ_NEXT(fetch, link) == NULL;
	return r;
}

/* The order of ids, and whether the slots follow it: only then is the listing
 * the server's own with gaps, once something is gone. */
static int learn_order(struct pass *pass, const struct page_fetch *fetch)
{
	if (fetch->count == 0)
		return 0;
	pass->orders &= fetch->orders;
	if (pass->last_id.len)
		pass->slots_order =
		    order_after(pass->slots_order & pass->orders,
			&pass->last_id, &fetch->first_id);
	else
		pass->slots_order &= pass->orders;
	buf_clear(&pass->last_id);
	return buf_add(
	    &pass->last_id, buf_str(&fetch->last_id), fetch->last_id.len);
}

static void learn(struct pass *pass, const struct page_fetch *fetch)
{
	const struct api_page *info = &fetch->info;
	facts_add(&pass->round.facts, &fetch->facts);
	pass->round.answers++;
	if (fetch->count > pass->most)
		pass->most = fetch->count;
	if (info->limit > 0 && info->limit <= PAGE_LIMIT &&
	    pass->round.kind != ROUND_CHAIN)
		pass->told_limit = (unsigned)info->limit;
	if (!pass->dated)
		pass->threshold_ms =
		    lister_threshold(info->date_ms, pass->wall_ms);
	pass->dated |= info->date_ms > 0;
}

int round_absorb(struct lister *lister, struct page_fetch *fetch)
{
	struct pass *pass = &lister->pass;
	learn(pass, fetch);
	int r = learn_order(pass, fetch);
	if (r == 0 && pass->round.kind == ROUND_PAGES && pass->round.number)
		r = ids_append(&pass->round_ids, &fetch->ids);
	if (r < 0)
		return r;
	switch (pass->round.kind) {
	case ROUND_RANGES:
		return absorb_range(pass, fetch);
	case ROUND_CHAIN:
		learn_total(&pass->round, &fetch->info);
		return chain_absorb(pass, fetch) ? 0 : -EOPNOTSUPP;
	default:
		absorb_page(pass, fetch);
		return 0;
	}
}
