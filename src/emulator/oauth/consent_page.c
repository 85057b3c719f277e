#include "emulator/oauth/consent_page.h"

#include <string.h>

#include "emulator/exchange/signer.h"

#define NONCE_BYTES 16
#define NONCE_SIZE (2 * NONCE_BYTES + 1)

static const char style[] =
    ":root{color-scheme:light dark;--ink:#1c2126;--soft:#5c6670;"
    "--paper:#fff;--desk:#f3f4f2;--line:#dcdfdb;--yes:#1f6f4a;"
    "--yes-ink:#fff;--bad:#a3291f}"
    "@media(prefers-color-scheme:dark){:root{--ink:#e6e8e6;"
    "--soft:#9aa4a0;--paper:#1d2123;--desk:#131617;--line:#343a3c;"
    "--yes:#57b98a;--yes-ink:#0c1a13;--bad:#f0998f}}"
    "*{box-sizing:border-box}"
    "body{margin:0;min-height:100vh;display:grid;place-items:center;"
    "padding:1rem;background:var(--desk);color:var(--ink);"
    "font:1rem/1.5 system-ui,sans-serif}"
    "main{width:100%;max-width:29rem;padding:1.75rem;background:var(--paper);"
    "border:1px solid var(--line);border-radius:.75rem;"
    "overflow-wrap:anywhere}"
    "h1{margin:0 0 .75rem;font-size:1.35rem;line-height:1.3}"
    "p{margin:0 0 1rem}dl{margin:0 0 1.25rem;padding:.5rem 0;"
    "border:solid var(--line);border-width:1px 0}"
    "dt{margin-top:.5rem;color:var(--soft);font-size:.85rem}"
    "dd{margin:0 0 .5rem}"
    ".soft{color:var(--soft);font-size:.9rem}.bad{color:var(--bad)}"
    "label{display:block;margin-bottom:1rem}"
    "input{display:block;width:100%;margin-top:.25rem;padding:.6rem;"
    "font:inherit;color:inherit;background:transparent;"
    "border:1px solid var(--line);border-radius:.4rem}";

/* The longest literal that C promises is 4,095 bytes. */
static const char style_end[] =
    "div{display:flex;gap:.75rem;flex-wrap:wrap}"
    "button{flex:1 1 8rem;padding:.7rem 1rem;font:inherit;font-weight:600;"
    "color:inherit;background:transparent;border:1px solid var(--line);"
    "border-radius:.4rem;cursor:pointer}"
    "button[value=allow]{color:var(--yes-ink);background:var(--yes);"
    "border-color:var(--yes)}"
    ":focus-visible{outline:3px solid var(--yes);outline-offset:2px}"
    "code{font:.95em ui-monospace,monospace}";

static int add_escaped(struct buf *out, const char *text)
{
	int r = 0;
	for (; r == 0 && *text; text++) {
		if (strchr("&<>\"'", *text))
			r = buf_printf(out, "&#%d;", *text);
		else if ((unsigned char)*text < ' ' || *text == '\x7f')
			r = buf_addc(out, ' ');
		else
			r = buf_addc(out, *text);
	}
	return r;
}

/* All up to the words. source: where the form's answer may lead, or "". */
static int begin(
    struct reply *reply, int status, const char *title, const char *source)
{
	char nonce[NONCE_SIZE];
	struct buf *out = &reply->body;
	int r = signer_random_hex(nonce, NONCE_BYTES);
	if (r < 0)
		return r;
	reply->status = status;
	reply->type = "text/html; charset=utf-8";
	reply_add_header(reply, "Content-Security-Policy",
	    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; "
	    "style-src 'nonce-%s'; form-action 'self'%s%s",
	    nonce, *source ? " " : "", source);
	reply_add_header(reply, "X-Frame-Options", "DENY");
	reply_add_header(reply, "X-Content-Type-Options", "nosniff");
	/* With "no-referrer" a form's Origin would be null. */
	reply_add_header(reply, "Referrer-Policy", "same-origin");
	reply_add_header(reply, "Cross-Origin-Opener-Policy", "same-origin");
	reply_add_header(reply, "Cross-Origin-Resource-Policy", "same-origin");
	return buf_printf(out,
	    "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
	    "<meta name=\"viewport\" content=\"width=device-width\">\n"
	    "<title>%s – bkend-emulator</title>\n"
	    "<style nonce=\"%s\">%s%s</style>\n<main>\n",
	    title, nonce, style, style_end);
}

static int add_row(struct buf *out, const char *name, const char *value)
{
	int r = buf_printf(out, "<dt>%s</dt><dd><code>", name);
	if (r == 0)
		r = add_escaped(out, value);
	return r == 0 ? buf_adds(out, "</code></dd>\n") : r;
}

/* name, source and base: the program's name, where its answer goes, and who we
 * are. */
static int add_words(struct buf *out, const char *name,
    const struct grant_wish *wish, const char *source, const char *base)
{
	int r = buf_adds(out, "<h1>Allow <bdi>");
	if (r == 0)
		r = add_escaped(out, name);
	if (r == 0)
		r = buf_adds(out,
		    "</bdi>?</h1>\n<p>A program that calls itself so asks to "
		    "see the names of this project’s tables.</p>\n<dl>\n");
	if (r == 0)
		r = add_row(out, "Scope", wish->scope);
	if (r == 0)
		r = add_row(out, "The answer goes to", source);
	if (r == 0)
		r = add_row(out, "The project is served by", base);
	if (r == 0)
		r = buf_adds(out,
		    "</dl>\n<p class=\"soft\">Nothing here can be changed, "
		    "whatever is allowed. If it was not you who started this "
		    "just now, deny it.</p>\n");
	return r;
}

static int add_password(struct buf *out, const char *email, bool mistaken)
{
	int r = buf_adds(out, "<label>Password of ");
	if (r == 0)
		r = add_escaped(out, email);
	if (r == 0)
		r = buf_printf(out,
		    "%s<input type=\"password\" name=\"password\" autofocus "
		    "autocomplete=\"current-password\"></label>\n",
		    mistaken ? " <b class=\"bad\">That was not it.</b>" : "");
	return r;
}

static int add_form(struct buf *out, const struct consent_page *page)
{
	int r = buf_printf(out,
	    "<form method=\"post\" action=\"/mcp/oauth/authorize\">\n"
	    "<input type=\"hidden\" name=\"consent\" value=\"%s\">\n",
	    page->consent);
	if (r == 0 && page->email)
		r = add_password(out, page->email, page->mistaken);
	if (r == 0)
		r = buf_adds(out,
		    "<div><button name=\"decision\" value=\"allow\">Allow"
		    "</button>\n<button name=\"decision\" value=\"deny\">Deny"
		    "</button></div>\n</form>\n</main>\n</html>\n");
	return r;
}

int consent_page_ask(const struct consent_page *page,
    const struct request *request, struct reply *reply)
{
	CLEANUP_BUF struct buf source, base;
	buf_init(&source, BUF_MAX_DEFAULT);
	buf_init(&base, BUF_MAX_DEFAULT);
	int r = redirect_add_source(page->wish->redirect_uri, &source);
	if (r == 0)
		r = request_add_base(request, &base);
	if (r == 0)
		r = begin(reply, 200, "Allow a program?", buf_str(&source));
	if (r == 0)
		r = add_words(&reply->body, page->name, page->wish,
		    buf_str(&source), buf_str(&base));
	return r == 0 ? add_form(&reply->body, page) : r;
}

int consent_page_refuse(
    struct reply *reply, int status, const char *title, const char *text)
{
	int r = begin(reply, status, title, "");
	if (r == 0)
		r = buf_printf(&reply->body,
		    "<h1>%s</h1>\n<p>%s</p>\n</main>\n</html>\n", title, text);
	return r;
}
