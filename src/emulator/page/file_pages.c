#include "emulator/page/file_pages.h"

#include <errno.h>
#include <string.h>

#include "emulator/page/file_facts.h"
#include "emulator/page/media.h"
#include "emulator/page/value_view.h"
#include "emulator/query/listing.h"

#define FILES_A_PAGE 60
#define NEWEST 10
#define NAME_MOST 80
#define EXTENSION_MOST 5

static void add_link(
    struct html *html, const char *page, const char *id, size_t id_len)
{
	html_format(html, "%s?id=", page);
	html_query(html, id, id_len);
}

/* What stands in the place of a picture: the end of the name, or of the type.
 */
static void add_mark(struct html *html, const struct file_facts *facts)
{
	const char *dot = strrchr(buf_str(&facts->name), '.');
	const char *slash = strrchr(buf_str(&facts->type), '/');
	const char *mark = dot && dot[1] ? dot + 1 : slash ? slash + 1 : "";
	html_add(html, "<span class=\"mark\">");
	if (!facts->there)
		html_add(html, "missing");
	else if (strlen(mark) <= EXTENSION_MOST)
		html_string(html, mark);
	html_add(html, "</span>");
}

static void add_name(
    struct html *html, const struct file_facts *facts, size_t most)
{
	html_add(html, "<bdi>");
	if (facts->name.len)
		html_cut(html, buf_str(&facts->name), facts->name.len, most);
	else
		html_add(html, "no name");
	html_add(html, "</bdi>");
}

static void write_tile(
    struct html *html, const struct row_id *id, const struct file_facts *facts)
{
	html_add(html, "<li><a href=\"");
	add_link(html, "file", id->id, id->len);
	html_add(html, "\">");
	if (file_facts_is_picture(facts)) {
		html_add(html, "<img loading=\"lazy\" alt=\"\" src=\"");
		add_link(html, "object", id->id, id->len);
		html_add(html, "\">");
	} else {
		add_mark(html, facts);
	}
	html_add(html, "<b>");
	add_name(html, facts, NAME_MOST);
	html_add(html, "</b><small>");
	if (facts->there)
		html_size(html, facts->size);
	else
		html_add(html, "no contents");
	html_add(html, "</small></a></li>\n");
}

static int write_tiles(const struct view *view, const struct listing *listing)
{
	int r = 0;
	html_add(view->html, "<ul class=\"files\">\n");
	for (size_t i = 0; r == 0 && i < listing->count; i++) {
		struct row_id id;
		struct file_facts facts;
		row_read_id(listing->rows[i], &id);
		r = file_facts_read(
		    view->site->store, listing->rows[i], &facts);
		if (r < 0)
			break;
		write_tile(view->html, &id, &facts);
		file_facts_done(&facts);
	}
	html_add(view->html, "</ul>\n");
	return r;
}

static int list(const struct view *view, uint64_t page, int64_t limit,
    struct listing *ret_listing)
{
	struct store *store = view->site->store;
	const struct listing_query query = {
	    .page = (int64_t)page, .limit = limit};
	return listing_run(store, store_files(store), &query, ret_listing);
}

int file_pages_add_newest(const struct view *view)
{
	struct listing listing;
	int r = list(view, 1, NEWEST, &listing);
	if (r < 0)
		return r;
	if (listing.count > 0)
		r = write_tiles(view, &listing);
	listing_done(&listing);
	return r;
}

static int write_list(const struct view *view, const struct listing *listing,
    const struct pager *pager)
{
	static const char title[] = "Stored files";
	struct html *html = view->html;
	frame_begin(view, title, strlen(title));
	frame_open(view);
	html_add(html, "<h1>Stored files</h1>\n<p class=\"sub\">");
	html_count(html, listing->total);
	html_format(html, " file%s%s</p>\n", listing->total == 1 ? "" : "s",
	    listing->total > 1 ? ", the newest first" : "");
	int r = listing->count > 0 ? write_tiles(view, listing) : 0;
	frame_add_pager(view, pager, NULL);
	frame_end(view);
	return r;
}

int file_pages_list(const struct view *view)
{
	struct store *store = view->site->store;
	struct listing listing;
	store_read_lock(store);
	uint64_t total = table_count(store_files(store));
	store_unlock(store);
	struct pager pager = frame_pager(view->request, total, FILES_A_PAGE);
	int r = list(view, pager.page, FILES_A_PAGE, &listing);
	if (r == 0) {
		r = write_list(view, &listing, &pager);
		listing_done(&listing);
	}
	return r;
}

/* ---- one of them ---- */

/* The contents, as far as a page can show them. */
static void add_contents(
    struct html *html, const struct file_facts *facts, const struct param *id)
{
	switch (media_of(buf_str(&facts->type))) {
	case MEDIA_PICTURE:
		html_add(html, "<img class=\"whole\" alt=\"\" src=\"");
		break;
	case MEDIA_SOUND:
		html_add(html, "<audio controls preload=\"none\" src=\"");
		break;
	case MEDIA_FILM:
		html_add(html, "<video controls preload=\"metadata\" src=\"");
		break;
	default:
		return;
	}
	add_link(html, "object", id->value, id->len);
	html_add(html, "\">");
	if (media_of(buf_str(&facts->type)) == MEDIA_SOUND)
		html_add(html, "</audio>");
	if (media_of(buf_str(&facts->type)) == MEDIA_FILM)
		html_add(html, "</video>");
	html_add(html, "\n");
}

static void add_links(
    struct html *html, const struct file_facts *facts, const struct param *id)
{
	html_add(html, "<p class=\"links\">");
	if (media_opens(buf_str(&facts->type))) {
		html_add(html, "<a href=\"");
		add_link(html, "object", id->value, id->len);
		html_add(html, "\">Open</a> ");
	}
	html_add(html, "<a download=\"");
	html_text(html, buf_str(&facts->name), facts->name.len);
	html_add(html, "\" href=\"");
	add_link(html, "object", id->value, id->len);
	html_add(html, "\">Save</a></p>\n");
}

static int write_file(const struct view *view, const struct file_facts *facts,
    const struct param *id)
{
	struct html *html = view->html;
	struct json_span metadata = {buf_str(&facts->text), facts->text.len};
	CLEANUP_BUF struct buf own;
	buf_init(&own, BUF_MAX_DEFAULT);
	int r = buf_add(&own, id->value, id->len);
	if (r < 0)
		return r;
	frame_begin(view, buf_str(&facts->name), facts->name.len);
	frame_add_step(view, NULL);
	frame_open(view);
	html_add(html, "<h1>");
	add_name(html, facts, facts->name.len);
	html_add(html, "</h1>\n<p class=\"sub\">");
	if (facts->there)
		html_size(html, facts->size);
	else
		html_add(html, "Its contents are not in what is served.");
	html_add(html, "</p>\n");
	if (facts->there) {
		add_contents(html, facts, id);
		add_links(html, facts, id);
	}
	html_add(html, "<div class=\"record\">");
	r = value_view_write(view, metadata, &own);
	html_add(html, "</div>\n");
	frame_end(view);
	return r;
}

int file_pages_view(const struct view *view)
{
	struct store *store = view->site->store;
	const struct param *id = params_find(&view->request->params, "id");
	struct file_facts facts;
	row_t row;
	if (!id ||
	    store_get(store, store_files(store), id->value, id->len, &row) < 0)
		return -ENOENT;
	int r = file_facts_read(store, row, &facts);
	row_unref(row);
	if (r == 0) {
		r = write_file(view, &facts, id);
		file_facts_done(&facts);
	}
	return r;
}
