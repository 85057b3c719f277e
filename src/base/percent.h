/*
 * Percent-encoding, as URLs have it (RFC 3986), for whoever puts foreign text
 * into one or takes it out, and for the tree's names. Pure and thread-safe.
 */
#ifndef BASE_PERCENT_H
#define BASE_PERCENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* Whether an escape stands at the beginning of text: %XX, hex digits of either
 * case. */
bool percent_is_escape(const char *text, size_t len);

/* Append data, each of its bytes as %XX. 0, -ENOMEM or -EMSGSIZE (then a part
 * was added). */
int percent_escape(const char *data, size_t len, struct buf *out);

/* Append data; all but unreserved characters become %XX. 0, -ENOMEM or
 * -EMSGSIZE (then a part was added). */
int percent_encode(const char *data, size_t len, struct buf *out);

/* Append text decoded; a '%' without two hex digits stands for itself. With
 * plus, '+' is a space. 0, -ENOMEM or -EMSGSIZE (nothing is added). */
int percent_decode(const char *text, size_t len, bool plus, struct buf *out);

#endif
