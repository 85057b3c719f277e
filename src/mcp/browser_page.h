/* The page that ends a login in the browser: plain HTML that needs nothing from
 * elsewhere, and in which all text is text. Pure. Called by loopback.c. */
#ifndef MCP_BROWSER_PAGE_H
#define MCP_BROWSER_PAGE_H

#include "base/buf.h"

/* What it may do: show its own style, and nothing else. */
#define BROWSER_PAGE_POLICY                                                    \
	"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none';"      \
	" form-action 'none'; frame-ancestors 'none'"

/* Append the page. 0, -ENOMEM or -EMSGSIZE. */
int browser_page(struct buf *out, const char *title, const char *message);

#endif
