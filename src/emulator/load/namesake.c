#include "emulator/load/namesake.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/log.h"
#include "emulator/load/backup.h"
#include "emulator/load/crew.h"
#include "emulator/load/loading.h"
#include "emulator/load/stray.h"

#define NAME "bkend_files"

/* Files that are read at once. */
#define BATCH ((size_t)1 << 12)

/* What is in it, strays left out. */
struct contents {
	bool spec;	/* that of a table */
	size_t named;	/* files with a record's name, which stand first */
	size_t records; /* those that are a record of that name, too */
	size_t others;	/* files and directories */
};

static bool has_folder(const struct backup_dir *root, const char *name)
{
	for (size_t i = 0; i < root->folders.count; i++)
		if (strcmp(root->folders.entries[i].name, name) == 0)
			return true;
	return false;
}

/* Files with a record's name move to the front. */
static void look_at_names(struct backup_dir *folder, struct contents *contents)
{
	struct backup_dir_entry *files = folder->files.entries;
	for (size_t i = 0; i < folder->files.count; i++) {
		struct backup_dir_entry file = files[i];
		if (backup_is_spec(file.name)) {
			contents->spec = true;
		} else if (backup_is_record(file.name)) {
			files[i] = files[contents->named];
			files[contents->named++] = file;
		} else if (!stray_kind(file.name)) {
			contents->others++;
		}
	}
	for (size_t i = 0; i < folder->folders.count; i++)
		contents->others +=
		    !stray_kind(folder->folders.entries[i].name);
}

static int is_record(const char *name, const struct crew_result *result)
{
	return result->error == 0
		   ? loading_is_own_name(name, result->saved.document)
		   : 0;
}

static int look_into(const struct backup_dir *folder, struct contents *contents)
{
	int r = 0;
	for (size_t at = 0; r == 0 && at < contents->named; at += BATCH) {
		struct crew_result *results;
		size_t left = contents->named - at;
		size_t n = left < BATCH ? left : BATCH;
		r = crew_read(folder, at, n, false, &results);
		if (r < 0)
			break;
		for (size_t i = 0; r >= 0 && i < n; i++) {
			r = is_record(
			    folder->files.entries[at + i].name, &results[i]);
			contents->records += r == 1;
		}
		crew_done(results, n);
		r = r < 0 ? r : 0;
	}
	return r;
}

/* Without all of a mount beside it. */
static int judge_alone(const struct contents *contents)
{
	if (contents->spec ||
	    (contents->records && contents->records == contents->named &&
		!contents->others))
		log_warn("%s: taken for the stored files of an export, though "
			 "it looks like a table of that name; a copied mount "
			 "has files and storage beside its tables",
		    NAME);
	return 0;
}

/* Of a table's files one may be damaged, or somebody's; stored files may be
 * records by chance. */
static int judge_in_mount(const struct contents *contents)
{
	size_t files = contents->named + contents->others;
	bool most = contents->records > files / 2;
	if (contents->spec)
		return 1;
	if (files == 0)
		log_warn("%s: is empty, and taken for a table of that name, "
			 "since files and storage of a copied mount are beside "
			 "it",
		    NAME);
	else if (contents->records > 0 && contents->records < files)
		log_warn("%s: taken for %s: files and storage of a copied "
			 "mount are beside it, and %zu of %zu in it are "
			 "records",
		    NAME,
		    most ? "a table of that name"
			 : "the stored files of an export",
		    contents->records, files);
	return most || files == 0;
}

int namesake_is_table(const struct backup_dir *root, struct backup_dir *folder)
{
	struct contents contents = {0};
	look_at_names(folder, &contents);
	int r = look_into(folder, &contents);
	if (r < 0)
		return r;
	return has_folder(root, "files") && has_folder(root, "storage")
		   ? judge_in_mount(&contents)
		   : judge_alone(&contents);
}
