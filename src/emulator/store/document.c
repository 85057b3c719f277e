#include "emulator/store/document.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

struct document {
	int refs;  /* atomic */
	bool keep; /* --mutate must not delete it */
	struct document_key key;
	struct place text;
	struct place object; /* no memory and no path: no object */
	uint64_t object_hash;
	char *kept; /* atomic: the text, once it was read; NULL: not */
	char id[];
};

/* The texts that are kept, of all documents; no more than this. */
#define KEPT_MAX ((uint64_t)256 << 20)

static uint64_t kept_bytes; /* atomic */

int document_new(const struct document_key *key, struct place text,
    struct place object, struct document **ret_document)
{
	struct document *document =
	    calloc(1, sizeof(*document) + key->id_len + 1);
	if (!document) {
		place_done(&text);
		place_done(&object);
		return -ENOMEM;
	}
	document->refs = 1;
	document->key = *key;
	document->text = text;
	document->key.id =
	    memcpy(document->id, key->id_len ? key->id : "", key->id_len);
	document_take_object(document, &object);
	*ret_document = document;
	return 0;
}

void document_take_object(struct document *document, struct place *object)
{
	document->object = *object;
	if (object->memory)
		document->object_hash =
		    hash_fnv1a(HASH_FNV1A_INIT, object->memory, object->len);
	*object = (struct place){0};
}

void document_keep(struct document *document, bool keep)
{
	document->keep = keep;
}

bool document_is_kept(const struct document *document)
{
	return document->keep;
}

struct document *document_ref(struct document *document)
{
	__atomic_add_fetch(&document->refs, 1, __ATOMIC_RELAXED);
	return document;
}

void document_unref(struct document *document)
{
	if (!document ||
	    __atomic_sub_fetch(&document->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	place_done(&document->text);
	place_done(&document->object);
	if (document->kept) {
		__atomic_sub_fetch(
		    &kept_bytes, document->text.len, __ATOMIC_RELAXED);
		free(document->kept);
	}
	free(document);
}

const struct document_key *document_key(const struct document *document)
{
	return &document->key;
}

const struct place *document_text(const struct document *document)
{
	return &document->text;
}

/* Keep a copy of the text, if there is room; nothing is lost if not. */
static void keep(struct document *document, const char *text)
{
	uint64_t len = document->text.len;
	char *copy = NULL, *none = NULL;
	if (__atomic_add_fetch(&kept_bytes, len, __ATOMIC_RELAXED) <= KEPT_MAX)
		copy = malloc(len + 1);
	if (copy) {
		memcpy(copy, text, len);
		if (__atomic_compare_exchange_n(&document->kept, &none, copy,
			false, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
			return;
	}
	free(copy);
	__atomic_sub_fetch(&kept_bytes, len, __ATOMIC_RELAXED);
}

int document_read_text(const struct document *document, struct buf *out)
{
	const char *kept = __atomic_load_n(&document->kept, __ATOMIC_ACQUIRE);
	return kept ? buf_add(out, kept, document->text.len)
		    : place_read(&document->text, out);
}

int document_keep_text(
    struct document *document, struct buf *out, struct json_span *ret_text)
{
	const char *kept = __atomic_load_n(&document->kept, __ATOMIC_ACQUIRE);
	if (!kept && !place_is_file(&document->text))
		kept = document->text.memory;
	if (!kept) {
		size_t before = out->len;
		int r = place_read(&document->text, out);
		if (r < 0)
			return r;
		kept = buf_str(out) + before;
		keep(document, kept);
	}
	*ret_text = (struct json_span){kept, document->text.len};
	return 0;
}

const struct place *document_object(const struct document *document)
{
	const struct place *object = &document->object;
	return place_is_set(object) ? object : NULL;
}

uint64_t document_object_hash(const struct document *document)
{
	return document->object_hash;
}

/* ---- what a text says of itself ---- */

static int64_t read_time(struct json_span token)
{
	int64_t ms;
	return json_date(token, &ms) < 0 ? DOCUMENT_NO_TIME : ms;
}

/* As a mount reads it: else its copy holds records that are not found. */
static int read_id(const struct json_span tokens[2], struct buf *ret_id)
{
	int r = json_id(tokens[0], ret_id);
	if (r == -EPROTO) {
		buf_clear(ret_id);
		r = json_id(tokens[1], ret_id);
	}
	if (r == -EPROTO)
		buf_clear(ret_id);
	return r == -EPROTO ? 0 : r;
}

int document_read_key(const char *text, size_t len, struct buf *ret_id,
    struct document_key *ret_key)
{
	static const char *const names[] = {
	    "id", "_id", "createdAt", "updatedAt"};
	struct json_span spans[ARRAY_SIZE(names)];
	*ret_key = (struct document_key){
	    .id = "",
	    .created_ms = DOCUMENT_NO_TIME,
	    .updated_ms = DOCUMENT_NO_TIME,
	};
	int r = json_members(text, len, names, ARRAY_SIZE(names), spans);
	if (r == 0)
		r = read_id(spans, ret_id);
	if (r < 0)
		return r;
	ret_key->id = buf_str(ret_id);
	ret_key->id_len = ret_id->len;
	ret_key->created_ms = read_time(spans[2]);
	ret_key->updated_ms = read_time(spans[3]);
	return 0;
}
