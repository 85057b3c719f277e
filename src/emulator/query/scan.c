#include "emulator/query/scan.h"

#include <errno.h>
#include <stdlib.h>

#include "emulator/query/cursor.h"
#include "emulator/query/path.h"
#include "emulator/query/search.h"

struct scan {
	const struct listing_query *query;
	const struct table *table;
	const char *sort_by;
	struct search *search; /* NULL: none */
	bool needs_text;
	/* Of the row that is looked at: all of it, which may be its own, and
	 * what may be seen; and room for both. */
	struct json_span whole;
	struct json_span seen;
	struct buf text;
	struct buf visible;
};

int scan_new(const struct listing_query *query, const struct table *table,
    const char *sort_by, struct scan **ret_scan)
{
	struct scan *scan = calloc(1, sizeof(*scan));
	if (!scan)
		return -ENOMEM;
	scan->query = query;
	scan->table = table;
	scan->sort_by = sort_by;
	buf_init(&scan->text, DOCUMENT_TEXT_MAX);
	buf_init(&scan->visible, DOCUMENT_TEXT_MAX);
	int r = 0;
	if (query->search && *query->search)
		r = search_new(
		    query->search, query->search_field, &scan->search);
	if (r < 0) {
		scan_free(scan);
		return r;
	}
	scan->needs_text = scan->search || sort_by ||
			   filter_needs_text(query->rows) ||
			   filter_needs_text(query->filter);
	*ret_scan = scan;
	return 0;
}

void scan_free(struct scan *scan)
{
	if (!scan)
		return;
	search_free(scan->search);
	buf_done(&scan->text);
	buf_done(&scan->visible);
	free(scan);
}

static int read_text(struct scan *scan, row_t row)
{
	buf_clear(&scan->text);
	scan->whole = (struct json_span){"", 0};
	return scan->needs_text ? table_keep_text(scan->table, row, &scan->text,
				      &scan->whole)
				: 0;
}

/* What of the text the requester sees. */
static int hide_columns(struct scan *scan)
{
	const struct columns *columns = scan->query->columns;
	int r = 0;
	scan->seen = scan->whole;
	if (!scan->needs_text || !columns || columns->count == 0)
		return 0;
	buf_clear(&scan->visible);
	/* What is the row's own is not to be used up. */
	if (scan->text.len == 0)
		r = buf_add(&scan->text, scan->whole.text, scan->whole.len);
	if (r == 0)
		r = columns_drop(columns, &scan->text, &scan->visible);
	scan->seen =
	    (struct json_span){buf_str(&scan->visible), scan->visible.len};
	return r;
}

int scan_match(struct scan *scan, row_t row)
{
	const struct listing_query *query = scan->query;
	int r = read_text(scan, row);
	if (r < 0)
		return r;
	r = filter_is_empty(query->rows)
		? 1
		: filter_match(query->rows, row, scan->whole);
	if (r <= 0)
		return r;
	r = hide_columns(scan);
	if (r < 0)
		return r;
	r = filter_is_empty(query->filter)
		? 1
		: filter_match(query->filter, row, scan->seen);
	return r > 0 && scan->search ? search_match(scan->search, scan->seen)
				     : r;
}

/* ---- the key ---- */

struct key_walk {
	struct value *key;
	bool ascending;
	bool found;
};

static int take_key(struct key_walk *walk, struct json_span token)
{
	struct value value;
	value_init(&value);
	int r = value_read_copy(&value, token);
	/* Nothing sorts as null does. */
	if (value.kind == VALUE_MISSING)
		value.kind = VALUE_NULL;
	int order = walk->found ? value_compare(&value, walk->key) : 0;
	if (r < 0 ||
	    (walk->found && (walk->ascending ? order >= 0 : order <= 0))) {
		value_done(&value);
		return r;
	}
	value_done(walk->key);
	*walk->key = value;
	walk->found = true;
	return 0;
}

static int visit(void *ctx, struct json_span token)
{
	struct key_walk *walk = ctx;
	struct cursor cursor;
	struct json_span key, element;
	int r;
	if (!token.text || !json_is_array(token))
		return take_key(walk, token);
	cursor_init(&cursor, token);
	while ((r = cursor_next(&cursor, &key, &element)) > 0) {
		r = take_key(walk, element);
		if (r < 0)
			return r;
	}
	return r;
}

int scan_key(struct scan *scan, struct value *key)
{
	struct key_walk walk = {
	    .key = key, .ascending = scan->query->ascending};
	int r = path_walk(scan->seen, scan->sort_by, visit, &walk);
	if (r == 0 && !walk.found)
		key->kind = VALUE_MISSING;
	return r;
}
