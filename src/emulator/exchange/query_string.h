/* The parameters of a query. Pure. */
#ifndef EMULATOR_QUERY_STRING_H
#define EMULATOR_QUERY_STRING_H

#include <stdbool.h>
#include <stddef.h>

/* There is room for so many. */
#define PARAMS_MAX 64

struct param {
	char *name;
	char *value; /* NUL-terminated, but may hold NULs */
	size_t len;
};

struct params {
	struct param items[PARAMS_MAX];
	size_t count;
	bool too_many; /* there were more */
};

/* query may be NULL: no parameters. 0 or -ENOMEM. */
int params_init(struct params *params, const char *query);

/* Free them. */
void params_done(struct params *params);

/* The first parameter of that name, or NULL. Borrowed. */
const struct param *params_find(const struct params *params, const char *name);

/* Its value; NULL: there is no such parameter. Borrowed. */
const char *params_get(const struct params *params, const char *name);

#endif
