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

#include "base/buf.h"
#include "json/json.h"

/* No such time in the record's text. */
#define RECORD_NO_TIME INT64_MIN

/* The largest text or body that is held in memory. */
#define RECORD_TEXT_MAX ((size_t)1 << 30)

/* Where bytes are: in memory, or in a file at an offset. */
struct place {
	char *owned;	    /* freed with the record, or NULL */
	const char *memory; /* NULL: in the file */
	char *path;	    /* owned */
	uint64_t offset;
	uint64_t len;
};

void place_done(struct place *place);

/* Open a place's file, which no link leads to: what was looked at when it was
 * loaded is read, or nothing. The descriptor, or -errno. */
int place_open(const struct place *place);

/* Append the bytes. 0, -ENOMEM, -EMSGSIZE, -EIO (the file has become
 * shorter), or what open and read say. */
int place_read(const struct place *place, struct buf *out);

struct record {
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
int record_new(const char *id, size_t id_len, struct place text,
    struct place object, struct record **ret_record);
struct record *record_ref(struct record *record);
void record_unref(struct record *record);

/* Give a record that nobody else has yet its object; the place is empty
 * then. */
void record_take_object(struct record *record, struct place *object);

/* Copy bytes into memory of the place's own. 0 or -ENOMEM. */
int place_copy(const char *data, size_t len, struct place *ret_place);

/*
 * What a record's text says of itself; ret_id gets the member id, else _id,
 * when it is a string (a number's token counts), and stays empty without one.
 * 0, -EPROTO when the text is no JSON object, -ENOMEM.
 */
int record_read_members(const char *text, size_t len, struct buf *ret_id,
    int64_t *ret_created_ms, int64_t *ret_updated_ms);

/* A timestamp token's time, or RECORD_NO_TIME. */
int64_t record_time(struct json_span token);

#endif
