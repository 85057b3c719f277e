#include "emulator/load/objects.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "emulator/load/gzip.h"
#include "emulator/load/loose.h"
#include "emulator/load/shelf.h"
#include "emulator/load/store_error.h"
#include "tree/name.h"

/* A file's metadata. */
struct entry {
	struct saved saved;
	enum objects_origin origin;
	enum objects_origin at; /* where its content was */
	bool served;
	struct object *asked; /* it has the file's bare name; NULL: none */
};

struct objects {
	struct shelf shelves[2]; /* by origin */
	struct entry *entries;
	size_t entry_count;
	size_t entry_cap;
	size_t short_count; /* of saved ones: shorter than was claimed */
};

static const char *const directories[] = {"storage", "bkend_files"};

int objects_new(struct objects **ret_objects)
{
	struct objects *objects = calloc(1, sizeof(*objects));
	if (!objects)
		return -ENOMEM;
	*ret_objects = objects;
	return 0;
}

void objects_free(struct objects *objects)
{
	if (!objects)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(objects->shelves); i++)
		shelf_done(&objects->shelves[i]);
	for (size_t i = 0; i < objects->entry_count; i++)
		saved_done(&objects->entries[i].saved);
	free(objects->entries);
	free(objects);
}

void objects_expect(struct objects *objects, enum objects_origin origin)
{
	objects->shelves[origin].expected = true;
}

static bool is_any_expected(const struct objects *objects)
{
	return objects->shelves[OBJECTS_SAVED].expected ||
	       objects->shelves[OBJECTS_EXPORTED].expected;
}

int objects_add(struct objects *objects, enum objects_origin origin,
    const char *name, struct place place)
{
	return shelf_add(&objects->shelves[origin], name, place);
}

int objects_add_metadata(
    struct objects *objects, enum objects_origin origin, struct saved *saved)
{
	if (objects->entry_count == objects->entry_cap) {
		size_t cap = objects->entry_cap ? objects->entry_cap * 2 : 64;
		struct entry *entries =
		    reallocarray(objects->entries, cap, sizeof(*entries));
		if (!entries)
			return -ENOMEM;
		objects->entries = entries;
		objects->entry_cap = cap;
	}
	objects->entries[objects->entry_count++] =
	    (struct entry){.saved = *saved, .origin = origin};
	*saved = (struct saved){0};
	return 0;
}

/* ---- which object a file's metadata names ---- */

typedef int (*name_fn)(const char *id, size_t id_len, const char *original,
    size_t original_len, struct buf *out);

/* As people wrote the name who did not make it safe. */
static int name_as_it_is(const char *id, size_t id_len, const char *original,
    size_t original_len, struct buf *out)
{
	int r = buf_add(out, id, id_len);
	if (r == 0)
		r = buf_addc(out, '_');
	return r == 0 ? buf_add(out, original, original_len) : r;
}

/* As the guide's own script does: whoever has the same name, too. */
static int name_alone(const char *id, size_t id_len, const char *original,
    size_t original_len, struct buf *out)
{
	(void)id, (void)id_len;
	return buf_add(out, original, original_len);
}

/* The names under which an object may lie, the likelier first. A twin's plain
 * name belongs to a file with a smaller id, which has its object by then. */
static const struct {
	enum objects_origin origin;
	name_fn name;
} places[] = {
    {OBJECTS_SAVED, name_of_object},
    {OBJECTS_SAVED, name_of_object_twin},
    {OBJECTS_EXPORTED, name_of_object},
    {OBJECTS_EXPORTED, name_as_it_is},
    {OBJECTS_EXPORTED, name_alone},
};

/* 1 where it is an error of the store's, which is said; 0 or -EPROTO. */
static int refuse_error(
    struct object *object, const char *dir, struct loading *files)
{
	CLEANUP_BUF struct buf code;
	buf_init(&code, DOCUMENT_TEXT_MAX);
	int r = store_error_read(&object->place, &code);
	if (r < 0)
		return saved_explain(dir, object->name, r);
	if (r > 0)
		loading_miss(files,
		    "%s/%s holds an error of the store in place of the "
		    "content: %s",
		    dir, object->name, buf_str(&code));
	return r;
}

/* A download may have been broken off, and so may a copying; but what an
 * uploader once claimed may be wrong as well: a mount knew better, and what was
 * copied from one is told of in two lines at most. */
static int compare_size(struct objects *objects, struct entry *entry,
    struct object *object, struct loading *files)
{
	const char *dir = directories[entry->at];
	bool exported = entry->at == OBJECTS_EXPORTED;
	int64_t claim = entry->saved.claim;
	uint64_t size = object->place.len;
	int r = exported && (uint64_t)claim != size && claim != 0
		    ? refuse_error(object, dir, files)
		    : 0;
	if (r != 0 || size >= (uint64_t)claim)
		return r;
	if (exported)
		loading_miss(files,
		    "%s/%s holds %" PRIu64 " bytes of %" PRId64
		    ": its download was broken off, or what was claimed at "
		    "its upload is wrong",
		    dir, object->name, size, claim);
	else if (objects->short_count++ == 0)
		log_warn("%s/%s holds %" PRIu64 " bytes of %" PRId64
			 ": the copying was broken off, or what was claimed at "
			 "its upload is wrong",
		    dir, object->name, size, claim);
	return 0;
}

static int give(struct objects *objects, const struct shelf_finding *finding,
    struct entry *entry, struct loading *files, struct unpacked **spool)
{
	struct object *object = finding->object;
	object->claimed = true;
	int r = finding->packed ? gzip_unpack(&object->place, spool) : 0;
	if (r < 0)
		return saved_explain(directories[entry->at], object->name, r);
	r = compare_size(objects, entry, object, files);
	if (r == 0)
		document_take_object(entry->saved.document, &object->place);
	return r < 0 ? r : 0;
}

/* Where two files ask for a name that one object has, the one overwrote the
 * other's: nobody can tell whose it is. */
static void ask(const struct shelf_finding *finding, struct entry *entry)
{
	struct object *object = finding->object;
	object->asker = entry;
	object->packed = finding->packed;
	object->askers++;
	entry->asked = object;
}

static int serve_entry(struct objects *objects, struct entry *entry,
    struct loading *files, struct unpacked **spool)
{
	const struct document_key *key = document_key(entry->saved.document);
	CLEANUP_BUF struct buf name;
	buf_init(&name, DOCUMENT_TEXT_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		struct shelf_finding finding = {0};
		const char *original = entry->saved.original;
		buf_clear(&name);
		int r = places[i].name(key->id, key->id_len,
		    original ? original : "", entry->saved.original_len, &name);
		if (r == 0)
			r = shelf_find(&objects->shelves[places[i].origin],
			    &name, &finding);
		if (r < 0)
			return r;
		if (!finding.object)
			continue;
		entry->at = places[i].origin;
		entry->served = places[i].name != name_alone;
		if (entry->served)
			return give(objects, &finding, entry, files, spool);
		ask(&finding, entry);
	}
	return 0;
}

/* An object that only one file asked for is its. */
static int serve_askers(
    struct objects *objects, struct loading *files, struct unpacked **spool)
{
	struct shelf *shelf = &objects->shelves[OBJECTS_EXPORTED];
	int r = 0;
	for (size_t i = 0; r == 0 && i < shelf->count; i++) {
		struct object *object = &shelf->objects[i];
		const struct shelf_finding finding = {object, object->packed};
		if (object->claimed || object->askers != 1)
			continue;
		struct entry *asker = object->asker;
		asker->served = true;
		r = give(objects, &finding, asker, files, spool);
	}
	return r;
}

/* Nothing was found for it: a listing of files that goes on to tell of it is
 * none. 0 or -ENOMEM. */
static int miss(const struct entry *entry, struct loading *files)
{
	const struct document_key *key = document_key(entry->saved.document);
	const char *original = entry->saved.original;
	CLEANUP_BUF struct buf name;
	buf_init(&name, DOCUMENT_TEXT_MAX);
	int r = name_of_object(key->id, key->id_len, original ? original : "",
	    entry->saved.original_len, &name);
	if (r < 0)
		return r;
	if (entry->asked) {
		loading_miss(files,
		    "%s/%s was saved for %zu files of that name, of which %s "
		    "is one: each overwrote the one before",
		    directories[OBJECTS_EXPORTED], entry->asked->name,
		    entry->asked->askers, key->id);
		return 0;
	}
	if (entry->origin == OBJECTS_SAVED)
		loading_miss(files,
		    "%s/%s is missing, though files tells of it: copy it anew, "
		    "or move its metadata away to do without",
		    directories[OBJECTS_SAVED], buf_str(&name));
	else
		loading_miss(
		    files, "the content of %s is missing", buf_str(&name));
	return 0;
}

static int compare_entries(const void *a, const void *b)
{
	const struct entry *left = a, *right = b;
	return row_compare_id((row_t)(uintptr_t)left->saved.document,
	    (row_t)(uintptr_t)right->saved.document);
}

/* Of records that came twice only one is in the table. */
static bool is_in(const struct table *table, const struct document *document)
{
	const struct document_key *key = document_key(document);
	ssize_t at = table_find(table, key->id, key->id_len);
	return at >= 0 &&
	       row_document(table_rows(table, TABLE_BY_ID)[at]) == document;
}

static void forget_twice(struct objects *objects, const struct table *table)
{
	size_t kept = 0;
	for (size_t i = 0; i < objects->entry_count; i++) {
		struct entry *entry = &objects->entries[i];
		if (is_in(table, entry->saved.document))
			objects->entries[kept++] = *entry;
		else
			saved_done(&entry->saved);
	}
	objects->entry_count = kept;
}

static int join_entries(
    struct objects *objects, struct loading *files, struct unpacked **spool)
{
	int r = 0;
	forget_twice(objects, loading_table(files));
	if (objects->entry_count == 0)
		return 0;
	qsort(objects->entries, objects->entry_count, sizeof(*objects->entries),
	    compare_entries);
	if (!is_any_expected(objects)) {
		loading_miss(files,
		    "no storage, nor bkend_files: stored files have no "
		    "content");
		return 0;
	}
	for (size_t i = 0; r == 0 && i < objects->entry_count; i++)
		r = serve_entry(objects, &objects->entries[i], files, spool);
	if (r == 0)
		r = serve_askers(objects, files, spool);
	if (r == 0 && objects->short_count > 1)
		log_warn("%zu such stored files in all", objects->short_count);
	for (size_t i = 0; r == 0 && i < objects->entry_count; i++)
		if (!objects->entries[i].served)
			r = miss(&objects->entries[i], files);
	return r;
}

static void name_unclaimed(const struct shelf *shelf)
{
	for (size_t i = 0; i < shelf->count; i++)
		if (!shelf->objects[i].claimed)
			log_warn("%s/%s: no metadata names it, not served",
			    directories[OBJECTS_SAVED], shelf->objects[i].name);
}

int objects_join(
    struct objects *objects, struct loading *files, struct unpacked **spool)
{
	struct shelf *saved = &objects->shelves[OBJECTS_SAVED];
	struct shelf *exported = &objects->shelves[OBJECTS_EXPORTED];
	shelf_sort(saved);
	shelf_sort(exported);
	int r = join_entries(objects, files, spool);
	if (r == 0)
		r = loose_serve(exported, files);
	/* Objects saved without any metadata are served like an export's. */
	if (r == 0 && !loading_is_confirmed(files))
		r = loose_serve(saved, files);
	else if (r == 0)
		name_unclaimed(saved);
	return r;
}
