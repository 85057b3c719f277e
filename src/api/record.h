/*
 * What the program needs to know of a record, taken from its text. Called here
 * for single answers, and by sync/ for each record that comes. Pure and
 * thread-safe.
 */
#ifndef API_RECORD_H
#define API_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/date_form.h"
#include "base/buf.h"
#include "json/json.h"

/* The longest id and original name that are accepted, in bytes. */
#define RECORD_ID_MAX ((size_t)64 << 10)

/* A record without a date. */
#define RECORD_NO_DATE (-1)

/* No stored file is larger than 8 PiB: up to there every reader of JSON gets
 * a number right, and sums of sizes and windows are far from overflowing. A
 * claim beyond it is none. */
#define RECORD_SIZE_MAX (INT64_C(1) << 53)

struct record {
	struct json_span text; /* borrowed: the record as the server sent it */
	uint64_t pretty_size;  /* of its text as json_pretty lays it out */
	struct buf id;	       /* decoded bytes, never empty */
	bool number;	       /* the id stands there without quotes */
	/* In milliseconds since 1970, before it negative. A date is in any form
	 * that json_date reads; one that it cannot read counts as absent. */
	int64_t mtime_ms;   /* updatedAt, else createdAt, else 0 */
	int64_t created_ms; /* createdAt, else -1 */
	int64_t updated_ms; /* updatedAt, else -1. A date that is -1 itself, 1
			       ms before 1970, cannot be told from none here */
	unsigned created_form; /* how they are written: date_form.h */
	unsigned updated_form;
	/* Of a stored file's metadata: */
	struct buf original_name;
	int64_t size; /* as claimed; -1 when missing, no number or too much */
};

/* Parse text, which must be one valid JSON object. 0 (record_done is owed);
 * -EPROTO when it is none or has no id (neither id nor _id); -ENOMEM. */
int record_parse(const char *text, size_t len, struct record *ret_record);

/* Let go of what record_parse has made. */
void record_done(struct record *record);

/*
 * Take the payload out of a single answer: the object itself when it carries
 * the id asked for (id NULL: none was), else what {"success":true,"data":…}
 * holds, else the object itself. A byte order mark in front is passed over. 0,
 * -EPROTO or -ENOMEM.
 */
int record_unwrap(const char *text, size_t len, const char *id, size_t id_len,
    struct json_span *ret_payload);

#endif
