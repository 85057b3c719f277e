/*
 * Where the bytes of a text or of a stored file are: in memory, in a file of
 * the data directory, or in what was unpacked. A plain value; who holds it
 * frees it.
 */
#ifndef EMULATOR_PLACE_H
#define EMULATOR_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "emulator/store/unpacked.h"

struct place {
	char *owned;		   /* freed with the place, or NULL */
	const char *memory;	   /* NULL: in a file */
	char *path;		   /* owned; NULL: not in a file of its own */
	struct unpacked *unpacked; /* a reference, or NULL */
	uint64_t offset;
	uint64_t len;
	/* Tells contents apart. Of a file of its own, when it was written last,
	 * as place_stat has it: then nothing is read of it once it was written
	 * again. 0: it may be. */
	uint64_t tag;
};

/* Whether the bytes are anywhere. */
bool place_is_set(const struct place *place);

/* Whether place_open has a file to open. */
bool place_is_file(const struct place *place);

/* A place within a place, of which the bytes stay where they are: what was
 * memory is borrowed. 0 or -ENOMEM. */
int place_slice(const struct place *place, uint64_t offset, uint64_t len,
    struct place *ret_slice);

/* Free what the place owns; it is empty then. */
void place_done(struct place *place);

/* Copy bytes into memory of the place's own. 0 or -ENOMEM. */
int place_copy(const char *data, size_t len, struct place *ret_place);

/* Open a place's file, which no link leads to: what was looked at when it was
 * loaded is read, or nothing. The descriptor, for pread; -ENXIO when it is no
 * file any more, or another -errno. Any thread. */
int place_open(const struct place *place);

/* A file's tag. Pure. */
uint64_t place_tag(const struct stat *st);

/* The size of the bytes, and a tag that is another when they are others. For
 * places in files: 0, or what open and fstat say. Any thread. */
int place_stat(
    const struct place *place, uint64_t *ret_size, uint64_t *ret_tag);

/* The same, of bytes that are read a piece at a time: the tag is another one
 * also where a writer has put the time back, or the owner or a link changed. */
int place_stat_strictly(
    const struct place *place, uint64_t *ret_size, uint64_t *ret_tag);

/* Append the bytes. 0, -ENOMEM, -EMSGSIZE, -ESTALE (the file has changed), -EIO
 * (it has become shorter), or what open and read say. Any thread. */
int place_read(const struct place *place, struct buf *out);

#endif
