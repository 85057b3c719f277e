#include "emulator/page/record_pages.h"

#include <errno.h>
#include <string.h>

#include "emulator/page/summary.h"
#include "emulator/page/value_view.h"
#include "emulator/query/listing.h"

#define RECORDS_A_PAGE 50

/* Larger ones are not laid out, only given as they are. */
#define VIEW_TEXT_MAX ((size_t)4 << 20)
#define TITLE_MOST 200

/* A row's text, if it is not larger than most: 0, -EMSGSIZE or -errno. */
static int read_text(
    const struct table *table, row_t row, size_t most, struct buf *out)
{
	if (!row_is_generated(row) &&
	    document_text(row_document(row))->len > most)
		return -EMSGSIZE;
	return table_read_text(table, row, out);
}

static void write_link(struct html *html, const char *page, const char *table,
    const struct buf *id)
{
	html_format(html, "<a href=\"%s?table=", page);
	html_query(html, table, strlen(table));
	html_add(html, "&amp;id=");
	html_query(html, buf_str(id), id->len);
	html_add(html, "\">");
}

static void write_summary(struct html *html, const struct table *table,
    row_t row, const struct buf *id)
{
	CLEANUP_BUF struct buf text;
	struct summary summary = {0};
	buf_init(&text, DOCUMENT_TEXT_MAX);
	int r = read_text(table, row, SUMMARY_TEXT_MAX, &text);
	struct json_span span = {buf_str(&text), text.len};
	if (r == 0)
		r = summary_read(span, &summary);
	summary_write(html, &summary, buf_str(id), id->len);
	if (r == -EMSGSIZE)
		html_add(html, "<small>a large record</small>");
	else if (r < 0)
		html_add(html, "<small>cannot be read</small>");
}

static int write_item(
    const struct view *view, const struct table *table, row_t row)
{
	struct html *html = view->html;
	CLEANUP_BUF struct buf id;
	struct row_id row_id;
	buf_init(&id, BUF_MAX_DEFAULT);
	row_read_id(row, &row_id);
	int r = buf_add(&id, row_id.id, row_id.len);
	if (r < 0)
		return r;
	int64_t ms = row_updated_ms(row);
	html_add(html, "<li>");
	write_link(html, "record", table_name(table), &id);
	write_summary(html, table, row, &id);
	html_date(html, ms == DOCUMENT_NO_TIME ? row_created_ms(row) : ms);
	html_add(html, "</a></li>\n");
	return 0;
}

static uint64_t count(const struct view *view, struct table *table)
{
	store_read_lock(view->site->store);
	uint64_t records = table_count(table);
	store_unlock(view->site->store);
	return records;
}

static int write_items(const struct view *view, struct table *table,
    const struct listing *listing, const struct pager *pager)
{
	struct html *html = view->html;
	const char *name = table_name(table);
	int r = 0;
	frame_begin(view, name, strlen(name));
	frame_open(view);
	html_add(html, "<h1><bdi>");
	html_string(html, name);
	html_add(html, "</bdi></h1>\n<p class=\"sub\">");
	html_count(html, listing->total);
	html_format(html, " record%s%s</p>\n", listing->total == 1 ? "" : "s",
	    listing->total > 1 ? ", the newest first" : "");
	if (listing->count > 0)
		html_add(html, "<ul class=\"records\">\n");
	for (size_t i = 0; r == 0 && i < listing->count; i++)
		r = write_item(view, table, listing->rows[i]);
	if (listing->count > 0)
		html_add(html, "</ul>\n");
	frame_add_pager(view, pager, name);
	frame_end(view);
	return r;
}

int record_pages_list(const struct view *view)
{
	struct store *store = view->site->store;
	const char *name = params_get(&view->request->params, "name");
	struct table *table = name ? store_find(store, name) : NULL;
	struct listing listing;
	if (!table)
		return -ENOENT;
	struct pager pager =
	    frame_pager(view->request, count(view, table), RECORDS_A_PAGE);
	const struct listing_query query = {
	    .page = (int64_t)pager.page, .limit = RECORDS_A_PAGE};
	int r = listing_run(store, table, &query, &listing);
	if (r == 0) {
		r = write_items(view, table, &listing, &pager);
		listing_done(&listing);
	}
	return r;
}

/* ---- one of them ---- */

struct record {
	struct table *table;
	struct buf id;
	row_t row;
};

static int find(const struct site *site, const struct request *request,
    struct record *ret_record)
{
	const char *table = params_get(&request->params, "table");
	const struct param *id = params_find(&request->params, "id");
	struct record record = {0};
	record.table = table ? store_find(site->store, table) : NULL;
	if (!record.table || !id)
		return -ENOENT;
	int r = store_get(
	    site->store, record.table, id->value, id->len, &record.row);
	if (r < 0)
		return r;
	buf_init(&record.id, BUF_MAX_DEFAULT);
	r = buf_add(&record.id, id->value, id->len);
	if (r < 0)
		row_unref(record.row);
	else
		*ret_record = record;
	return r;
}

static void record_done(struct record *record)
{
	buf_done(&record->id);
	row_unref(record->row);
}

/* What it is called by, where it is called anything, and its id. */
static void write_title(
    struct html *html, const struct summary *summary, const struct buf *id)
{
	if (summary->headline.text) {
		html_add(html, "<h1><bdi>");
		value_view_cut(html, summary->headline, TITLE_MOST);
		html_add(html, "</bdi></h1>\n<p class=\"sub id\"><bdi>");
		html_text(html, buf_str(id), id->len);
		html_add(html, "</bdi></p>\n");
	} else {
		html_add(html, "<h1 class=\"id\"><bdi>");
		html_text(html, buf_str(id), id->len);
		html_add(html, "</bdi></h1>\n");
	}
}

static int write_body(const struct view *view, const struct record *record)
{
	struct html *html = view->html;
	CLEANUP_BUF struct buf text;
	struct summary summary = {0};
	buf_init(&text, DOCUMENT_TEXT_MAX);
	int r = read_text(record->table, record->row, VIEW_TEXT_MAX, &text);
	struct json_span span = {buf_str(&text), text.len};
	if (r == 0)
		r = summary_read(span, &summary);
	write_title(html, &summary, &record->id);
	if (r == -EMSGSIZE) {
		html_add(html, "<p>This record is too large to be laid out "
			       "here.</p>\n");
		return 0;
	}
	html_add(html, "<div class=\"record\">");
	if (r == 0)
		r = value_view_write(view, span, &record->id);
	html_add(html, "</div>\n");
	return r;
}

static int write_record(const struct view *view, const struct record *record)
{
	struct html *html = view->html;
	const char *name = table_name(record->table);
	frame_begin(view, buf_str(&record->id), record->id.len);
	frame_add_step(view, name);
	frame_open(view);
	int r = write_body(view, record);
	html_add(html, "<p class=\"links\">");
	write_link(html, "text", name, &record->id);
	html_add(html, "The text as it was saved</a></p>\n");
	frame_end(view);
	return r;
}

int record_pages_view(const struct view *view)
{
	struct record record;
	int r = find(view->site, view->request, &record);
	if (r < 0)
		return r;
	r = write_record(view, &record);
	record_done(&record);
	return r;
}

int record_pages_read_text(
    const struct site *site, const struct request *request, struct buf *out)
{
	struct record record;
	int r = find(site, request, &record);
	if (r < 0)
		return r;
	r = table_read_text(record.table, record.row, out);
	record_done(&record);
	return r;
}
