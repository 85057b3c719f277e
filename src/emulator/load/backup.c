#include "emulator/load/backup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "emulator/load/export.h"
#include "emulator/load/saved.h"
#include "tree/name.h"

/* A file of the directory storage. */
struct object {
	char *name;
	struct place place;
	bool claimed; /* by metadata */
};

/* What is known of one table while it is put together. */
struct part {
	struct table *table;
	bool from_pages; /* pages may overlap */
	int64_t pages;
	int64_t last_page;
};

struct backup {
	struct store *store;
	struct object *objects;
	size_t object_count;
	size_t object_cap;
	struct part *parts;
	size_t part_count;
	bool has_files;	  /* metadata was saved */
	bool has_storage; /* objects were */
	bool is_one;	  /* something was found that only a backup holds */
};

int backup_new(struct store *store, struct backup **ret_backup)
{
	struct backup *backup = calloc(1, sizeof(*backup));
	if (!backup)
		return -ENOMEM;
	backup->store = store;
	*ret_backup = backup;
	return 0;
}

void backup_free(struct backup *backup)
{
	if (!backup)
		return;
	for (size_t i = 0; i < backup->object_count; i++) {
		free(backup->objects[i].name);
		place_done(&backup->objects[i].place);
	}
	free(backup->objects);
	free(backup->parts);
	free(backup);
}

static int find_part(
    struct backup *backup, const char *table, struct part **ret_part)
{
	for (size_t i = 0; i < backup->part_count; i++)
		if (strcmp(table_name(backup->parts[i].table), table) == 0) {
			*ret_part = &backup->parts[i];
			return 0;
		}
	struct part *parts =
	    reallocarray(backup->parts, backup->part_count + 1, sizeof(*parts));
	if (!parts)
		return -ENOMEM;
	backup->parts = parts;
	struct part part = {0};
	int r = store_table(backup->store, table, &part.table);
	if (r < 0)
		return r;
	*ret_part = &parts[backup->part_count++];
	**ret_part = part;
	return 0;
}

int backup_add_directory(struct backup *backup, const char *name)
{
	struct part *part;
	/* Every mount has both. */
	if (strcmp(name, "files") == 0) {
		backup->has_files = true;
		backup->is_one |= backup->has_storage;
		return 1;
	}
	if (strcmp(name, "storage") == 0) {
		backup->has_storage = true;
		backup->is_one |= backup->has_files;
		return 1;
	}
	if (strcmp(name, "bkend_files") == 0)
		return 1;
	const char *table = name_to_table(name);
	if (!table) {
		if (name[0] != '.')
			log_warn(
			    "%s: not a table's directory, not served", name);
		return 0;
	}
	int r = find_part(backup, table, &part);
	return r < 0 ? r : 1;
}

static int add_object(
    struct backup *backup, const char *name, struct place place)
{
	if (backup->object_count == backup->object_cap) {
		size_t cap = backup->object_cap ? backup->object_cap * 2 : 64;
		struct object *objects =
		    reallocarray(backup->objects, cap, sizeof(*objects));
		if (!objects) {
			place_done(&place);
			return -ENOMEM;
		}
		backup->objects = objects;
		backup->object_cap = cap;
	}
	char *copy = strdup(name);
	if (!copy) {
		place_done(&place);
		return -ENOMEM;
	}
	backup->objects[backup->object_count++] =
	    (struct object){.name = copy, .place = place};
	return 0;
}

static bool is_json(const char *name)
{
	size_t len = strlen(name);
	return len >= 5 && strcmp(name + len - 5, ".json") == 0;
}

/* Any other file may lie in any directory. */
static bool is_of_backup(const char *dir, const char *name)
{
	return is_json(name) || strcmp(dir, "storage") == 0 ||
	       strcmp(dir, "bkend_files") == 0;
}

/* DIR/ID.json into a table, the stored files' included. */
static int add_record(
    const char *dir, const char *name, struct place place, struct table *table)
{
	if (!is_json(name)) {
		log_warn("%s/%s: not a record, not served", dir, name);
		place_done(&place);
		return 0;
	}
	struct document *record;
	int r = saved_read_document(place, &record);
	if (r == -EPROTO)
		return saved_complain(dir, name, "not a valid JSON object");
	if (r == -EINVAL)
		return saved_complain(dir, name, "the record has no id");
	if (r < 0)
		return saved_complain(dir, name, strerror(-r));
	return table_append(table, record);
}

static int add_spec(const char *dir, struct place place, struct table *table)
{
	CLEANUP_BUF struct buf text;
	buf_init(&text, DOCUMENT_TEXT_MAX);
	int r = place_read(&place, &text);
	place_done(&place);
	if (r < 0)
		return saved_complain(dir, ".spec.json", strerror(-r));
	if (json_check(buf_str(&text), text.len) < 0)
		return saved_complain(dir, ".spec.json", "not valid JSON");
	while (text.len > 0 && strchr(" \t\r\n", text.data[text.len - 1]))
		text.data[--text.len] = '\0';
	char *spec = buf_steal(&text);
	if (!spec)
		return -ENOMEM;
	table_take_spec(table, spec);
	return 0;
}

static int add_root_file(
    struct backup *backup, const char *name, struct place place)
{
	size_t table_len;
	int64_t page;
	char table[65];
	struct part *part;
	if (!export_is_page(name, &table_len, &page)) {
		if (name[0] != '.')
			log_warn("%s: not an exported page, not served", name);
		place_done(&place);
		return 0;
	}
	memcpy(table, name, table_len);
	table[table_len] = '\0';
	int r = find_part(backup, table, &part);
	backup->is_one = true;
	if (r == 0) {
		part->from_pages = true;
		part->pages++;
		if (page > part->last_page)
			part->last_page = page;
		r = export_add_page(name, &place, part->table);
	}
	place_done(&place);
	return r;
}

int backup_add_file(struct backup *backup, const char *dir, const char *name,
    struct place place, int64_t mtime_ms)
{
	struct table *files = store_files(backup->store);
	struct part *part;
	if (!*dir)
		return add_root_file(backup, name, place);
	backup->is_one |= is_of_backup(dir, name);
	if (strcmp(dir, "files") == 0)
		return add_record(dir, name, place, files);
	if (strcmp(dir, "storage") == 0)
		return add_object(backup, name, place);
	if (strcmp(dir, "bkend_files") == 0)
		return export_add_object(name, place, mtime_ms, files);
	int r = find_part(backup, name_to_table(dir), &part);
	if (r < 0) {
		place_done(&place);
		return r;
	}
	if (strcmp(name, ".spec.json") == 0)
		return add_spec(dir, place, part->table);
	return add_record(dir, name, place, part->table);
}

static int compare_objects(const void *a, const void *b)
{
	const struct object *left = a, *right = b;
	return strcmp(left->name, right->name);
}

static struct object *find_object(struct backup *backup, const struct buf *name)
{
	struct object key = {.name = name->data};
	if (backup->object_count == 0)
		return NULL;
	return bsearch(&key, backup->objects, backup->object_count, sizeof(key),
	    compare_objects);
}

/* The object that a file's metadata names: the plain name's, unless a smaller
 * id has it already, else the marked one's. */
static int claim_object(struct backup *backup, struct document *record,
    const struct buf *original, struct object **ret_object)
{
	CLEANUP_BUF struct buf name;
	buf_init(&name, BUF_MAX_DEFAULT);
	const struct document_key *key = document_key(record);
	int r = name_of_object(
	    key->id, key->id_len, buf_str(original), original->len, &name);
	if (r < 0)
		return r;
	struct object *object = find_object(backup, &name);
	if (object && object->claimed) {
		buf_clear(&name);
		r = name_of_object_twin(key->id, key->id_len, buf_str(original),
		    original->len, &name);
		if (r < 0)
			return r;
		object = find_object(backup, &name);
	}
	if (!object || object->claimed)
		return saved_complain("storage", name.data,
		    "missing; the metadata in files names it");
	*ret_object = object;
	return 0;
}

static int join_object(struct backup *backup, struct document *record)
{
	static const char *const member = "originalName";
	CLEANUP_BUF struct buf text, original;
	buf_init(&text, DOCUMENT_TEXT_MAX);
	buf_init(&original, DOCUMENT_TEXT_MAX);
	struct json_span span;
	struct object *object = NULL;
	int r = place_read(document_text(record), &text);
	if (r == 0)
		r = json_members(buf_str(&text), text.len, &member, 1, &span);
	if (r == 0 && span.text && json_is_string(span))
		r = json_string_decode(span, &original);
	if (r == 0)
		r = claim_object(backup, record, &original, &object);
	if (r < 0)
		return r;
	object->claimed = true;
	document_take_object(record, &object->place);
	return 0;
}

static int join_objects(struct backup *backup)
{
	struct table *files = store_files(backup->store);
	int r = 0;
	if (backup->object_count > 0)
		qsort(backup->objects, backup->object_count,
		    sizeof(*backup->objects), compare_objects);
	if (!backup->has_storage) {
		log_warn("storage: missing; stored files have no content");
		return 0;
	}
	/* All of them, so that every missing one is named. */
	const row_t *rows = table_rows(files, TABLE_BY_ID);
	for (size_t i = 0; i < table_count(files); i++) {
		struct document *record = row_document(rows[i]);
		if (document_object(record))
			continue;
		int failed = join_object(backup, record);
		r = failed < 0 ? failed : r;
	}
	for (size_t i = 0; i < backup->object_count; i++)
		if (!backup->objects[i].claimed)
			log_warn("storage/%s: no metadata names it, "
				 "not served",
			    backup->objects[i].name);
	return r;
}

static int finish_part(const struct part *part)
{
	const char *twin = "";
	size_t dropped = table_settle(part->table, &twin);
	if (dropped > 0 && !part->from_pages) {
		log_error("%s: two records have the id %s",
		    table_name(part->table), twin);
		return -EPROTO;
	}
	if (part->pages < part->last_page)
		log_warn("%s_page*.json: only %lld pages of at least %lld; "
			 "records are missing",
		    table_name(part->table), (long long)part->pages,
		    (long long)part->last_page);
	return 0;
}

/* Any directory's name may be a table's: what is in them tells. */
static int check_is_one(const struct backup *backup)
{
	if (backup->is_one)
		return 0;
	log_error("this is no backup: there are no"
		  " tables' directories with records, no exported pages, and"
		  " no stored files; name the directory that these lie in");
	return -EPROTO;
}

int backup_finish(struct backup *backup)
{
	const char *twin = "";
	int r = check_is_one(backup);
	for (size_t i = 0; r == 0 && i < backup->part_count; i++)
		r = finish_part(&backup->parts[i]);
	/* Objects saved without any metadata are served like an export's. */
	for (size_t i = 0;
	     r == 0 && !backup->has_files && i < backup->object_count; i++) {
		struct object *object = &backup->objects[i];
		r = export_add_object(
		    object->name, object->place, 0, store_files(backup->store));
		object->place = (struct place){0};
	}
	if (r == 0 && table_settle(store_files(backup->store), &twin) > 0) {
		log_error("files: two have the id %s", twin);
		r = -EPROTO;
	}
	if (r == 0 && backup->has_files)
		r = join_objects(backup);
	return r;
}
