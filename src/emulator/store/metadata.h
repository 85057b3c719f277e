/* A stored file's metadata, made up where none was given. Pure, for any
 * thread. */
#ifndef EMULATOR_METADATA_H
#define EMULATOR_METADATA_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct metadata {
	const char *id;
	size_t id_len;
	const char *name; /* any bytes; NULL: leave originalName out */
	size_t name_len;
	const char *mime; /* NULL: application/octet-stream */
	const char *size; /* JSON text; NULL: leave it out */
	int64_t time_ms;  /* createdAt and updatedAt */
};

/* Append it as JSON. Bytes of strings stay as they are, also those that are
 * not UTF-8, but for what JSON wants escaped. 0 or -errno. */
int metadata_print(const struct metadata *metadata, struct buf *out);

#endif
