#include "sync/listing/sorting.h"

#include "api/record.h"
#include "sync/core/core.h"
#include "sync/listing/order.h"

#define ALL_FLAGS ((unsigned)(LISTING_SORTS_UPDATED | LISTING_SORTS_CREATED))

/* ---- an answer ---- */

void sorting_init(struct sorting *sorting)
{
	*sorting = (struct sorting){0};
	buf_init(&sorting->last_id, RECORD_ID_MAX);
	sorting_begin(sorting);
}

void sorting_done(struct sorting *sorting)
{
	buf_done(&sorting->last_id);
}

void sorting_begin(struct sorting *sorting)
{
	sorting->orders = ORDER_ANY;
	sorting->climbs = sorting->sinks = true;
	sorting->falls = sorting->rises = false;
	sorting->last_pos = 0;
	sorting->last_ms = NO_DATE;
	buf_clear(&sorting->last_id);
}

static void watch_date(struct sorting *sorting, int64_t date_ms)
{
	if (date_ms == NO_DATE)
		return;
	if (sorting->last_ms != NO_DATE) {
		sorting->falls |= date_ms < sorting->last_ms;
		sorting->rises |= date_ms > sorting->last_ms;
	}
	sorting->last_ms = date_ms;
}

int sorting_record(
    struct sorting *sorting, const struct buf *id, int64_t pos, int64_t date_ms)
{
	watch_date(sorting, date_ms);
	if (sorting->last_id.len) {
		sorting->orders =
		    order_after(sorting->orders, &sorting->last_id, id);
		sorting->climbs &= pos > sorting->last_pos;
		sorting->sinks &= pos < sorting->last_pos;
	}
	sorting->last_pos = pos;
	buf_clear(&sorting->last_id);
	return buf_add(&sorting->last_id, buf_str(id), id->len);
}

bool sorting_is_by_date(const struct sorting *sorting)
{
	return sorting->falls && !sorting->rises && !sorting->orders &&
	       !sorting->climbs && !sorting->sinks;
}

/* ---- what is known of the server ---- */

static unsigned flag_of(enum date_field field)
{
	return field == DATE_UPDATED ? LISTING_SORTS_UPDATED
				     : LISTING_SORTS_CREATED;
}

bool sorting_is_known(const struct core *core, enum date_field field)
{
	return core->sorts & flag_of(field);
}

void sorting_learn(struct core *core, enum date_field field)
{
	core->sorts |= flag_of(field);
}

unsigned sorting_flags(const struct core *core)
{
	return core->sorts;
}

void sorting_recall(struct core *core, unsigned flags)
{
	core->sorts |= flags & ALL_FLAGS;
}

static int recall(
    void *ctx, const struct node *node, const char *name, int64_t pos)
{
	struct core *core = ctx;
	struct replica_listing listing;
	(void)name;
	(void)pos;
	int r = replica_listing(core->replica, node->id, &listing);
	if (r == 0)
		sorting_recall(core, listing.flags);
	return r;
}

void sorting_load(struct core *core)
{
	struct replica_listing files;
	if (replica_listing(core->replica, NODE_FILES, &files) == 0)
		sorting_recall(core, files.flags);
	replica_tables(core->replica, 0, recall, core);
}
