#include "emulator/page/site.h"

#include <errno.h>
#include <string.h>

#include "emulator/page/file_pages.h"
#include "emulator/page/front.h"
#include "emulator/page/record_pages.h"
#include "emulator/page/style.h"

/* Nothing runs, nothing comes from elsewhere, nothing goes elsewhere, and no
 * other page has this one in a frame. */
#define POLICY                                                                 \
	"default-src 'none'; style-src 'self'; img-src 'self'; media-src "     \
	"'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

static const struct {
	const char *name;
	int (*write)(const struct view *view);
} pages[] = {
    {"", front_write},
    {"table", record_pages_list},
    {"record", record_pages_view},
    {"files", file_pages_list},
    {"file", file_pages_view},
};

void site_add_headers(struct reply *reply)
{
	reply->own_origin_only = true;
	reply_add_header(reply, "Cross-Origin-Resource-Policy", "same-origin");
	reply_add_header(reply, "Cross-Origin-Opener-Policy", "same-origin");
	reply_add_header(reply, "Referrer-Policy", "no-referrer");
	reply_add_header(reply, "X-Frame-Options", "DENY");
	/* What is served may be another project next time. */
	reply_add_header(reply, "Cache-Control", "no-store");
}

/* A page that we wrote, or something that it uses. */
static void begin(struct reply *reply, const char *type)
{
	reply->type = type;
	reply_add_header(reply, "X-Content-Type-Options", "nosniff");
	reply_add_header(reply, "Content-Security-Policy", POLICY);
}

static void answer_missing(const struct view *view, struct reply *reply)
{
	static const char title[] = "Not here";
	reply->status = 404;
	frame_begin(view, title, strlen(title));
	frame_open(view);
	html_add(view->html,
	    "<h1>Not here</h1>\n<p>What is served has no such page. It may "
	    "have had one, if it was another backup then.</p>\n"
	    "<p class=\"links\"><a href=\"./\">What there is</a></p>\n");
	frame_end(view);
}

static void answer_page(const struct site *site,
    int (*write)(const struct view *), const struct request *request,
    struct reply *reply)
{
	struct html html = {.out = &reply->body};
	const struct view view = {
	    .site = site, .request = request, .html = &html};
	begin(reply, "text/html; charset=utf-8");
	int r = write ? write(&view) : -ENOENT;
	if (r == -ENOENT) {
		answer_missing(&view, reply);
		r = 0;
	}
	reply_failure(reply, request, r < 0 ? r : html.error);
}

static void answer_text(
    const struct site *site, const struct request *request, struct reply *reply)
{
	begin(reply, "application/json; charset=utf-8");
	int r = record_pages_read_text(site, request, &reply->body);
	if (r == -ENOENT)
		answer_page(site, NULL, request, reply);
	else
		reply_failure(reply, request, r);
}

static void answer_part(const char *type, const char *data, size_t len,
    const struct request *request, struct reply *reply)
{
	begin(reply, type);
	reply_failure(reply, request, buf_add(&reply->body, data, len));
}

void site_answer(const struct site *site, const char *name,
    const struct request *request, struct reply *reply)
{
	site_add_headers(reply);
	if (strcmp(name, "style.css") == 0) {
		answer_part("text/css; charset=utf-8", style_sheet,
		    style_sheet_size, request, reply);
		return;
	}
	if (strcmp(name, "icon.svg") == 0) {
		answer_part("image/svg+xml", style_icon, style_icon_size,
		    request, reply);
		return;
	}
	if (strcmp(name, "text") == 0) {
		answer_text(site, request, reply);
		return;
	}
	size_t i = 0;
	while (i < ARRAY_SIZE(pages) && strcmp(name, pages[i].name) != 0)
		i++;
	answer_page(site, i < ARRAY_SIZE(pages) ? pages[i].write : NULL,
	    request, reply);
}

void site_answer_locked(struct reply *reply)
{
	struct html html = {.out = &reply->body};
	site_add_headers(reply);
	begin(reply, "text/html; charset=utf-8");
	reply->status = 403;
	html_add(&html,
	    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
	    "<meta charset=\"utf-8\">\n"
	    "<meta name=\"viewport\" content=\"width=device-width, "
	    "initial-scale=1\">\n"
	    "<meta name=\"color-scheme\" content=\"light dark\">\n"
	    "<link rel=\"stylesheet\" href=\"/page/style.css\">\n"
	    "<link rel=\"icon\" href=\"/page/icon.svg\">\n"
	    "<title>bkend-emulator</title>\n</head>\n<body>\n<main>\n"
	    "<h1>A backup is served here</h1>\n<p>It is its owner's alone. "
	    "Open the link that bkend-emulator printed when it started, behind "
	    "<code>BKEND_PAGE_URL=</code>.</p>\n</main>\n</body>\n</html>\n");
}
