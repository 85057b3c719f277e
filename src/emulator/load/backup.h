/*
 * Put what was saved back into a store: file by file, in any order. Two forms
 * are known: a copied mount (TABLE/ID.json, TABLE/.spec.json, files/ID.json,
 * storage/ID_NAME), and what the official export scripts save
 * (TABLE_pageN.json, bkend_files/NAME). What is wrong with a file is said on
 * stderr, naming it. Not thread-safe.
 */
#ifndef EMULATOR_BACKUP_H
#define EMULATOR_BACKUP_H

#include "emulator/store/store.h"

struct backup;

/* The store is borrowed. 0 or -ENOMEM. */
int backup_new(struct store *store, struct backup **ret_backup);
/* NULL is fine. */
void backup_free(struct backup *backup);

/* One directory of the root is there; files in it follow. 1 when its files
 * are wanted, 0 when it is nothing of ours (which is said), or -errno. */
int backup_add_directory(struct backup *backup, const char *name);

/* One file, dir being "" for those in the root itself. The place is taken
 * over. 0 or -errno. */
int backup_add_file(struct backup *backup, const char *dir, const char *name,
    struct place place, int64_t mtime_ms);

/* All files were added: sort, and bring metadata and objects together. 0;
 * -EPROTO when something is missing; -ENOMEM. */
int backup_finish(struct backup *backup);

#endif
