#include "sync/listing/round.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/record.h"
#include "sync/core/position.h"
#include "sync/listing/chain.h"
#include "sync/listing/ids.h"
#include "sync/listing/order.h"
#include "sync/listing/pages.h"
#include "sync/listing/range_answer.h"

struct round {
	struct evidence evidence;
	int64_t wall_ms; /* our own clock when the pass began */
	bool dated;	 /* an answer told the server's clock */
	unsigned limit;	 /* asked for; 0: the server's own */
	struct part_sizes sizes;
	unsigned slots_order; /* orders, also from one slot to the next */
	struct buf last_id;   /* of the answer absorbed last */
	/* Of the last round. */
	int64_t first_slot; /* page p lies in slot first_slot + p */
	int64_t next_page;  /* to be asked for; RANGES, CHAIN: counts */
	bool over;
	struct pages pages;
	struct ids ids; /* PAGES, again: those that came */
	struct chain chain;
	struct ranges ranges; /* still to be asked for */
};

struct round *round_new(void)
{
	struct round *round = calloc(1, sizeof(*round));
	if (!round)
		return NULL;
	buf_init(&round->last_id, RECORD_ID_MAX);
	chain_init(&round->chain);
	TAILQ_INIT(&round->ranges);
	return round;
}

void round_free(struct round *round)
{
	if (!round)
		return;
	ranges_clear(&round->ranges);
	buf_done(&round->last_id);
	chain_done(&round->chain);
	ids_done(&round->ids);
	free(round);
}

/* ---- beginning and ending ---- */

static void begin(struct round *round, enum round_kind kind, unsigned number,
    int64_t done_slot)
{
	round->evidence.previous = round->evidence.round;
	round->evidence.round = (struct look){
	    .kind = kind,
	    .number = number,
	    .total = -1,
	    .most_total = -1,
	    .quiet = true,
	    .facts = FACTS_INIT,
	};
	round->first_slot = done_slot;
	round->next_page = 1;
	round->over = false;
	pages_begin(&round->pages);
	ids_clear(&round->ids);
	chain_begin(&round->chain);
}

void round_begin_first(struct round *round, int64_t wall_ms, int64_t known)
{
	round->evidence = (struct evidence){
	    .facts = FACTS_INIT,
	    .known = known,
	    .threshold_ms = judge_threshold(-1, wall_ms),
	    .orders = ORDER_ANY,
	};
	round->wall_ms = wall_ms;
	round->dated = false;
	round->limit = PAGE_LIMIT;
	round->sizes = (struct part_sizes){0};
	round->slots_order = ORDER_ANY;
	buf_clear(&round->last_id);
	ranges_clear(&round->ranges);
	begin(round, ROUND_PAGES, 0, 0);
}

enum round_kind round_begin_next(struct round *round, int64_t done_slot)
{
	enum round_kind kind = judge_next_kind(&round->evidence);
	begin(round, kind, round->evidence.round.number + 1, done_slot);
	return kind;
}

struct ranges *round_ranges(struct round *round)
{
	return &round->ranges;
}

const struct part_sizes *round_sizes(const struct round *round)
{
	return &round->sizes;
}

void round_forget(struct round *round)
{
	ranges_clear(&round->ranges);
	buf_clear(&round->last_id);
	buf_clear(&round->chain.last);
}

/* ---- asking ---- */

bool round_is_over(const struct round *round)
{
	return round->over;
}

int64_t round_page(
    const struct round *round, int64_t done_slot, int64_t *ret_last)
{
	int64_t page = done_slot - round->first_slot + 1;
	if (round->evidence.round.kind != ROUND_PAGES)
		return 0;
	*ret_last = round->evidence.round.total >= 0 ? round->pages.last : 0;
	return *ret_last && page > *ret_last ? *ret_last : page;
}

int64_t round_next_slot(const struct round *round)
{
	return round->first_slot + round->next_page;
}

/* Which page, how large, or which range. */
static enum round_question choose(
    struct round *round, bool any_under_way, struct part_question *question)
{
	question->page = 1;
	question->limit = round->limit;
	question->range = NULL;
	switch (round->evidence.round.kind) {
	case ROUND_CHAIN:
		/* One at a time, since each tells where the next one is. */
		if (any_under_way)
			return ROUND_WAIT;
		return chain_next(&round->chain, &round->sizes, &question->page,
			   &question->limit)
			   ? ROUND_ASK
			   : ROUND_NO_WINDOW;
	case ROUND_RANGES:
		question->range = ranges_take(&round->ranges);
		if (question->range && question->range->numbers)
			question->limit = 1; /* one is enough */
		return question->range ? ROUND_ASK : ROUND_WAIT;
	default:
		question->page = round->next_page;
		return round->next_page <= round->pages.last ? ROUND_ASK
							     : ROUND_WAIT;
	}
}

enum round_question round_next(
    struct round *round, bool any_under_way, struct part_question *ret_question)
{
	enum round_question what = choose(round, any_under_way, ret_question);
	if (what == ROUND_ASK)
		ret_question->slot = round->first_slot + round->next_page++;
	return what;
}

void round_rewind(struct round *round, int64_t done_slot)
{
	round->next_page = done_slot - round->first_slot + 1;
	if (round->next_page < 1)
		round->next_page = 1;
}

/* Its kind is not tried again. */
static void cross_out(struct evidence *evidence)
{
	if (evidence->round.kind == ROUND_RANGES)
		evidence->no_filters = true;
	else if (evidence->round.kind == ROUND_CHAIN)
		evidence->no_chain = true;
}

void round_give_up(struct round *round)
{
	cross_out(&round->evidence);
	ranges_clear(&round->ranges);
}

bool round_refused(struct round *round, int64_t done_slot, bool *ret_give_up)
{
	*ret_give_up = round->evidence.round.kind != ROUND_PAGES;
	if (*ret_give_up)
		return true;
	if (round->limit == 0 || done_slot > 0)
		return false;
	/* So large a page: begin again with its own size. */
	round->limit = 0;
	round->next_page = 1;
	return true;
}

/* ---- the end ---- */

enum round_verdict round_judge(struct round *round)
{
	struct evidence *evidence = &round->evidence;
	struct look *look = &evidence->round;
	look->doubled = ids_are_twice(&round->ids);
	enum round_verdict verdict = judge_round(evidence);
	if (verdict == ROUND_PROVEN || verdict == ROUND_AGAIN)
		facts_add(&evidence->facts, &look->facts);
	/* A second look of the same kind may be what agrees. */
	if (verdict == ROUND_AGAIN &&
	    (look->kind == ROUND_RANGES || look->torn))
		cross_out(evidence);
	return verdict;
}

void round_problem(const struct round *round, char *out, size_t size)
{
	static const char end[] = "; it is not taken for whole";
	const struct look *look = &round->evidence.round;
	if (look->facts.twice || look->doubled)
		snprintf(out, size, "the listing holds two records of one id%s",
		    end);
	else if (judge_says_nothing(&round->evidence))
		snprintf(out, size,
		    "the listing holds no record, and does not say that there "
		    "is none%s",
		    end);
	else if (look->torn)
		snprintf(out, size,
		    "the listing's pages repeat without an end, or say that "
		    "there is more while there is not%s",
		    end);
	else
		snprintf(out, size,
		    "the listing counts %" PRId64 " records, but only %" PRId64
		    " come%s",
		    look->total, round->evidence.unique, end);
}

/* Records that the last round saw. */
static int64_t seen_last(const struct round *round)
{
	const struct look *look = &round->evidence.round;
	switch (look->kind) {
	case ROUND_CHAIN:
		return round->chain.index;
	case ROUND_RANGES:
		return look->in_ranges;
	default:
		return look->facts.count;
	}
}

/* So many are not in an order by chance. */
#define ORDER_RECORDS_LEAST 8

static unsigned flags_of(const struct round *round)
{
	const struct evidence *evidence = &round->evidence;
	unsigned flags = facts_flags(&evidence->facts);
	if (evidence->round.number == 0 && (round->slots_order & ORDER_BYTES))
		flags |= LISTING_ORDERED;
	if (evidence->round.number == 0 && round->slots_order &&
	    evidence->facts.count >= ORDER_RECORDS_LEAST)
		flags |= LISTING_BY_ID;
	/* What an earlier round saw, and the last one did not. */
	if (evidence->unique > seen_last(round))
		flags |= LISTING_LOOSE;
	return flags;
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

void round_describe(const struct round *round, struct replica_listing *listing)
{
	const struct evidence *evidence = &round->evidence;
	const struct facts *facts = &evidence->facts;
	int64_t threshold_ms = evidence->threshold_ms;
	listing->flags = flags_of(round);
	listing->count = evidence->unique;
	listing->newest_ms = facts->newest_ms;
	listing->since_ms = earlier(facts->newest_ms, threshold_ms);
	listing->dateless = facts->dateless;
	listing->created_ms = facts->created_ms;
	listing->created_since_ms = earlier(facts->created_ms, threshold_ms);
}

/* ---- learning ---- */

static void learn_total(struct look *look, const struct api_page *info)
{
	if (look->answers == 1)
		look->total = info->total;
	else if (info->total != look->total)
		look->quiet = false;
	if (info->total > look->most_total)
		look->most_total = info->total;
}

int64_t round_total(const struct round *round)
{
	const struct look *look = &round->evidence.round;
	return look->kind == ROUND_PAGES ? look->total : -1;
}

static void absorb_page(
    struct round *round, const struct part_answer *answer, int64_t found)
{
	struct look *look = &round->evidence.round;
	learn_total(look, &answer->info);
	switch (
	    pages_absorb(&round->pages, look, answer, round->limit, found)) {
	case PAGES_TORN:
		look->torn = true;
		round->over = true;
		break;
	case PAGES_OVER:
		round->over = true;
		break;
	case PAGES_GO_ON:
		break;
	}
}

static enum round_step heed_range(
    struct round *round, const struct part_answer *answer)
{
	const struct buf *at = NULL;
	switch (range_answer_judge(answer, &round->sizes, &at)) {
	case RANGE_ANSWER_WHOLE:
		round->evidence.round.in_ranges += answer->count;
		return ROUND_GOES_ON;
	case RANGE_ANSWER_SPLIT:
		return ranges_split(&round->ranges, answer->range, at) < 0
			   ? ROUND_NO_MEMORY
			   : ROUND_GOES_ON;
	case RANGE_ANSWER_NONE:
	default:
		return ROUND_GIVES_UP;
	}
}

static enum round_step absorb_range(
    struct round *round, const struct part_answer *answer, bool alone)
{
	enum round_step step = heed_range(round, answer);
	round->over = TAILQ_EMPTY(&round->ranges) && alone;
	return step;
}

static enum round_step absorb_window(
    struct round *round, const struct part_answer *answer)
{
	struct look *look = &round->evidence.round;
	learn_total(look, &answer->info);
	switch (chain_absorb(&round->chain, answer, round->evidence.orders)) {
	case CHAIN_TORN:
		look->torn = true;
		round->over = true;
		break;
	case CHAIN_OVER:
		round->over = true;
		break;
	case CHAIN_NONE:
		return ROUND_GIVES_UP;
	case CHAIN_GOES_ON:
		break;
	}
	return ROUND_GOES_ON;
}

/* The order of ids, and whether the slots follow it: only then is the listing
 * the server's own with gaps, once something is gone. */
static int learn_order(struct round *round, const struct part_answer *answer)
{
	unsigned *orders = &round->evidence.orders;
	if (answer->count == 0)
		return 0;
	*orders &= answer->orders;
	if (round->last_id.len)
		round->slots_order = order_after(round->slots_order & *orders,
		    &round->last_id, &answer->first_id);
	else
		round->slots_order &= *orders;
	buf_clear(&round->last_id);
	return buf_add(
	    &round->last_id, buf_str(&answer->last_id), answer->last_id.len);
}

static void learn(struct round *round, const struct part_answer *answer)
{
	struct look *look = &round->evidence.round;
	struct part_sizes *sizes = &round->sizes;
	const struct api_page *info = &answer->info;
	bool tells =
	    info->total >= 0 || info->total_pages >= 0 || info->has_next >= 0;
	facts_add(&look->facts, &answer->facts);
	look->answers++;
	look->mute |= answer->count == 0 && !tells;
	sizes->tells |= tells;
	if (answer->count > sizes->most)
		sizes->most = answer->count;
	if (info->limit > 0 && info->limit <= PAGE_LIMIT &&
	    look->kind != ROUND_CHAIN &&
	    !(answer->range && answer->range->numbers))
		sizes->told = (unsigned)info->limit;
	if (!round->dated)
		round->evidence.threshold_ms =
		    judge_threshold(info->date_ms, round->wall_ms);
	round->dated |= info->date_ms > 0;
}

static enum round_step absorb(struct round *round,
    const struct part_answer *answer, int64_t found, bool alone)
{
	const struct look *look = &round->evidence.round;
	learn(round, answer);
	int r = learn_order(round, answer);
	if (r == 0 && look->kind == ROUND_PAGES && look->number)
		r = ids_append(&round->ids, &answer->ids);
	if (r < 0)
		return ROUND_NO_MEMORY;
	switch (look->kind) {
	case ROUND_RANGES:
		return absorb_range(round, answer, alone);
	case ROUND_CHAIN:
		return absorb_window(round, answer);
	default:
		absorb_page(round, answer, found);
		return ROUND_GOES_ON;
	}
}

enum round_step round_absorb(struct round *round,
    const struct part_answer *answer, int64_t others, bool alone)
{
	struct evidence *evidence = &round->evidence;
	int64_t found = evidence->unique + answer->unique + others;
	enum round_step step = absorb(round, answer, found, alone);
	if (step == ROUND_GOES_ON) {
		evidence->unique += answer->unique;
		evidence->held += answer->held;
	}
	return step;
}
