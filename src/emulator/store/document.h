/*
 * A record, or a stored file (its metadata is a record, with an object beside
 * it). What is kept in memory is the id, the times and where the text is.
 * Immutable, shared by reference counts; thread-safe.
 */
#ifndef EMULATOR_DOCUMENT_H
#define EMULATOR_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "emulator/store/place.h"
#include "json/json.h"

/* No such time in the record's text. */
#define DOCUMENT_NO_TIME INT64_MIN

/* The largest text or body that is held in memory. */
#define DOCUMENT_TEXT_MAX ((size_t)1 << 30)

struct document {
	int refs;  /* atomic */
	bool keep; /* --mutate must not delete it */
	int64_t created_ms;
	int64_t updated_ms;
	struct place text;
	struct place object; /* len 0 and no path: no object */
	uint64_t etag;	     /* of an object in memory: its hash */
	size_t id_len;
	char *id;
};

/* Both places are taken over, also on failure. 0 or -ENOMEM. */
int document_new(const char *id, size_t id_len, struct place text,
    struct place object, struct document **ret_record);
struct document *document_ref(struct document *record);
void document_unref(struct document *record);

/* Give a record that nobody else has yet its object; the place is empty
 * then. */
void document_take_object(struct document *record, struct place *object);

/*
 * What a record's text says of itself; ret_id gets the member id, else _id,
 * when it is a string (a number's token counts), and stays empty without one.
 * 0, -EPROTO when the text is no JSON object, -ENOMEM.
 */
int document_read_members(const char *text, size_t len, struct buf *ret_id,
    int64_t *ret_created_ms, int64_t *ret_updated_ms);

/* A timestamp token's time, or DOCUMENT_NO_TIME. */
int64_t document_time(struct json_span token);

#endif
