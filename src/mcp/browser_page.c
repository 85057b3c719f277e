#include "mcp/browser_page.h"

#include "base/log.h"

#define TEXT_MAX 1000

static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width\">\n"
    "<meta name=\"color-scheme\" content=\"light dark\">\n"
    "<style>\n"
    "body { max-width: 32em; margin: 18vh auto 0; padding: 0 1.2em;"
    " font: 1.1em/1.5 system-ui, sans-serif; overflow-wrap: anywhere }\n"
    "h1 { font-size: 1.4em; font-weight: 600; margin: 0 0 .4em }\n"
    "p { margin: 0 }\n"
    "</style>\n";

static int add_text(struct buf *out, const char *text)
{
	char safe[TEXT_MAX];
	int r = 0;
	log_make_safe(text, safe, sizeof(safe));
	for (const char *c = safe; r == 0 && *c; c++) {
		switch (*c) {
		case '&':
			r = buf_adds(out, "&amp;");
			break;
		case '<':
			r = buf_adds(out, "&lt;");
			break;
		case '>':
			r = buf_adds(out, "&gt;");
			break;
		case '"':
			r = buf_adds(out, "&quot;");
			break;
		case '\'':
			r = buf_adds(out, "&#39;");
			break;
		default:
			r = buf_addc(out, *c);
		}
	}
	return r;
}

int browser_page(struct buf *out, const char *title, const char *message)
{
	int r = buf_adds(out, head);
	if (r == 0)
		r = buf_adds(out, "<title>bkendfs: ");
	if (r == 0)
		r = add_text(out, title);
	if (r == 0)
		r = buf_adds(out, "</title>\n<h1>");
	if (r == 0)
		r = add_text(out, title);
	if (r == 0)
		r = buf_adds(out, "</h1>\n<p>");
	if (r == 0)
		r = add_text(out, message);
	return r == 0 ? buf_adds(out, "</p>\n</html>\n") : r;
}
