#include "emulator/query/listing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "emulator/query/scan.h"

/* A row and what it is sorted by. */
struct candidate {
	row_t row;
	struct value key;
};

void listing_done(struct listing *listing)
{
	for (size_t i = 0; i < listing->count; i++)
		row_unref(listing->rows[i]);
	free(listing->rows);
	*listing = (struct listing){0};
}

static bool order_of(const char *sort_by, enum table_order *ret_order)
{
	*ret_order = TABLE_BY_ID;
	if (!sort_by || strcmp(sort_by, "id") == 0)
		return true;
	*ret_order = TABLE_BY_UPDATED;
	return strcmp(sort_by, "updatedAt") == 0;
}

/* The page's part of total rows: [*ret_skip, *ret_skip + *ret_count). */
static void cut_page(const struct listing_query *query, size_t total,
    size_t *ret_skip, size_t *ret_count)
{
	size_t limit = (size_t)query->limit;
	size_t before = (size_t)query->page - 1;
	*ret_skip = *ret_count = 0;
	if (before > total / limit)
		return;
	*ret_skip = before * limit;
	if (*ret_skip < total)
		*ret_count =
		    total - *ret_skip < limit ? total - *ret_skip : limit;
}

/* The page straight out of an order's range. The store is locked. */
static int take_range(const struct listing_query *query, const row_t *rows,
    size_t low, size_t high, struct listing *listing)
{
	size_t skip, count;
	listing->total = high - low;
	cut_page(query, listing->total, &skip, &count);
	listing->rows = calloc(count + 1, sizeof(row_t));
	if (!listing->rows)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		size_t at =
		    query->ascending ? low + skip + i : high - 1 - skip - i;
		listing->rows[i] = row_ref(rows[at]);
	}
	listing->count = count;
	return 0;
}

/* All rows of a range, to be looked at later. The store is locked. */
static int copy_range(
    const row_t *rows, size_t low, size_t high, struct listing *all)
{
	all->rows = calloc(high - low + 1, sizeof(row_t));
	if (!all->rows)
		return -ENOMEM;
	for (size_t i = low; i < high; i++)
		all->rows[all->count++] = row_ref(rows[i]);
	return 0;
}

/* Rows and, where the order is by a field, what they are sorted by. */
struct matches {
	struct candidate *list;
	size_t count;
	size_t cap;
};

/* Room for one more. */
static int grow(struct matches *matches)
{
	if (matches->count < matches->cap)
		return 0;
	size_t cap = matches->cap ? matches->cap * 2 : 64;
	struct candidate *list =
	    reallocarray(matches->list, cap, sizeof(*list));
	if (!list)
		return -ENOMEM;
	matches->list = list;
	matches->cap = cap;
	return 0;
}

static void matches_done(struct matches *matches)
{
	for (size_t i = 0; i < matches->count; i++) {
		row_unref(matches->list[i].row);
		value_done(&matches->list[i].key);
	}
	free(matches->list);
}

/* createdAt needs no text. */
static int read_key(
    struct scan *scan, bool created, bool field, struct candidate *candidate)
{
	value_init(&candidate->key);
	if (field)
		return scan_key(scan, &candidate->key);
	if (created) {
		candidate->key.kind = VALUE_NUMBER;
		candidate->key.number = row_created_ms(candidate->row);
	}
	return 0;
}

static int scan_all(struct scan *scan, bool created, bool field,
    const struct listing *all, struct matches *matches)
{
	int r = 0;
	for (size_t i = 0; r >= 0 && i < all->count; i++) {
		r = scan_match(scan, all->rows[i]);
		if (r > 0)
			r = grow(matches) < 0 ? -ENOMEM : 1;
		if (r <= 0)
			continue;
		struct candidate *candidate = &matches->list[matches->count++];
		candidate->row = row_ref(all->rows[i]);
		r = read_key(scan, created, field, candidate);
	}
	return r < 0 ? r : 0;
}

/* Those of all rows that match, in the order that they are in. */
static int find_matches(const struct listing_query *query,
    const struct table *table, bool indexed, const struct listing *all,
    struct matches *matches)
{
	bool created = !indexed && strcmp(query->sort_by, "createdAt") == 0;
	bool field = !indexed && !created;
	struct scan *scan;
	int r = scan_new(query, table, field ? query->sort_by : NULL, &scan);
	if (r < 0)
		return r;
	r = scan_all(scan, created, field, all, matches);
	scan_free(scan);
	return r;
}

static int compare_candidates(const void *a, const void *b)
{
	const struct candidate *left = a, *right = b;
	int order = value_compare(&left->key, &right->key);
	return order ? order : row_compare_id(left->row, right->row);
}

static int compare_updated(const void *a, const void *b)
{
	const struct candidate *left = a, *right = b;
	return row_compare_updated(left->row, right->row);
}

static int take_matches(const struct listing_query *query,
    const struct matches *matches, struct listing *listing)
{
	size_t skip, count;
	listing->total = matches->count;
	cut_page(query, listing->total, &skip, &count);
	listing->rows = calloc(count + 1, sizeof(row_t));
	if (!listing->rows)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		size_t at =
		    query->ascending ? skip + i : matches->count - 1 - skip - i;
		listing->rows[i] = row_ref(matches->list[at].row);
	}
	listing->count = count;
	return 0;
}

/* Lock-free: match, sort and cut what copy_range took out of have's order. */
static int run_slowly(const struct listing_query *query, struct table *table,
    enum table_order have, const struct listing *all, struct listing *listing)
{
	struct matches matches = {0};
	enum table_order want;
	bool indexed = order_of(query->sort_by, &want);
	int r = find_matches(query, table, indexed, all, &matches);
	if (r == 0 && (!indexed || want != have) && matches.count > 0)
		qsort(matches.list, matches.count, sizeof(*matches.list),
		    indexed && want == TABLE_BY_UPDATED ? compare_updated
							: compare_candidates);
	if (r == 0)
		r = take_matches(query, &matches, listing);
	matches_done(&matches);
	return r;
}

int listing_run(struct store *store, struct table *table,
    const struct listing_query *query, struct listing *ret_listing)
{
	struct listing listing = {0}, all = {0};
	enum table_order want, have = TABLE_BY_ID;
	bool indexed = order_of(query->sort_by, &want);
	bool searched = query->search && *query->search;
	size_t low[2], high[2];
	bool whole[2];
	int r;
	store_read_lock(store);
	for (int i = TABLE_BY_ID; i <= TABLE_BY_UPDATED; i++)
		filter_range(query->filter, table, (enum table_order)i, &low[i],
		    &high[i], &whole[i]);
	bool fast =
	    indexed && whole[want] && !searched && filter_is_empty(query->rows);
	if (fast) {
		r = take_range(query, table_rows(table, want), low[want],
		    high[want], &listing);
	} else {
		if (high[1] - low[1] < high[0] - low[0])
			have = TABLE_BY_UPDATED;
		r = copy_range(
		    table_rows(table, have), low[have], high[have], &all);
	}
	store_unlock(store);
	if (r == 0 && !fast)
		r = run_slowly(query, table, have, &all, &listing);
	listing_done(&all);
	if (r == 0)
		*ret_listing = listing;
	else
		listing_done(&listing);
	return r;
}
