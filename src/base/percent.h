/*
 * Percent-encoding, as URLs have it (RFC 3986). Pure and thread-safe. Whoever
 * puts foreign text into a URL encodes it here; the emulator decodes it.
 */
#ifndef BASE_PERCENT_H
#define BASE_PERCENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* Append data; all but unreserved characters become %XX. 0, -ENOMEM or
 * -EMSGSIZE (then a part was added). */
int percent_encode(const char *data, size_t len, struct buf *out);

/* Append text decoded; a '%' without two hex digits stands for itself. With
 * plus, '+' is a space. 0, -ENOMEM or -EMSGSIZE (nothing is added). */
int percent_decode(const char *text, size_t len, bool plus, struct buf *out);

#endif
