/* What a page of HTML looks like: such as that of a proxy, in the place of what
 * was asked for. Pure and thread-safe. */
#ifndef HTTP_PAGE_H
#define HTTP_PAGE_H

#include <stdbool.h>
#include <stddef.h>

/* Whether a body that begins so is one, whatever its Content-Type says. The
 * beginnings are some of those by which browsers know HTML (WHATWG, MIME
 * Sniffing, 7.1), the ones that a whole page has. */
bool page_begins(const char *body, size_t len);

#endif
