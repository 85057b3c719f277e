/*
 * Files that hold many records: the pages that the official export scripts save
 * (TABLE_pageN.json), and a whole table in one file (TABLE.json, .ndjson or
 * .jsonl). Either may be packed with gzip (.gz). For the loading thread.
 */
#ifndef EMULATOR_EXPORT_H
#define EMULATOR_EXPORT_H

#include "emulator/load/loading.h"
#include "emulator/load/saved.h"

/* The longest name of a table, and a NUL. */
#define EXPORT_TABLE_SIZE 65

struct export_name {
	char table[EXPORT_TABLE_SIZE];
	int64_t page; /* -1: the whole table */
	bool lines;   /* a record a line, by its ending */
};

/* What a file's name says that is in it: 1, or 0 when it is no such name. */
int export_name_parse(const char *name, struct export_name *ret_name);

/* Called with each record; what saved holds may be taken. 0 or -errno. */
typedef int (*export_fn)(void *ctx, struct saved *saved);

/*
 * Read the records of such a file, each lying in it, and tell loading of its
 * page. An error that was saved as a page, and an empty page, are said, as
 * missing from the table. The place is taken over. 0; 1 when it is the file of
 * a whole table by its name only (.json), and holds no records; -EPROTO (with a
 * line on stderr), or what reading says.
 */
int export_read(const char *name, const struct export_name *what,
    struct place place, struct loading *loading, bool with_original,
    struct unpacked **spool, export_fn fn, void *ctx);

#endif
