#include "emulator/load/export.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/number.h"
#include "emulator/load/saved.h"
#include "emulator/store/generate.h"
#include "emulator/store/metadata.h"
#include "json/split.h"
#include "tree/name.h"

/* While a page is cut into records. */
struct page_reader {
	const char *name;
	const struct place *place;
	struct table *table;
	const struct buf *text;
	size_t at; /* behind the last record, in text */
};

int export_is_page(const char *name, size_t *ret_table_len, int64_t *ret_page)
{
	char number[24], table[65];
	const char *mark = NULL;
	for (const char *p = name; (p = strstr(p, "_page")) != NULL; p++)
		mark = p;
	if (!mark || (size_t)(mark - name) >= sizeof(table))
		return 0;
	memcpy(table, name, (size_t)(mark - name));
	table[mark - name] = '\0';
	const char *digits = mark + strlen("_page");
	size_t len = strspn(digits, "0123456789");
	if (len == 0 || len >= sizeof(number) || !name_is_table(table) ||
	    strcmp(digits + len, ".json") != 0)
		return 0;
	memcpy(number, digits, len);
	number[len] = '\0';
	if (number_parse(number, 0, INT64_MAX, ret_page) < 0)
		return 0;
	*ret_table_len = (size_t)(mark - name);
	return 1;
}

static int add_record(void *ctx, const char *text, size_t len)
{
	struct page_reader *reader = ctx;
	const struct buf *whole = reader->text;
	const char *found = memmem(
	    whole->data + reader->at, whole->len - reader->at, text, len);
	if (!found)
		return -EPROTO;
	reader->at = (size_t)(found - whole->data) + len;
	struct place place = {
	    .path = strdup(reader->place->path),
	    .offset = (uint64_t)(found - whole->data),
	    .len = len,
	};
	if (!place.path)
		return -ENOMEM;
	struct document *record;
	int r = saved_read_document(place, &record);
	if (r == -EINVAL)
		return saved_complain("", reader->name, "a record has no id");
	return r < 0 ? r : table_append(reader->table, record);
}

int export_add_page(
    const char *name, const struct place *place, struct table *table)
{
	CLEANUP_BUF struct buf text;
	buf_init(&text, DOCUMENT_TEXT_MAX);
	struct page_reader reader = {
	    .name = name, .place = place, .table = table, .text = &text};
	struct json_split *split;
	const char *skeleton;
	size_t skeleton_len;
	int found = 0;
	int r = place_read(place, &text);
	if (r == 0)
		r = json_split_new(add_record, &reader, &split);
	if (r < 0)
		return r;
	r = json_split_feed(split, buf_str(&text), text.len);
	if (r == 0)
		r = json_split_end(split, &skeleton, &skeleton_len, &found);
	json_split_free(split);
	if (r == -EPROTO || (r == 0 && !found))
		return saved_complain("", name, "not a whole page of items");
	return r;
}

/* The id that the name begins with, else one made of the whole name. */
static void object_id(const char *name, char out[GENERATE_ID_LEN + 1])
{
	size_t len = strlen(name);
	if (strspn(name, "0123456789abcdef") == GENERATE_ID_LEN &&
	    name[GENERATE_ID_LEN] == '_') {
		memcpy(out, name, GENERATE_ID_LEN);
		out[GENERATE_ID_LEN] = '\0';
		return;
	}
	uint64_t low = hash_fnv1a(HASH_FNV1A_INIT, name, len);
	uint64_t high = hash_fnv1a(low, name, len);
	snprintf(out, GENERATE_ID_LEN + 1, "%08" PRIx32 "%016" PRIx64,
	    (uint32_t)high, low);
}

int export_add_object(
    const char *name, struct place place, int64_t mtime_ms, struct table *files)
{
	CLEANUP_BUF struct buf out;
	buf_init(&out, DOCUMENT_TEXT_MAX);
	char id[GENERATE_ID_LEN + 1], size[24];
	struct place text;
	struct document *record;
	object_id(name, id);
	if (strncmp(name, id, GENERATE_ID_LEN) == 0)
		name += GENERATE_ID_LEN + 1;
	snprintf(size, sizeof(size), "%" PRIu64, place.len);
	struct metadata metadata = {
	    .id = id,
	    .id_len = GENERATE_ID_LEN,
	    .name = name,
	    .name_len = strlen(name),
	    .size = size,
	    .time_ms = mtime_ms,
	};
	int r = metadata_print(&metadata, &out);
	if (r == 0)
		r = place_copy(buf_str(&out), out.len, &text);
	if (r < 0) {
		place_done(&place);
		return r;
	}
	const struct document_key key = {
	    .id = id,
	    .id_len = GENERATE_ID_LEN,
	    .created_ms = mtime_ms,
	    .updated_ms = mtime_ms,
	};
	r = document_new(&key, text, place, &record);
	return r < 0 ? r : table_append(files, record);
}
