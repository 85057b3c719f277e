#include "sync/listing/ranges.h"

#include <errno.h>
#include <stdlib.h>

#include "api/record.h"
#include "json/json.h"
#include "replica/replica.h"
#include "sync/core/position.h"

void id_range_free(struct id_range *range)
{
	if (!range)
		return;
	buf_done(&range->low);
	buf_done(&range->high);
	free(range);
}

static struct id_range *id_range_new(
    const struct buf *low, const struct buf *high)
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

bool id_range_has(const struct id_range *range, const struct buf *id)
{
	return range->numbers ||
	       ((!range->low.len || buf_compare(id, &range->low) > 0) &&
		   (!range->high.len || buf_compare(id, &range->high) <= 0));
}

/* {"id":{"$gt":"…","$lte":"…"}} */
int id_range_filter(const struct id_range *range, struct buf *out)
{
	/* None is less. */
	if (range->numbers)
		return buf_adds(out, "{\"id\":{\"$gte\":-1.7e308}}");
	int r = buf_adds(out, "{\"id\":{");
	if (r == 0 && range->low.len) {
		r = buf_adds(out, "\"$gt\":");
		if (r == 0)
			r = json_string_encode(
			    range->low.data, range->low.len, out);
	}
	if (r == 0 && range->low.len && range->high.len)
		r = buf_addc(out, ',');
	if (r == 0 && range->high.len) {
		r = buf_adds(out, "\"$lte\":");
		if (r == 0)
			r = json_string_encode(
			    range->high.data, range->high.len, out);
	}
	return r < 0 ? r : buf_adds(out, "}}");
}

void ranges_clear(struct ranges *ranges)
{
	struct id_range *range;
	while ((range = ranges_take(ranges)))
		id_range_free(range);
}

struct id_range *ranges_take(struct ranges *ranges)
{
	struct id_range *range = TAILQ_FIRST(ranges);
	if (range)
		TAILQ_REMOVE(ranges, range, link);
	return range;
}

void ranges_put_back(struct ranges *ranges, struct id_range *range)
{
	TAILQ_INSERT_HEAD(ranges, range, link);
}

static int add(
    struct ranges *ranges, const struct buf *low, const struct buf *high)
{
	struct id_range *range = id_range_new(low, high);
	if (!range)
		return -ENOMEM;
	TAILQ_INSERT_TAIL(ranges, range, link);
	return 0;
}

int ranges_split(
    struct ranges *ranges, const struct id_range *range, const struct buf *at)
{
	int r = add(ranges, &range->low, at);
	return r < 0 ? r : add(ranges, at, &range->high);
}

/* ---- planning ---- */

static int add_numbers(struct ranges *ranges)
{
	struct buf none;
	buf_init(&none, 0);
	int r = add(ranges, &none, &none);
	if (r == 0)
		TAILQ_LAST(ranges, ranges)->numbers = true;
	return r;
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

/* The ids with which the slots begin: about a page of records lies between two
 * of them. *ret_count of them, in order; ids has room for one a slot. */
static int boundaries(struct replica *replica, int64_t dir, int64_t base,
    int64_t slots, struct buf *ids, size_t *ret_count)
{
	size_t count = 0;
	int r = 0;
	for (int64_t slot = 1; r >= 0 && slot <= slots; slot++) {
		int64_t node = 0;
		r = replica_entries(replica, dir, slot_start(base, slot),
		    slot_start(base, slot + 1), take_first, &node);
		if (r < 0 || !node)
			continue;
		buf_init(&ids[count], RECORD_ID_MAX);
		r = replica_key(replica, node, &ids[count++]);
	}
	qsort(ids, count, sizeof(*ids), by_content);
	*ret_count = count;
	return r < 0 ? r : 0;
}

int ranges_plan(struct ranges *ranges, struct replica *replica, int64_t dir,
    int64_t base, int64_t slots)
{
	struct buf none, *ids = calloc((size_t)slots + 1, sizeof(*ids));
	size_t count = 0;
	if (!ids)
		return -ENOMEM;
	buf_init(&none, 0);
	int r = boundaries(replica, dir, base, slots, ids, &count);
	const struct buf *low = &none;
	if (r == 0)
		r = add_numbers(ranges);
	for (size_t i = 0; r == 0 && i < count; i++) {
		if (low->len && buf_compare(low, &ids[i]) == 0)
			continue;
		r = add(ranges, low, &ids[i]);
		low = &ids[i];
	}
	if (r == 0)
		r = add(ranges, low, &none);
	for (size_t i = 0; i < count; i++)
		buf_done(&ids[i]);
	free(ids);
	return r;
}
