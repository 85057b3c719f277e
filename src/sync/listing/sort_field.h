/*
 * Inside sync/: a field of records by which they may be sorted, and in what
 * order its values came. Pure.
 */
#ifndef SYNC_LISTING_SORT_FIELD_H
#define SYNC_LISTING_SORT_FIELD_H

#include <stdbool.h>

#include "base/buf.h"
#include "json/json.h"

#define FIELD_NAME_MAX 64

struct sort_field {
	char name[FIELD_NAME_MAX];
	bool told;   /* a value came ... */
	bool broken; /* ... or was missing, or cannot be compared */
	bool number;
	bool falls; /* one is less than the one before it */
	bool rises;
	int step; /* of the last value: -1, 0, 1 */
	struct buf last;
};

/* name: a member's, as it stands in the text. False: records are better not
 * sorted by it; else sort_field_done is owed. */
bool sort_field_init(struct sort_field *field, struct json_span name);
void sort_field_done(struct sort_field *field);

/* The next record's value; of none, text is NULL. Strings are compared by their
 * bytes, as they stand. 0 or -ENOMEM. */
int sort_field_add(struct sort_field *field, struct json_span value);

#endif
