/* What the pages tell of a stored file. A plain value; not thread-safe. */
#ifndef EMULATOR_FILE_FACTS_H
#define EMULATOR_FILE_FACTS_H

#include "emulator/store/store.h"

struct file_facts {
	struct buf text; /* the metadata */
	struct buf name; /* originalName; empty where there is none */
	struct buf type; /* mimeType, as a string without NULs */
	bool there;	 /* it has contents */
	uint64_t size;	 /* of these */
};

/* Of a row of the store's files. 0, or what reading and decoding say. */
int file_facts_read(
    struct store *store, row_t row, struct file_facts *ret_facts);

/* Let its memory go. */
void file_facts_done(struct file_facts *facts);

/* Whether its contents are a picture small enough to be shown among others. */
bool file_facts_is_picture(const struct file_facts *facts);

#endif
