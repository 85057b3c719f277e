/* Records put together anew out of their own tokens: a selection of members,
 * or one member with another value. Tokens stay as they are. Pure. */
#ifndef EMULATOR_PROJECT_H
#define EMULATOR_PROJECT_H

#include "json/json.h"

/* More selected names than this, with those that always come, are refused. */
#define PROJECT_MAX 64

/* What select asks for, and the members that always come. */
struct projection {
	const char *names[PROJECT_MAX];
	size_t count;
	char *text; /* owned, what names point into */
};

/* select is comma-separated. 0; -E2BIG (too many names); -ENOMEM. Done must be
 * called anyway. */
int projection_init(struct projection *projection, const char *select);
/* Free what it holds. */
void projection_done(struct projection *projection);

/* Append the selected members of an object's text as an object.
 * 0, -EPROTO, -ENOMEM or -EMSGSIZE. */
int projection_apply(const struct projection *projection, const char *text,
    size_t len, struct buf *out);

/* Append text with the top-level member name set to the JSON text value, or
 * without it where value is NULL. Without such a member, value is added at
 * the end. Errors as above. */
int project_replace(const char *text, size_t len, const char *name,
    const char *value, struct buf *out);

#endif
