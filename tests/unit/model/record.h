/*
 * What the world's records look like: ids, dates and texts, in the style that
 * the run's traits say.
 */
#ifndef MODEL_RECORD_H
#define MODEL_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/* The values of the trait dates. */
enum {
	DATES_ISO_MS,
	DATES_ISO_S,
	DATES_NO_UPDATED,
	DATES_NONE,
	DATES_SOME_NONE,
	DATES_SPACE,
	DATES_SHORT_OFFSET,
	DATES_LOWER_CASE,
	DATES_NO_ZONE,
	DATES_EPOCH_MS,
	DATES_EPOCH_S,
	DATES_WRAPPED,
	DATES_NULL,
	DATES_UNREADABLE,
	DATES_OFFSET,
};

struct record_id;

/* The n-th record's id. */
void record_make_id(int n, struct record_id *id);

/* A record's createdAt, or a version's updatedAt, as it stands in its text. */
void record_created_text(int record, struct buf *out);
void record_updated_text(int version, struct buf *out);

/* The number of the form that a record's dates are written in. */
unsigned record_form(int record);

/* A version's text. */
void record_text(int version, struct buf *out);

/* What the modification time of a version's file must be; -1: cannot be told.
 */
int64_t record_mtime_ms(int version);

/* Whether a record says when it was changed, and how exactly dates tell. */
bool record_is_dated(int record);
int64_t record_date_grain_ms(void);

/*
 * Whether a record ever changes. One that tells when it was made, but has no
 * word for when it was changed, does not: nothing but its text could tell, and
 * nobody would ask for that of all that never change (stored files).
 */
bool record_can_change(int record);

#endif
