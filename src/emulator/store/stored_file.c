#include "emulator/store/stored_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "emulator/store/generate.h"

int stored_file_stat(const struct table *files, row_t row, uint64_t *ret_size,
    char ret_etag[ETAG_SIZE])
{
	uint64_t tag, size;
	if (row_is_generated(row)) {
		size = files->object_size;
		tag = row_number(row) ^ UINT64_C(0x67656e6572617465);
	} else if (row_document(row)->object.path) {
		struct stat st;
		CLEANUP_CLOSE int fd = place_open(&row_document(row)->object);
		if (fd < 0)
			return fd;
		if (fstat(fd, &st) < 0)
			return -errno;
		size = (uint64_t)st.st_size;
		tag = (uint64_t)st.st_mtim.tv_sec * 1000000000 +
		      (uint64_t)st.st_mtim.tv_nsec;
	} else if (row_document(row)->object.memory) {
		size = row_document(row)->object.len;
		tag = row_document(row)->etag;
	} else {
		return -ENOENT;
	}
	*ret_size = size;
	snprintf(
	    ret_etag, ETAG_SIZE, "\"%016" PRIx64 "-%" PRIx64 "\"", tag, size);
	return 0;
}

int stored_file_open(row_t row, uint64_t *ret_offset)
{
	if (row_is_generated(row) || !row_document(row)->object.path)
		return -ENOENT;
	const struct place *place = &row_document(row)->object;
	int fd = place_open(place);
	if (fd < 0)
		return fd;
	*ret_offset = place->offset;
	return fd;
}

void stored_file_read(row_t row, uint64_t offset, void *data, size_t len)
{
	if (row_is_generated(row))
		generate_bytes(row_number(row), offset, data, len);
	else
		memcpy(data, row_document(row)->object.memory + offset, len);
}
