#include "emulator/load/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "emulator/load/bundle.h"
#include "emulator/load/backup.h"
#include "emulator/load/crew.h"
#include "emulator/load/export.h"
#include "emulator/load/namesake.h"
#include "emulator/load/stray.h"
#include "emulator/load/backup_dir.h"

/* Records that are in memory as more than their keys, at most. */
#define BATCH ((size_t)1 << 16)

/* Nobody's names have more slashes. */
#define DEPTH_MAX 32

/* One file, with its size. */
static int load_file(struct backup *backup, const struct backup_dir *folder,
    const char *dir, const char *name)
{
	struct place place = {.path = backup_dir_path(folder, name)};
	if (!place.path)
		return -ENOMEM;
	int r = place_stat(&place, &place.len, &place.tag);
	if (r < 0) {
		backup_dir_fail(place.path, -r);
		place_done(&place);
		return r;
	}
	return backup_add_file(backup, dir, name, place);
}

/* below is the way from dir to the folder: "", or with a slash at its end. */
static int load_object(struct backup *backup, const struct backup_dir *folder,
    const char *dir, const char *below, const char *name)
{
	CLEANUP_FREE char *full = NULL;
	struct stat st;
	struct place place = {.path = backup_dir_path(folder, name)};
	if (!place.path || asprintf(&full, "%s%s", below, name) < 0) {
		full = NULL;
		place_done(&place);
		return -ENOMEM;
	}
	if (fstatat(folder->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		int r = backup_dir_fail(place.path, errno);
		place_done(&place);
		return r;
	}
	place.len = (uint64_t)st.st_size;
	return backup_add_file(backup, dir, full, place);
}

static int load_objects(struct backup *backup, const struct backup_dir *folder,
    const char *dir, const char *below)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < folder->files.count; i++)
		r = load_object(
		    backup, folder, dir, below, folder->files.entries[i].name);
	return r;
}

/* Directories below that of the exported files: a name with a slash in it. */
static int load_below(struct backup *backup, const struct backup_dir *folder,
    const char *dir, const char *below, int depth);

static int load_object_dir(struct backup *backup,
    const struct backup_dir *parent, const char *dir, const char *below,
    const char *name, int depth)
{
	CLEANUP(backup_dir_done) struct backup_dir folder = {.fd = -1};
	CLEANUP_FREE char *path = backup_dir_path(parent, name);
	CLEANUP_FREE char *deeper = NULL;
	if (!path || asprintf(&deeper, "%s%s/", below, name) < 0) {
		deeper = NULL;
		return -ENOMEM;
	}
	if (depth > DEPTH_MAX || stray_kind(name)) {
		log_warn("%s: not served", path);
		return 0;
	}
	int r = backup_dir_read(path, &folder);
	return r < 0 ? r : load_below(backup, &folder, dir, deeper, depth);
}

static int load_below(struct backup *backup, const struct backup_dir *folder,
    const char *dir, const char *below, int depth)
{
	int r = load_objects(backup, folder, dir, below);
	for (size_t i = 0; r == 0 && i < folder->folders.count; i++)
		r = load_object_dir(backup, folder, dir, below,
		    folder->folders.entries[i].name, depth + 1);
	return r;
}

static void name_folders(const struct backup_dir *folder, const char *dir)
{
	for (size_t i = 0; i < folder->folders.count; i++)
		log_warn("%s/%s: a directory, not served", dir,
		    folder->folders.entries[i].name);
}

static int explain(const char *dir, const char *name, int error)
{
	struct export_name what;
	if (error == -EINVAL && export_name_parse(name, &what) &&
	    what.page >= 0)
		return saved_complain(dir, name,
		    "an exported page, and no record; if the directory that it "
		    "is in is the backup: --data with that one");
	return saved_explain(dir, name, error);
}

static int take_results(struct backup *backup, const char *dir,
    const struct backup_dir_entry *files, struct crew_result *results,
    size_t count)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < count; i++)
		r = results[i].error < 0
			? explain(dir, files[i].name, results[i].error)
			: backup_add_record(
			      backup, dir, files[i].name, &results[i].saved);
	return r;
}

/* Files that are no records are taken at once; the names of records move to the
 * front. How many, or -errno. */
static ssize_t sort_out(
    struct backup *backup, const struct backup_dir *folder, const char *dir)
{
	struct backup_dir_entry *files = folder->files.entries;
	size_t records = 0;
	for (size_t i = 0; i < folder->files.count; i++) {
		struct backup_dir_entry file = files[i];
		if (backup_is_record(file.name)) {
			files[i] = files[records];
			files[records++] = file;
			continue;
		}
		int r = load_file(backup, folder, dir, file.name);
		if (r < 0)
			return r;
	}
	return (ssize_t)records;
}

static int load_records(struct backup *backup, const struct backup_dir *folder,
    const char *dir, bool metadata)
{
	ssize_t count = sort_out(backup, folder, dir);
	int r = count < 0 ? (int)count : 0;
	for (size_t at = 0; r == 0 && at < (size_t)count; at += BATCH) {
		struct crew_result *results;
		size_t n =
		    (size_t)count - at < BATCH ? (size_t)count - at : BATCH;
		r = crew_read(folder, at, n, metadata, &results);
		if (r < 0)
			break;
		r = take_results(
		    backup, dir, folder->files.entries + at, results, n);
		crew_done(results, n);
	}
	return r;
}

static int load_directory(struct backup *backup,
    const struct backup_dir *folder, const char *dir, int holds)
{
	if (holds == BACKUP_EXPORTED)
		return load_below(backup, folder, dir, "", 0);
	name_folders(folder, dir);
	if (holds == BACKUP_OBJECTS)
		return load_objects(backup, folder, dir, "");
	return load_records(backup, folder, dir, holds == BACKUP_METADATA);
}

/* Someone copied the mount into a directory that was there already. */
static bool is_one_too_high(const struct backup_dir *folder, const char *dir)
{
	static const char *const ours[] = {"files", "storage", "bkend_files"};
	for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
		if (strcmp(dir, ours[i]) == 0)
			return false;
	return folder->files.count == 0 && folder->folders.count > 0;
}

/* What the export calls its directory may be a table's name, too. */
static int heed_namesake(struct backup *backup, const struct backup_dir *root,
    struct backup_dir *folder, const char *dir)
{
	int r = strcmp(dir, "bkend_files") == 0
		    ? namesake_is_table(root, folder)
		    : 0;
	if (r > 0)
		backup_has_namesake(backup);
	return r < 0 ? r : 0;
}

static int load_named(
    struct backup *backup, const struct backup_dir *root, const char *dir)
{
	CLEANUP(backup_dir_done) struct backup_dir folder = {.fd = -1};
	CLEANUP_FREE char *path = backup_dir_path(root, dir);
	if (!path)
		return -ENOMEM;
	int r = backup_dir_read(path, &folder);
	if (r < 0)
		return r;
	if (is_one_too_high(&folder, dir)) {
		log_warn("%s: holds directories and no records, not served; if "
			 "it is the backup: --data '%s'",
		    dir, path);
		return 0;
	}
	r = heed_namesake(backup, root, &folder, dir);
	if (r < 0)
		return r;
	int holds = backup_add_directory(backup, dir);
	return holds <= 0 ? holds : load_directory(backup, &folder, dir, holds);
}

static int load_root(struct backup *backup, const char *path)
{
	CLEANUP(backup_dir_done) struct backup_dir root = {.fd = -1};
	int r = backup_dir_read(path, &root);
	for (size_t i = 0; r == 0 && i < root.folders.count; i++)
		r = load_named(backup, &root, root.folders.entries[i].name);
	for (size_t i = 0; r == 0 && i < root.files.count; i++)
		r = load_file(backup, &root, "", root.files.entries[i].name);
	return r == 0 ? backup_finish(backup) : r;
}

int directory_load(struct store *store, const char *path)
{
	struct backup *backup;
	struct stat st;
	CLEANUP_FREE char *real = realpath(path, NULL);
	if (!real || stat(real, &st) < 0)
		return backup_dir_fail(path, errno);
	if (!S_ISDIR(st.st_mode)) {
		bundle_explain(path);
		return -ENOTDIR;
	}
	int r = backup_new(store, &backup);
	if (r < 0)
		return r;
	r = load_root(backup, real);
	if (r < 0)
		log_error("%s: cannot be served", path);
	backup_free(backup);
	return r;
}
