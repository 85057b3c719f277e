#include "emulator/load/backup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "emulator/load/bundle.h"
#include "emulator/load/export.h"
#include "emulator/load/objects.h"
#include "emulator/load/loading.h"
#include "emulator/load/stray.h"
#include "tree/name.h"

struct backup {
	struct store *store;
	struct loading **loadings; /* tables */
	size_t loading_count;
	struct loading *files; /* the list of stored files */
	struct objects *objects;
	struct unpacked *spool;
	bool has_files;
	bool has_storage;
	bool has_namesake; /* no export has bkend_files, but a table is it */
	bool is_one;	   /* something was found that only a backup holds */
};

int backup_new(struct store *store, struct backup **ret_backup)
{
	struct backup *backup = calloc(1, sizeof(*backup));
	if (!backup)
		return -ENOMEM;
	backup->store = store;
	int r = loading_new("files", store_files(store), &backup->files);
	if (r == 0)
		r = objects_new(&backup->objects);
	if (r < 0)
		backup_free(backup);
	else
		*ret_backup = backup;
	return r;
}

void backup_free(struct backup *backup)
{
	if (!backup)
		return;
	for (size_t i = 0; i < backup->loading_count; i++)
		loading_free(backup->loadings[i]);
	free(backup->loadings);
	loading_free(backup->files);
	objects_free(backup->objects);
	unpacked_unref(backup->spool);
	free(backup);
}

static int find_loading(
    struct backup *backup, const char *table, struct loading **ret_loading)
{
	for (size_t i = 0; i < backup->loading_count; i++)
		if (strcmp(table_name(loading_table(backup->loadings[i])),
			table) == 0) {
			*ret_loading = backup->loadings[i];
			return 0;
		}
	struct loading **loadings = reallocarray(
	    backup->loadings, backup->loading_count + 1, sizeof(*loadings));
	if (!loadings)
		return -ENOMEM;
	backup->loadings = loadings;
	int r = loading_new(table, NULL, &loadings[backup->loading_count]);
	if (r == 0)
		*ret_loading = loadings[backup->loading_count++];
	return r;
}

/* ---- directories ---- */

void backup_has_namesake(struct backup *backup)
{
	backup->has_namesake = true;
}

static bool is_exported(const struct backup *backup, const char *dir)
{
	return !backup->has_namesake && strcmp(dir, "bkend_files") == 0;
}

int backup_add_directory(struct backup *backup, const char *name)
{
	struct loading *loading;
	const char *stray = stray_kind(name);
	/* Every mount has both of the first two. */
	if (strcmp(name, "files") == 0) {
		backup->has_files = true;
		backup->is_one |= backup->has_storage;
		loading_confirm(backup->files);
		return BACKUP_METADATA;
	}
	if (strcmp(name, "storage") == 0) {
		backup->has_storage = true;
		backup->is_one |= backup->has_files;
		objects_expect(backup->objects, OBJECTS_SAVED);
		return BACKUP_OBJECTS;
	}
	if (is_exported(backup, name)) {
		objects_expect(backup->objects, OBJECTS_EXPORTED);
		return BACKUP_EXPORTED;
	}
	const char *table = name_to_table(name);
	if (stray || !table) {
		log_warn("%s: %s, not served", name,
		    stray ? stray : "not a table's directory");
		return BACKUP_NOTHING;
	}
	int r = find_loading(backup, table, &loading);
	if (r < 0)
		return r;
	loading_confirm(loading);
	return BACKUP_RECORDS;
}

static bool has_ending(const char *name, const char *ending)
{
	size_t len = strlen(name), n = strlen(ending);
	return len > n && strcmp(name + len - n, ending) == 0;
}

bool backup_is_record(const char *name)
{
	return !stray_kind(name) &&
	       (has_ending(name, ".json") || has_ending(name, ".json.gz"));
}

bool backup_is_spec(const char *name)
{
	return strcmp(name, ".spec.json") == 0 ||
	       strcmp(name, ".spec.json.gz") == 0;
}

/* Say of a file what it is instead of data, if anything is known. */
static int refuse(const char *dir, const char *name, struct place *place,
    const char *otherwise)
{
	const char *stray = stray_kind(name);
	log_warn("%s%s%s: %s, not served", dir, *dir ? "/" : "", name,
	    stray ? stray : otherwise);
	place_done(place);
	return 0;
}

static int add_metadata(
    struct backup *backup, enum objects_origin origin, struct saved *saved)
{
	return objects_add_metadata(backup->objects, origin, saved);
}

int backup_add_record(struct backup *backup, const char *dir, const char *name,
    struct saved *saved)
{
	struct loading *loading = backup->files;
	struct document *record = document_ref(saved->document);
	backup->is_one = true;
	bool metadata = strcmp(dir, "files") == 0;
	int r =
	    metadata ? 0 : find_loading(backup, name_to_table(dir), &loading);
	if (r < 0) {
		document_unref(record);
		return r;
	}
	r = loading_add_file(loading, name, record);
	return r == 0 && metadata ? add_metadata(backup, OBJECTS_SAVED, saved)
				  : r;
}

static int add_spec(struct backup *backup, const char *dir, const char *name,
    struct place place)
{
	struct loading *loading = NULL;
	CLEANUP_BUF struct buf text;
	buf_init(&text, DOCUMENT_TEXT_MAX);
	int r = find_loading(backup, name_to_table(dir), &loading);
	if (r == 0)
		r = place_read(&place, &text);
	if (r == 0)
		r = saved_open_text(&place, &text, &backup->spool);
	place_done(&place);
	if (r == 0 && json_check(buf_str(&text), text.len) < 0)
		return saved_complain(dir, name,
		    "not valid JSON; copy it anew, or move it away to serve "
		    "the rest");
	if (r < 0)
		return saved_explain(dir, name, r);
	char *spec = buf_steal(&text);
	if (!spec)
		return -ENOMEM;
	table_take_spec(loading_table(loading), spec);
	backup->is_one = true;
	return 0;
}

/* A file of a table's directory, or of files. */
static int add_to_table(struct backup *backup, const char *dir,
    const char *name, struct place place)
{
	struct saved saved;
	CLEANUP_BUF struct buf text;
	buf_init(&text, DOCUMENT_TEXT_MAX);
	bool metadata = strcmp(dir, "files") == 0;
	if (!metadata && backup_is_spec(name))
		return add_spec(backup, dir, name, place);
	if (!backup_is_record(name))
		return refuse(dir, name, &place, "not a record");
	int r = place_read(&place, &text);
	if (r < 0)
		place_done(&place);
	else
		r = saved_take(place, &text, metadata, &backup->spool, &saved);
	if (r < 0)
		return saved_explain(dir, name, r);
	r = backup_add_record(backup, dir, name, &saved);
	saved_done(&saved);
	return r;
}

static int add_object(struct backup *backup, enum objects_origin origin,
    const char *dir, const char *name, struct place place)
{
	const char *slash = strrchr(name, '/');
	const char *stray = stray_kind(slash ? slash + 1 : name);
	if (stray)
		return refuse(dir, name, &place, stray);
	backup->is_one = true;
	return objects_add(backup->objects, origin, name, place);
}

/* ---- files of the root ---- */

/* Where the records of a file go. */
struct target {
	struct backup *backup;
	struct loading *loading;
};

static int take_item(void *ctx, struct saved *saved)
{
	struct target *target = ctx;
	struct backup *backup = target->backup;
	loading_confirm(target->loading);
	int r =
	    loading_add_item(target->loading, document_ref(saved->document));
	return r == 0 && target->loading == backup->files
		   ? add_metadata(backup, OBJECTS_EXPORTED, saved)
		   : r;
}

static int add_export(struct backup *backup, const char *name,
    const struct export_name *what, struct place place)
{
	struct target target = {backup, backup->files};
	int r = strcmp(what->table, "files") == 0
		    ? 0
		    : find_loading(backup, what->table, &target.loading);
	if (r < 0) {
		place_done(&place);
		return r;
	}
	r = export_read(name, what, place, target.loading,
	    target.loading == backup->files, &backup->spool, take_item,
	    &target);
	backup->is_one |= r == 0;
	if (r == 0)
		loading_confirm(target.loading);
	else if (r > 0)
		log_warn("%s: holds no records, not served", name);
	return r < 0 ? r : 0;
}

static int add_root_file(
    struct backup *backup, const char *name, struct place place)
{
	struct export_name what;
	if (stray_kind(name) || !export_name_parse(name, &what))
		return refuse("", name, &place,
		    bundle_is_name(name)
			? "an archive; unpack it and serve what was in it"
			: "not an exported page, nor a table");
	return add_export(backup, name, &what, place);
}

int backup_add_file(struct backup *backup, const char *dir, const char *name,
    struct place place)
{
	if (!*dir)
		return add_root_file(backup, name, place);
	if (strcmp(dir, "storage") == 0)
		return add_object(backup, OBJECTS_SAVED, dir, name, place);
	if (is_exported(backup, dir))
		return add_object(backup, OBJECTS_EXPORTED, dir, name, place);
	return add_to_table(backup, dir, name, place);
}

/* ---- the end ---- */

static int finish_tables(struct backup *backup)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < backup->loading_count; i++) {
		struct loading *loading = backup->loadings[i];
		if (!loading_is_confirmed(loading))
			continue;
		r = loading_finish(loading);
		if (r == 0)
			r = store_adopt(
			    backup->store, loading_take_table(loading));
	}
	return r;
}

static int add_name(struct loading *loading, struct buf *out)
{
	int r = loading_is_incomplete(loading) && out->len > 0
		    ? buf_adds(out, ", ")
		    : 0;
	return r == 0 && loading_is_incomplete(loading)
		   ? buf_adds(out, table_name(loading_table(loading)))
		   : r;
}

/* Any directory's name may be a table's: what is in them tells. */
static int check_is_one(const struct backup *backup)
{
	if (backup->is_one)
		return 0;
	log_error("this is no backup: there are no tables' directories with "
		  "records, no exported pages, no tables in one file, and no "
		  "stored files; name the directory that these lie in");
	return -EPROTO;
}

/* The last word before it is served. */
static int conclude(struct backup *backup)
{
	CLEANUP_BUF struct buf names;
	buf_init(&names, BUF_MAX_DEFAULT);
	int r = 0;
	for (size_t i = 0; r == 0 && i < backup->loading_count; i++)
		r = add_name(backup->loadings[i], &names);
	if (r == 0)
		r = add_name(backup->files, &names);
	if (r == 0 && names.len > 0)
		log_warn("this backup is INCOMPLETE, and served all the same: "
			 "what is missing of %s is said above; where it is "
			 "mounted, rsync -a copies what there is (and exits "
			 "with 23), cp -r nothing of it",
		    names.data);
	return r;
}

int backup_finish(struct backup *backup)
{
	int r = check_is_one(backup);
	if (r == 0)
		r = finish_tables(backup);
	if (r == 0)
		r = loading_finish(backup->files);
	if (r == 0)
		r = objects_join(
		    backup->objects, backup->files, &backup->spool);
	return r == 0 ? conclude(backup) : r;
}
