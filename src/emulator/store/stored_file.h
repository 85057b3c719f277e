/* A stored file's object: its bytes, size and entity tag. Thread-safe. */
#ifndef EMULATOR_STORED_FILE_H
#define EMULATOR_STORED_FILE_H

#include "emulator/store/table.h"

#define ETAG_SIZE 40

/* 0, -ENOENT when the file has no object (any more), or another -errno. The
 * tag comes with its quotes. */
int stored_file_stat(const struct table *files, row_t row, uint64_t *ret_size,
    char ret_etag[ETAG_SIZE]);

/* A descriptor of the object's bytes from *ret_offset on, which the caller
 * closes; -ENOENT when they are in no file. */
int stored_file_open(row_t row, uint64_t *ret_offset);

/* len bytes from offset on, which are there. For objects in no file. */
void stored_file_read(row_t row, uint64_t offset, void *data, size_t len);

#endif
