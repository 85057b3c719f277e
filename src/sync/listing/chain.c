#include "sync/listing/chain.h"

#include "api/record.h"
#include "sync/core/position.h"
#include "sync/listing/order.h"
#include "sync/listing/part.h"

/* Records that two windows share, at the least: two records of one id that
 * stand side by side are seen in one answer. */
#define OVERLAP_LEAST 2

/* So many windows in a row may lead nowhere. */
#define STALLS_MAX 6

void chain_init(struct chain *chain)
{
	*chain = (struct chain){0};
	buf_init(&chain->last, RECORD_ID_MAX);
}

void chain_done(struct chain *chain)
{
	buf_done(&chain->last);
}

void chain_begin(struct chain *chain)
{
	buf_clear(&chain->last);
	chain->index = 0;
	chain->overlap = OVERLAP_LEAST;
	chain->stalls = 0;
}

/* The most records that the server gives at once, as far as known. */
static unsigned most_at_once(const struct part_sizes *sizes)
{
	if (sizes->told)
		return sizes->told;
	return sizes->most > 0 && sizes->most < PAGE_LIMIT
		   ? (unsigned)sizes->most
		   : PAGE_LIMIT;
}

/* The page of a size that reaches furthest and begins so many records before
 * the last one known, or earlier. Whether one reaches further at all. */
static bool widest(struct chain *chain, unsigned most, int64_t overlap,
    int64_t *ret_page, unsigned *ret_limit)
{
	int64_t best = 0, back = chain->index - overlap;
	for (unsigned limit = most; limit > most / 2 && limit > 1; limit--) {
		int64_t page = back > 0 ? back / limit : 0;
		int64_t gain = (page + 1) * limit - chain->index;
		if (gain <= best)
			continue;
		best = gain;
		*ret_page = page + 1;
		*ret_limit = chain->asked = limit;
		chain->asked_from = page * limit;
	}
	return best > 0;
}

bool chain_next(struct chain *chain, const struct part_sizes *sizes,
    int64_t *ret_page, unsigned *ret_limit)
{
	unsigned most = most_at_once(sizes);
	if (chain->index == 0) {
		*ret_page = 1;
		*ret_limit = chain->asked = most;
		chain->asked_from = 0;
		return true;
	}
	if (widest(chain, most, chain->overlap, ret_page, ret_limit))
		return true;
	/* Where pages are so small that all of them end here or one further
	 * on, one record in common still proves that none lies between. */
	return chain->overlap == OVERLAP_LEAST &&
	       widest(chain, most, 1, ret_page, ret_limit);
}

/* Whether there is more behind a window. */
static bool has_more(
    const struct chain *chain, const struct part_answer *answer)
{
	const struct api_page *info = &answer->info;
	if (info->has_next >= 0)
		return info->has_next == 1;
	if (info->total_pages >= 0)
		return answer->page < info->total_pages;
	if (info->total >= 0)
		return chain->asked_from + answer->count < info->total;
	return answer->count >= (int64_t)chain->asked;
}

/* The window begins behind the last one known: so many of those before have
 * gone. Reach back further. */
static void reach_back(struct chain *chain)
{
	chain->stalls++;
	chain->index = chain->asked_from;
	chain->overlap *= 2;
}

/* Whether the answer is the page of the size that was asked for. */
static bool is_as_asked(
    const struct chain *chain, const struct part_answer *answer)
{
	return answer->count <= (int64_t)chain->asked &&
	       (answer->info.limit <= 0 ||
		   answer->info.limit == (int64_t)chain->asked);
}

/* Whether a window surely begins at or before the last one known. How numbers
 * stand to texts is the server's affair. */
static bool is_joined(const struct chain *chain,
    const struct part_answer *answer, unsigned orders)
{
	return answer->first_number == chain->last_number &&
	       order_reaches(orders, &answer->first_id, &chain->last);
}

/* Whether a window that is joined ends behind it. What is of another kind than
 * all up to the last one known stands behind that. */
static bool leads_further(const struct chain *chain,
    const struct part_answer *answer, unsigned orders)
{
	return !chain->last.len || answer->last_number != chain->last_number ||
	       !order_reaches(orders, &answer->last_id, &chain->last);
}

enum chain_verdict chain_absorb(
    struct chain *chain, const struct part_answer *answer, unsigned orders)
{
	bool more = has_more(chain, answer);
	if (!is_as_asked(chain, answer) || !orders ||
	    chain->stalls > STALLS_MAX)
		return CHAIN_NONE;
	if (answer->count == 0 && (chain->asked_from > 0 || chain->last.len)) {
		reach_back(chain);
		return CHAIN_GOES_ON;
	}
	if (answer->count == 0)
		return more ? CHAIN_TORN : CHAIN_OVER;
	if (chain->asked_from > 0 && !is_joined(chain, answer, orders)) {
		reach_back(chain);
		return CHAIN_GOES_ON;
	}
	bool further = leads_further(chain, answer, orders);
	chain->stalls = further ? 0 : chain->stalls + 1;
	chain->overlap = OVERLAP_LEAST;
	chain->index = chain->asked_from + answer->count;
	if (further) {
		buf_clear(&chain->last);
		chain->last_number = answer->last_number;
		if (buf_add(&chain->last, buf_str(&answer->last_id),
			answer->last_id.len) < 0)
			return CHAIN_NONE;
	}
	return more ? CHAIN_GOES_ON : CHAIN_OVER;
}
