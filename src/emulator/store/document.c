#include "emulator/store/document.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

int document_new(const char *id, size_t id_len, struct place text,
    struct place object, struct document **ret_record)
{
	struct document *record = calloc(1, sizeof(*record));
	char *copy = malloc(id_len + 1);
	if (!record || !copy) {
		free(record);
		free(copy);
		place_done(&text);
		place_done(&object);
		return -ENOMEM;
	}
	memcpy(copy, id, id_len);
	copy[id_len] = '\0';
	*record = (struct document){
	    .refs = 1,
	    .created_ms = DOCUMENT_NO_TIME,
	    .updated_ms = DOCUMENT_NO_TIME,
	    .text = text,
	    .id = copy,
	    .id_len = id_len,
	};
	document_take_object(record, &object);
	*ret_record = record;
	return 0;
}

void document_take_object(struct document *record, struct place *object)
{
	record->object = *object;
	if (object->memory)
		record->etag =
		    hash_fnv1a(HASH_FNV1A_INIT, object->memory, object->len);
	*object = (struct place){0};
}

struct document *document_ref(struct document *record)
{
	__atomic_add_fetch(&record->refs, 1, __ATOMIC_RELAXED);
	return record;
}

void document_unref(struct document *record)
{
	if (!record ||
	    __atomic_sub_fetch(&record->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	place_done(&record->text);
	place_done(&record->object);
	free(record->id);
	free(record);
}

int64_t document_time(struct json_span token)
{
	int64_t ms;
	return json_date(token, &ms) < 0 ? DOCUMENT_NO_TIME : ms;
}

static int read_id(struct json_span token, struct buf *ret_id)
{
	if (json_is_string(token))
		return json_string_decode(token, ret_id);
	if (json_is_number(token))
		return buf_add(ret_id, token.text, token.len);
	return 0;
}

int document_read_members(const char *text, size_t len, struct buf *ret_id,
    int64_t *ret_created_ms, int64_t *ret_updated_ms)
{
	static const char *const names[] = {
	    "id", "_id", "createdAt", "updatedAt"};
	struct json_span spans[ARRAY_SIZE(names)];
	int r = json_members(text, len, names, ARRAY_SIZE(names), spans);
	if (r == 0 && spans[0].text)
		r = read_id(spans[0], ret_id);
	if (r == 0 && ret_id->len == 0 && spans[1].text)
		r = read_id(spans[1], ret_id);
	if (r < 0)
		return r;
	*ret_created_ms = document_time(spans[2]);
	*ret_updated_ms = document_time(spans[3]);
	return 0;
}
