#include "emulator/page/reference.h"

#include <string.h>

#include "emulator/page/file_facts.h"

/* Shorter ones are words and numbers that happen to be an id somewhere. */
#define ID_LEN_MIN 8
#define ID_LEN_MAX 64
#define TABLES_MAX 64

static bool find_file(
    struct store *store, const struct buf *id, struct reference *reference)
{
	struct file_facts facts;
	row_t row;
	if (store_get(store, store_files(store), buf_str(id), id->len, &row) <
	    0)
		return false;
	*reference = (struct reference){0};
	if (file_facts_read(store, row, &facts) == 0) {
		reference->picture = file_facts_is_picture(&facts);
		file_facts_done(&facts);
	}
	row_unref(row);
	return true;
}

bool reference_find(
    struct store *store, const struct buf *id, struct reference *ret_reference)
{
	const char *data = buf_str(id);
	struct table *table;
	row_t row;
	if (id->len < ID_LEN_MIN || id->len > ID_LEN_MAX)
		return false;
	if (find_file(store, id, ret_reference))
		return true;
	for (size_t i = 0; i < TABLES_MAX && (table = store_nth(store, i));
	     i++) {
		if (store_get(store, table, data, id->len, &row) < 0)
			continue;
		row_unref(row);
		*ret_reference = (struct reference){.table = table_name(table)};
		return true;
	}
	return false;
}

void reference_open(
    struct html *html, const struct reference *reference, const struct buf *id)
{
	if (reference->table) {
		html_add(html, "<a href=\"record?table=");
		html_query(html, reference->table, strlen(reference->table));
		html_add(html, "&amp;id=");
	} else {
		html_add(html, "<a href=\"file?id=");
	}
	html_query(html, buf_str(id), id->len);
	html_add(html, "\">");
}

void reference_close(
    struct html *html, const struct reference *reference, const struct buf *id)
{
	if (reference->picture) {
		html_add(html,
		    "<img class=\"inline\" loading=\"lazy\" alt=\"\" "
		    "src=\"object?id=");
		html_query(html, buf_str(id), id->len);
		html_add(html, "\">");
	}
	html_add(html, "</a>");
}
