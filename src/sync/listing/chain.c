#include "sync/listing/chain.h"

#include "sync/listing/order.h"

/* Records that two windows share, at the least: two records of one id that
 * stand side by side are seen in one answer. */
#define OVERLAP_LEAST 2

/* So many windows in a row may lead nowhere. */
#define STALLS_MAX 6

void chain_begin(struct pass *pass)
{
	buf_clear(&pass->chain.last);
	pass->chain.index = 0;
	pass->chain.overlap = OVERLAP_LEAST;
	pass->chain.stalls = 0;
}

/* The most records that the server gives at once, as far as known. */
static unsigned most_at_once(const struct pass *pass)
{
	if (pass->told_limit)
		return pass->told_limit;
	return pass->most > 0 && pass->most < PAGE_LIMIT ? (unsigned)pass->most
							 : PAGE_LIMIT;
}

bool chain_next(struct pass *pass, int64_t *ret_page, unsigned *ret_limit)
{
	struct chain *chain = &pass->chain;
	unsigned most = most_at_once(pass);
	int64_t best = 0, back = chain->index - chain->overlap;
	if (chain->index == 0) {
		*ret_page = 1;
		*ret_limit = chain->asked = most;
		chain->asked_from = 0;
		return true;
	}
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

/* Whether there is more behind a window. */
static bool has_more(const struct chain *chain, const struct page_fetch *fetch)
{
	const struct api_page *info = &fetch->info;
	if (info->has_next >= 0)
		return info->has_next == 1;
	if (info->total_pages >= 0)
		return fetch->page < info->total_pages;
	if (info->total >= 0)
		return chain->asked_from + fetch->count < info->total;
	return fetch->count >= (int64_t)chain->asked;
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
    const struct chain *chain, const struct page_fetch *fetch)
{
	return fetch->count <= (int64_t)chain->asked &&
	       (fetch->info.limit <= 0 ||
		   fetch->info.limit == (int64_t)chain->asked);
}

bool chain_absorb(struct pass *pass, const struct page_fetch *fetch)
{
	struct chain *chain = &pass->chain;
	struct round *round = &pass->round;
	bool more = has_more(chain, fetch);
	if (!is_as_asked(chain, fetch) || !pass->orders ||
	    chain->stalls > STALLS_MAX)
		return false;
	if (fetch->count == 0 && chain->asked_from > 0) {
		reach_back(chain);
		return true;
	}
	if (fetch->count == 0) {
		round->torn |= more;
		round->over = true;
		return true;
	}
	if (chain->asked_from > 0 &&
	    !order_reaches(pass->orders, &fetch->first_id, &chain->last)) {
		reach_back(chain);
		return true;
	}
	bool further = !chain->last.len || !order_reaches(pass->orders,
					       &fetch->last_id, &chain->last);
	chain->stalls = further ? 0 : chain->stalls + 1;
	chain->overlap = OVERLAP_LEAST;
	chain->index = chain->asked_from + fetch->count;
	if (further) {
		buf_clear(&chain->last);
		if (buf_add(&chain->last, buf_str(&fetch->last_id),
			fetch->last_id.len) < 0)
			return false;
	}
	round->over = !more;
	return true;
}
