/* andFilters, orFilters and then a row a line, any of each: what a filter tells
 * from an order alone agrees with a look at every row, an operator and its
 * opposite share out the rows, and a filter that is refused says why. */
#include "fuzz.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "emulator/query/filter.h"
#include "emulator/store/store.h"
#include "json/json.h"

#define ROWS_MAX 40

static void add_row(struct table *table, const char *text, size_t len)
{
	CLEANUP_BUF struct buf id;
	struct document_key key;
	struct document *document;
	struct place place;
	buf_init(&id, BUF_MAX_DEFAULT);
	if (document_read_key(text, len, &id, &key) < 0 || key.id_len == 0)
		return;
	MUST(place_copy(text, len, &place) == 0);
	MUST(document_new(&key, place, (struct place){0}, &document) == 0);
	MUST(table_append(table, document) == 0);
}

static struct filter *filter_of(const char *and_text, const char *or_text)
{
	CLEANUP_BUF struct buf problem;
	struct filter *filter = NULL;
	buf_init(&problem, BUF_MAX_DEFAULT);
	int r = filter_new(and_text, or_text, &problem, &filter);
	MUST(r == 0 || r == -EINVAL);
	/* A name or a text that holds a NUL has no words of its own. */
	MUST(r == 0 || problem.len > 0 || strstr(and_text, "\\u0000") ||
	     strstr(or_text, "\\u0000"));
	return filter;
}

static int match(struct filter *filter, const struct table *table, row_t row)
{
	CLEANUP_BUF struct buf text;
	buf_init(&text, BUF_MAX_DEFAULT);
	MUST(table_read_text(table, row, &text) == 0);
	int r = filter_match(
	    filter, row, (struct json_span){buf_str(&text), text.len});
	MUST(r == 0 || r == 1 || r == -E2BIG);
	if (filter_is_empty(filter))
		MUST(r == 1);
	return r;
}

static void check_order(
    struct filter *filter, const struct table *table, enum table_order order)
{
	size_t low, high, count = table_count(table);
	bool all;
	filter_range(filter, table, order, &low, &high, &all);
	MUST(low <= high && high <= count);
	const row_t *rows = table_rows(table, order);
	for (size_t i = 0; i < count; i++) {
		int r = match(filter, table, rows[i]);
		if (r == 1)
			MUST(i >= low && i < high);
		else if (r == 0)
			MUST(!all || i < low || i >= high);
	}
}

/* Two filters of which each row matches one. */
static void check_opposites(const struct table *table, const char *value,
    const char *operator, const char * opposite)
{
	static const char *const fields[] = {"f", "id", "updatedAt", "f.g"};
	const row_t *rows = table_rows(table, TABLE_BY_ID);
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		CLEANUP_FREE char *one, *other;
		MUST(asprintf(&one, "{\"%s\":{\"%s\":%s}}", fields[i], operator,
			 value) > 0);
		MUST(asprintf(&other, "{\"%s\":{\"%s\":%s}}", fields[i],
			 opposite, value) > 0);
		struct filter *yes = filter_of(one, "");
		struct filter *no = filter_of(other, "");
		MUST(!yes == !no);
		for (size_t row = 0; yes && row < table_count(table); row++)
			MUST(match(yes, table, rows[row]) +
				 match(no, table, rows[row]) ==
			     1);
		filter_free(yes);
		filter_free(no);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct table *table;
	CLEANUP_FREE char *text = text_of(data, size);
	char *rest = text, *line;
	const char *and_text = strsep(&rest, "\n");
	const char *or_text = rest ? strsep(&rest, "\n") : "";
	MUST(table_new("t", false, &table) == 0);
	for (size_t i = 0; i < ROWS_MAX && (line = strsep(&rest, "\n")); i++)
		add_row(table, line, strlen(line));
	table_settle(table, NULL, NULL);
	struct filter *filter = filter_of(and_text, or_text);
	if (filter) {
		check_order(filter, table, TABLE_BY_ID);
		check_order(filter, table, TABLE_BY_UPDATED);
	}
	filter_free(filter);
	if (json_check(or_text, strlen(or_text)) == 0) {
		check_opposites(table, or_text, "$eq", "$ne");
		check_opposites(table, or_text, "$in", "$nin");
	}
	table_free(table);
	return 0;
}
