/*
 * A record, or a stored file (its metadata is a record, with an object beside
 * it). What is kept in memory is the id, the times and where the text is.
 *
 * Shared by reference counts. Immutable once it is in a table; before that it
 * belongs to whoever made it, and then any thread may use it that holds a
 * reference.
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

struct document;

/* What rows are found and ordered by. */
struct document_key {
	const char *id; /* NUL-terminated, but may hold NULs */
	size_t id_len;
	int64_t created_ms;
	int64_t updated_ms;
};

/* One reference. The key is copied; both places are taken over, also on
 * failure; an empty object place is none. 0 or -ENOMEM. */
int document_new(const struct document_key *key, struct place text,
    struct place object, struct document **ret_document);

/* Another reference. Returns document. */
struct document *document_ref(struct document *document);

/* Give a reference back. NULL is fine. */
void document_unref(struct document *document);

/* Give a document that nobody else has yet its object; the place is empty
 * then. */
void document_take_object(struct document *document, struct place *object);

/* Before anybody else has it: --mutate is not to delete it. */
void document_keep(struct document *document, bool keep);

/* Whether it is so. */
bool document_is_kept(const struct document *document);

/* What it goes by; borrowed. */
const struct document_key *document_key(const struct document *document);

/* Where its text is; borrowed. */
const struct place *document_text(const struct document *document);

/* Append the text. 0 or what place_read says. Any thread. */
int document_read_text(const struct document *document, struct buf *out);

/* The same, which may be in out, or in the document, where it lasts as long as
 * that: one that lies in a file is kept in memory from then on, as long as
 * there is room for it among all that are. */
int document_keep_text(
    struct document *document, struct buf *out, struct json_span *ret_text);

/* Where the object's bytes are, borrowed; NULL where there are none. */
const struct place *document_object(const struct document *document);

/* Of an object in memory: a hash of its bytes. */
uint64_t document_object_hash(const struct document *document);

/*
 * What a record's text says of itself. Into ret_id goes the member id, else
 * _id, as json_id reads it, and nothing without one;
 * ret_key borrows it from there. 0, -EPROTO when the text is no JSON object,
 * -ENOMEM; ret_key is good, without id and times, on failure too.
 */
int document_read_key(const char *text, size_t len, struct buf *ret_id,
    struct document_key *ret_key);

#endif
