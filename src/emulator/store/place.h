/*
 * Where the bytes of a text or of a stored file are: in memory, or in a file of
 * the data directory. A plain value; who holds it frees it.
 */
#ifndef EMULATOR_PLACE_H
#define EMULATOR_PLACE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct place {
	char *owned;	    /* freed with the place, or NULL */
	const char *memory; /* NULL: in the file */
	char *path;	    /* owned */
	uint64_t offset;
	uint64_t len;
};

/* Free what the place owns; it is empty then. */
void place_done(struct place *place);

/* Copy bytes into memory of the place's own. 0 or -ENOMEM. */
int place_copy(const char *data, size_t len, struct place *ret_place);

/* Open a place's file, which no link leads to: what was looked at when it was
 * loaded is read, or nothing. The descriptor, or -errno. Any thread. */
int place_open(const struct place *place);

/* Append the bytes. 0, -ENOMEM, -EMSGSIZE, -EIO (the file has become
 * shorter), or what open and read say. Any thread. */
int place_read(const struct place *place, struct buf *out);

#endif
