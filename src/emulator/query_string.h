/* Percent-encoding, and the parameters of a query. Pure. */
#ifndef EMULATOR_QUERY_STRING_H
#define EMULATOR_QUERY_STRING_H

#include <stddef.h>

#include "base/buf.h"

/* More parameters than this are ignored. */
#define PARAMS_MAX 64

struct param {
	char *name;
	char *value; /* NUL-terminated, but may hold NULs */
	size_t len;
};

struct params {
	struct param items[PARAMS_MAX];
	size_t count;
};

/* Append text decoded; a '%' without two hex digits stands for itself. With
 * plus, '+' is a space. 0, -ENOMEM or -EMSGSIZE. */
int percent_decode(const char *text, size_t len, int plus, struct buf *out);

/* Append data; all but unreserved characters (RFC 3986) become %XX. */
int percent_encode(const char *data, size_t len, struct buf *out);

/* query may be NULL: no parameters. 0 or -ENOMEM. */
int params_init(struct params *params, const char *query);
void params_done(struct params *params);

/* The first parameter of that name, or NULL. Borrowed. */
const struct param *params_find(const struct params *params, const char *name);
const char *params_get(const struct params *params, const char *name);

#endif
