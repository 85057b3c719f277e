/*
 * Synthetic records and objects: made on demand from their number alone, the
 * same bytes each time. Ids and both timestamps grow with the number. Pure and
 * thread-safe.
 */
#ifndef EMULATOR_GENERATE_H
#define EMULATOR_GENERATE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define GENERATE_ID_LEN 24

/* No table's name is longer. */
#define GENERATE_TABLE_MAX 64

/* The number-th id into out, NUL-terminated. Returns out. */
char *generate_id(uint64_t number, char out[GENERATE_ID_LEN + 1]);

/* The createdAt in the number-th record's text. */
int64_t generate_created_ms(uint64_t number);

/* The updatedAt in it. */
int64_t generate_updated_ms(uint64_t number);

/* Append a record's text of about size bytes. 0, -ENOMEM or -EMSGSIZE. */
int generate_record(
    const char *table, uint64_t number, size_t size, struct buf *out);

/* Append the fields of such records, as a schema's properties have them. Errors
 * as above. */
int generate_properties(size_t size, struct buf *out);

/* Append a stored file's metadata. Errors as above. */
int generate_metadata(uint64_t number, uint64_t size, struct buf *out);

/* len bytes of object number, from offset on: pseudo-random, no two blocks of
 * 4 KiB alike, neither in one object nor in two. */
void generate_bytes(uint64_t number, uint64_t offset, void *data, size_t len);

#endif
