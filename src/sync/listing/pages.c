#include "sync/listing/pages.h"

#include "sync/listing/judge.h"
#include "sync/listing/part.h"

void pages_begin(struct pages *pages)
{
	pages->last = 1;
}

/* How many there are, by what one of them tells; 0: it does not. */
static int64_t told(const struct api_page *info, unsigned limit_asked)
{
	int64_t limit = info->limit > 0 ? info->limit : limit_asked;
	if (info->total_pages >= 0)
		return info->total_pages;
	if (info->total >= 0 && limit > 0)
		return (info->total + limit - 1) / limit;
	return 0;
}

/* A listing that goes on and on with what was there already is no listing. */
static bool repeats_itself(
    const struct look *look, const struct part_answer *answer, int64_t found)
{
	return answer->count > 0 && answer->unique == 0 &&
	       look->facts.count > 2 * found;
}

/* The last one, so far: there may be another one. */
static enum pages_verdict absorb_last(struct pages *pages,
    const struct look *look, const struct part_answer *answer)
{
	const struct api_page *info = &answer->info;
	bool short_of = look->total < 0 || look->facts.count < look->total;
	if (info->has_next == 1 || (info->has_next < 0 && short_of)) {
		pages->last = answer->page + 1;
		return PAGES_GO_ON;
	}
	/* It is the only one, and does not hold what it counts. */
	return look->answers == 1 && short_of && info->total > answer->count
		   ? PAGES_TORN
		   : PAGES_OVER;
}

enum pages_verdict pages_absorb(struct pages *pages, const struct look *look,
    const struct part_answer *answer, unsigned limit, int64_t found)
{
	int64_t last = told(&answer->info, limit);
	if (last > pages->last)
		pages->last = last;
	if (repeats_itself(look, answer, found))
		return PAGES_TORN;
	if (answer->count == 0)
		return answer->info.has_next == 1 ? PAGES_TORN : PAGES_OVER;
	if (answer->page >= pages->last)
		return absorb_last(pages, look, answer);
	return PAGES_GO_ON;
}
