#include "emulator/load/loose.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/log.h"
#include "emulator/load/store_error.h"
#include "emulator/load/stray.h"
#include "emulator/store/generate.h"
#include "emulator/store/metadata.h"

#define HEX "0123456789abcdefABCDEF"

/* ---- ids in front of names ---- */

/* 8-4-4-4-12 hex digits: how many bytes, or 0. */
static size_t uuid_len(const char *name)
{
	static const size_t groups[] = {8, 4, 4, 4, 12};
	const char *p = name;
	for (size_t i = 0; i < 5; i++) {
		if (i > 0 && *p++ != '-')
			return 0;
		if (strspn(p, HEX) < groups[i])
			return 0;
		p += groups[i];
	}
	return (size_t)(p - name);
}

/* A word and an underscore, then letters and digits, both among them. */
static size_t prefixed_len(const char *name)
{
	static const char *const words[] = {"rec_", "file_"};
	for (size_t i = 0; i < 2; i++) {
		size_t start = strlen(words[i]), end = start;
		bool letter = false, digit = false;
		if (strncmp(name, words[i], start) != 0)
			continue;
		for (; isalnum((unsigned char)name[end]); end++) {
			digit |= isdigit((unsigned char)name[end]) != 0;
			letter |= isalpha((unsigned char)name[end]) != 0;
		}
		return letter && digit && end - start >= 8 ? end : 0;
	}
	return 0;
}

static size_t front_len(const char *name)
{
	size_t hex = strspn(name, HEX);
	size_t ulid = strspn(name, "0123456789ABCDEFGHJKMNPQRSTVWXYZ");
	size_t len = uuid_len(name);
	if (len == 0 && (hex == GENERATE_ID_LEN || hex == 32))
		len = hex;
	if (len == 0 && ulid == 26 && name[0] <= '7')
		len = ulid;
	if (len == 0)
		len = prefixed_len(name);
	return len > 0 && name[len] == '_' ? len + 1 : 0;
}

/* An id made of the whole name. */
static void make_id(const char *name, char out[GENERATE_ID_LEN + 1])
{
	size_t len = strlen(name);
	uint64_t low = hash_fnv1a(HASH_FNV1A_INIT, name, len);
	uint64_t high = hash_fnv1a(low, name, len);
	snprintf(out, GENERATE_ID_LEN + 1, "%08" PRIx32 "%016" PRIx64,
	    (uint32_t)high, low);
}

/* ---- files ---- */

static int make_document(const struct metadata *metadata, struct place object,
    struct document **ret_document)
{
	CLEANUP_BUF struct buf out;
	buf_init(&out, DOCUMENT_TEXT_MAX);
	struct place text = {0};
	int r = metadata_print(metadata, &out);
	if (r == 0)
		r = place_copy(buf_str(&out), out.len, &text);
	if (r < 0) {
		place_done(&object);
		return r;
	}
	const struct document_key key = {
	    .id = metadata->id,
	    .id_len = metadata->id_len,
	    .created_ms = metadata->time_ms,
	    .updated_ms = metadata->time_ms,
	};
	return document_new(&key, text, object, ret_document);
}

/* Its size, and when it was written; 0 where no file says so. */
static int read_size(
    const struct place *place, uint64_t *ret_size, int64_t *ret_ms)
{
	*ret_size = place->len;
	*ret_ms = 0;
	if (!place->path)
		return 0;
	uint64_t tag;
	int r = place_stat(place, ret_size, &tag);
	if (r == 0)
		*ret_ms = (int64_t)tag / 1000000;
	return r;
}

/* believed: an id in front of the name is its id; else one is made of the whole
 * name. The place is taken over. */
static int describe(const char *name, struct place place, bool believed,
    struct document **ret_document)
{
	char made[GENERATE_ID_LEN + 1], size[24];
	uint64_t bytes;
	struct metadata metadata = {.id = name, .size = size};
	int r = read_size(&place, &bytes, &metadata.time_ms);
	if (r < 0) {
		place_done(&place);
		return r;
	}
	size_t front = front_len(name);
	metadata.name = name + front;
	metadata.name_len = strlen(name + front);
	if (front > 0 && believed) {
		metadata.id_len = front - 1;
	} else {
		make_id(name, made);
		metadata.id = made;
		metadata.id_len = GENERATE_ID_LEN;
	}
	snprintf(size, sizeof(size), "%" PRIu64, bytes);
	return make_document(&metadata, place, ret_document);
}

/* Whether it is a copy that a synchronising program left beside the original.
 */
static int is_conflict(const struct shelf *shelf, const struct object *object)
{
	CLEANUP_BUF struct buf original;
	buf_init(&original, BUF_MAX_DEFAULT);
	if (!stray_is_conflict(object->name, &original))
		return false;
	return shelf_has(shelf, buf_str(&original));
}

/* Whether the id in front of its name is another's already. */
static bool is_id_taken(const struct shelf *shelf, const struct object *object,
    const struct table *table)
{
	size_t front = front_len(object->name);
	const struct object *before =
	    object > shelf->objects ? object - 1 : NULL;
	if (front == 0)
		return false;
	return (before && strncmp(before->name, object->name, front) == 0) ||
	       table_find(table, object->name, front - 1) >= 0;
}

/* Whether it is an error of the store's, which is said: 1, 0 or -errno. */
static int is_error(struct object *object, struct loading *files)
{
	CLEANUP_BUF struct buf code;
	buf_init(&code, DOCUMENT_TEXT_MAX);
	int r = store_error_read(&object->place, &code);
	if (r > 0)
		loading_miss(files,
		    "%s holds an error of the store in place of a content: %s",
		    object->name, buf_str(&code));
	return r;
}

/* Metadata for one, or none where it is not to be served. */
static int make_loose(const struct shelf *shelf, struct object *object,
    struct loading *files, struct document **ret_document)
{
	int r = is_conflict(shelf, object);
	*ret_document = NULL;
	if (r > 0)
		log_warn("%s: a conflict copy, not served", object->name);
	if (r == 0)
		r = is_error(object, files);
	if (r != 0)
		return r < 0 ? r : 0;
	r = describe(object->name, object->place,
	    !is_id_taken(shelf, object, loading_table(files)), ret_document);
	object->place = (struct place){0};
	return r;
}

static void complain_of_twin(
    void *ctx, struct document *kept, struct document *dropped)
{
	(void)ctx, (void)dropped;
	log_error("files: two have the id %s", document_key(kept)->id);
}

static int add_all(
    struct table *table, struct document **documents, size_t count)
{
	int r = 0;
	for (size_t i = 0; i < count; i++) {
		if (r < 0)
			document_unref(documents[i]);
		else if (documents[i])
			r = table_append(table, documents[i]);
	}
	if (r == 0 && table_settle(table, complain_of_twin, NULL) > 0)
		r = -EPROTO;
	return r;
}

int loose_serve(struct shelf *shelf, struct loading *files)
{
	size_t count = 0;
	int r = 0;
	CLEANUP_FREE struct document **documents =
	    calloc(shelf->count + 1, sizeof(*documents));
	if (!documents)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < shelf->count; i++)
		if (!shelf->objects[i].claimed)
			r = make_loose(shelf, &shelf->objects[i], files,
			    &documents[count++]);
	if (r == 0)
		return add_all(loading_table(files), documents, count);
	for (size_t i = 0; i < count; i++)
		document_unref(documents[i]);
	return r;
}
