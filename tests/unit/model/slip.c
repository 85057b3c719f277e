#include "slip.h"

#include <string.h>

#include "plan.h"
#include "query.h"
#include "world.h"

/* A round of pages: from the answer to page 1 on. */
static struct {
	uint64_t from;
	int64_t total;
	bool differs; /* another total was told */
	int64_t came;
	bool told[WORLD_RECORDS_MAX];
} sweep;

static void begin(int64_t total)
{
	memset(&sweep, 0, sizeof(sweep));
	sweep.from = world_moment();
	sweep.total = total;
}

static void hide_what_slipped(void)
{
	for (int i = 0; i < world_record_count(); i++) {
		if (!sweep.told[i] && world_held_throughout(i, sweep.from))
			world_hide(i);
	}
}

void slip_page(
    const struct query *query, int64_t total, const int *records, size_t count)
{
	/* Where totals are wrong, nobody goes by them. */
	if (query->filters || query->sort_by[0] || trait(TRAIT_total))
		return;
	if (query->page == 1)
		begin(total);
	sweep.differs |= total != sweep.total;
	sweep.came += (int64_t)count;
	for (size_t i = 0; i < count; i++)
		sweep.told[records[i]] = true;
	if (!sweep.differs && sweep.came == sweep.total &&
	    world_came_back(sweep.from))
		hide_what_slipped();
}
