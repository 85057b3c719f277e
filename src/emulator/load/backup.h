/*
 * Put what was saved back into a store: file by file, in any order. These forms
 * are known, and may be mixed: a copied mount (TABLE/ID.json, TABLE/.spec.json,
 * files/ID.json, storage/ID_NAME), what the official export scripts save
 * (TABLE_pageN.json, files_pageN.json, bkend_files/NAME), and a whole table in
 * one file (TABLE.json, .ndjson, .jsonl). What is wrong with a file, and what
 * is known to be missing, is said on stderr. For one thread.
 */
#ifndef EMULATOR_BACKUP_H
#define EMULATOR_BACKUP_H

#include "emulator/load/saved.h"
#include "emulator/store/store.h"

struct backup;

/* What a directory of the root holds. */
enum backup_holds {
	BACKUP_NOTHING, /* of ours, which was said */
	BACKUP_RECORDS,
	BACKUP_METADATA, /* of stored files; records as well */
	BACKUP_OBJECTS,
	BACKUP_EXPORTED, /* objects, also in directories below */
};

/* The store is borrowed. 0 or -ENOMEM. */
int backup_new(struct store *store, struct backup **ret_backup);
/* NULL is fine. */
void backup_free(struct backup *backup);

/* The directory bkend_files, which is not added yet, is no export's, but that
 * of a copied mount's table that is called so. */
void backup_has_namesake(struct backup *backup);

/* One directory of the root is there; what is in it follows. One of
 * backup_holds, or -errno. */
int backup_add_directory(struct backup *backup, const char *name);

/* Whether a name within such a directory may be a record's. */
bool backup_is_record(const char *name);

/* Whether it is a table's specification. */
bool backup_is_spec(const char *name);

/* A record, or metadata, that was read from a file of a directory; what saved
 * holds may be taken. 0 or -ENOMEM. */
int backup_add_record(struct backup *backup, const char *dir, const char *name,
    struct saved *saved);

/* Any other file, dir being "" for those in the root itself. The place is taken
 * over. 0 or -errno. */
int backup_add_file(struct backup *backup, const char *dir, const char *name,
    struct place place);

/* All was added: sort, bring metadata and objects together, and say what is
 * missing. 0; -EPROTO when what is there cannot be served; -ENOMEM. */
int backup_finish(struct backup *backup);

#endif
