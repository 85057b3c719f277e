/*
 * A directory whose entries the server lists, and how to speak of it.
 */
#ifndef SYNC_CORE_DIRECTORY_H
#define SYNC_CORE_DIRECTORY_H

#include <stdint.h>

struct core;

/* Immutable; the strings are its maker's. */
struct directory {
	int64_t id;
	int64_t twin;	   /* NODE_STORAGE beside NODE_FILES, else 0 */
	const char *table; /* NULL: the stored files */
	const char *title; /* the directory's name */
};

/* Tell, in .bkendfs/errors and the log, of an answer about a directory that
 * cannot be true. Any thread. */
void directory_explain(const struct directory *dir, const struct core *core,
    int err, const char *message);

#endif
