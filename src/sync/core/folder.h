/*
 * What the server lists shows as a folder: how to speak of one.
 */
#ifndef SYNC_CORE_FOLDER_H
#define SYNC_CORE_FOLDER_H

#include <stdint.h>

struct core;

/* Immutable; the strings are its maker's. */
struct folder {
	int64_t id;
	int64_t twin;	   /* NODE_STORAGE beside NODE_FILES, else 0 */
	const char *table; /* NULL: the stored files */
	const char *title; /* the directory's name */
};

/* Tell, in .bkendfs/errors and the log, of an answer about a directory that
 * cannot be true. Any thread. */
void folder_explain(const struct folder *folder, const struct core *core,
    int err, const char *message);

#endif
