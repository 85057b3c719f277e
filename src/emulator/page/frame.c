#include "emulator/page/frame.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"

void frame_begin(const struct view *view, const char *title, size_t len)
{
	struct html *html = view->html;
	html_add(html,
	    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
	    "<meta charset=\"utf-8\">\n"
	    "<meta name=\"viewport\" content=\"width=device-width, "
	    "initial-scale=1\">\n"
	    "<meta name=\"color-scheme\" content=\"light dark\">\n"
	    "<link rel=\"stylesheet\" href=\"style.css\">\n"
	    "<link rel=\"icon\" href=\"icon.svg\" type=\"image/svg+xml\">\n"
	    "<title>");
	if (title) {
		html_cut(html, title, len, 80);
		html_add(html, " · ");
	}
	html_string(html, view->site->project);
	html_add(html, "</title>\n</head>\n<body>\n<header>\n<nav><a href=\"."
		       "/\"><bdi>");
	html_string(html, view->site->project);
	html_add(html, "</bdi></a>");
}

void frame_add_step(const struct view *view, const char *table)
{
	struct html *html = view->html;
	html_add(html, "<i>/</i>");
	if (!table) {
		html_add(html, "<a href=\"files\">Stored files</a>");
		return;
	}
	html_add(html, "<a href=\"table?name=");
	html_query(html, table, strlen(table));
	html_add(html, "\"><bdi>");
	html_string(html, table);
	html_add(html, "</bdi></a>");
}

void frame_open(const struct view *view)
{
	html_add(view->html, "</nav>\n</header>\n<main>\n");
}

void frame_end(const struct view *view)
{
	html_add(view->html,
	    "</main>\n<footer>Read-only, served by bkend-emulator "
	    "on this machine.</footer>\n</body>\n</html>\n");
}

struct pager frame_pager(
    const struct request *request, uint64_t total, uint64_t limit)
{
	const char *text = params_get(&request->params, "page");
	struct pager pager = {1, total ? (total + limit - 1) / limit : 1};
	int64_t page;
	if (text && number_parse(text, 1, INT64_MAX, &page) == 0)
		pager.page = (uint64_t)page;
	if (pager.page > pager.pages)
		pager.page = pager.pages;
	return pager;
}

/* The address of a list, up to its page's number. */
static void add_link(const struct view *view, const char *table, uint64_t page,
    bool there, const char *text)
{
	struct html *html = view->html;
	if (!there) {
		html_format(html, "<span>%s</span>", text);
		return;
	}
	html_add(html, table ? "<a href=\"table?name=" : "<a href=\"files?");
	if (table) {
		html_query(html, table, strlen(table));
		html_add(html, "&amp;");
	}
	html_format(html, "page=%" PRIu64 "\">%s</a>", page, text);
}

/* Straight to a page. */
static void add_jump(
    const struct view *view, const struct pager *pager, const char *table)
{
	struct html *html = view->html;
	html_format(html, "<form action=\"%s\">", table ? "table" : "files");
	if (table) {
		html_add(html, "<input type=\"hidden\" name=\"name\" value=\"");
		html_string(html, table);
		html_add(html, "\">");
	}
	html_format(html,
	    "<label>Page <input name=\"page\" inputmode=\"numeric\" "
	    "size=\"%zu\" value=\"%" PRIu64 "\"></label> of ",
	    (size_t)snprintf(NULL, 0, "%" PRIu64, pager->pages), pager->page);
	html_count(html, pager->pages);
	html_add(html, "</form>");
}

void frame_add_pager(
    const struct view *view, const struct pager *pager, const char *table)
{
	bool earlier = pager->page > 1, later = pager->page < pager->pages;
	if (pager->pages < 2)
		return;
	html_add(view->html, "<nav class=\"pager\" aria-label=\"Pages\">");
	add_link(view, table, 1, earlier, "First");
	add_link(view, table, pager->page - 1, earlier, "Previous");
	add_jump(view, pager, table);
	add_link(view, table, pager->page + 1, later, "Next");
	add_link(view, table, pager->pages, later, "Last");
	html_add(view->html, "</nav>\n");
}
