#include "emulator/query/listing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "emulator/query/search.h"
#include "emulator/query/value.h"

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

/* 1, 0 or -errno. */
static int match_row(
    const struct listing_query *query, const struct table *table, row_t row)
{
	int r = 1;
	if (!filter_is_empty(query->rows))
		r = filter_match(query->rows, NULL, table, row);
	if (r > 0 && !filter_is_empty(query->filter))
		r = filter_match(query->filter, query->columns, table, row);
	if (r > 0 && query->search && *query->search)
		r = search_row(query->search, query->columns, table, row);
	return r;
}

/* Drop the rows that do not match; the order stays. */
static int keep_matching(const struct listing_query *query,
    const struct table *table, struct listing *all)
{
	size_t kept = 0;
	int r = 0;
	for (size_t i = 0; i < all->count; i++) {
		if (r >= 0)
			r = match_row(query, table, all->rows[i]);
		if (r > 0)
			all->rows[kept++] = all->rows[i];
		else
			row_unref(all->rows[i]);
	}
	all->count = kept;
	return r < 0 ? r : 0;
}

static int compare_candidates(const void *a, const void *b)
{
	const struct candidate *left = a, *right = b;
	int order = value_compare(&left->key, &right->key);
	return order ? order : row_compare_id(left->row, right->row);
}

static int read_key(const struct listing_query *query,
    const struct table *table, row_t row, struct value *ret_key)
{
	CLEANUP_BUF struct buf text;
	buf_init(&text, DOCUMENT_TEXT_MAX);
	struct json_span token;
	int r = columns_read_text(query->columns, table, row, &text);
	if (r == 0)
		r = value_find((struct json_span){buf_str(&text), text.len},
		    query->sort_by, &token);
	if (r < 0)
		return r;
	return value_init(ret_key, token);
}

/* createdAt needs no text; another field's values are read first. */
static int sort_by_field(const struct listing_query *query,
    const struct table *table, struct listing *all)
{
	struct candidate *list = calloc(all->count + 1, sizeof(*list));
	int r = list ? 0 : -ENOMEM;
	bool created = strcmp(query->sort_by, "createdAt") == 0;
	for (size_t i = 0; r == 0 && i < all->count; i++) {
		list[i].row = all->rows[i];
		if (created) {
			list[i].key.kind = VALUE_NUMBER;
			list[i].key.number =
			    (double)row_created_ms(all->rows[i]);
		} else {
			r = read_key(query, table, all->rows[i], &list[i].key);
		}
	}
	if (r == 0)
		qsort(list, all->count, sizeof(*list), compare_candidates);
	for (size_t i = 0; list && i < all->count; i++) {
		if (r == 0)
			all->rows[i] = list[i].row;
		value_done(&list[i].key);
	}
	free(list);
	return r;
}

static int compare_id(const void *a, const void *b)
{
	return row_compare_id(*(const row_t *)a, *(const row_t *)b);
}

static int compare_updated(const void *a, const void *b)
{
	return row_compare_updated(*(const row_t *)a, *(const row_t *)b);
}

/* Lock-free: match, sort and cut what copy_range took out of have's order. */
static int run_slowly(const struct listing_query *query, struct table *table,
    enum table_order have, struct listing *all, struct listing *listing)
{
	enum table_order want;
	bool indexed = order_of(query->sort_by, &want);
	int r = keep_matching(query, table, all);
	if (r == 0 && !indexed)
		r = sort_by_field(query, table, all);
	else if (r == 0 && want != have && all->count > 0)
		qsort(all->rows, all->count, sizeof(row_t),
		    want == TABLE_BY_ID ? compare_id : compare_updated);
	if (r == 0)
		r = take_range(query, all->rows, 0, all->count, listing);
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
