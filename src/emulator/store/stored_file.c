#include "emulator/store/stored_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "emulator/store/generate.h"

/* NULL of a generated one, and where there is none. */
static const struct place *place_of(row_t row)
{
	return row_is_generated(row) ? NULL
				     : document_object(row_document(row));
}

int stored_file_stat(const struct table *files, row_t row, uint64_t *ret_size,
    char ret_etag[ETAG_SIZE])
{
	const struct place *place = place_of(row);
	uint64_t tag = 0, size = 0;
	if (row_is_generated(row)) {
		size = table_object_size(files);
		tag = row_number(row) ^ UINT64_C(0x67656e6572617465);
	} else if (!place) {
		return -ENOENT;
	} else if (place_is_file(place)) {
		int r = place_stat_strictly(place, &size, &tag);
		if (r < 0)
			return r;
	} else {
		size = place->len;
		tag = document_object_hash(row_document(row));
	}
	*ret_size = size;
	snprintf(
	    ret_etag, ETAG_SIZE, "\"%016" PRIx64 "-%" PRIx64 "\"", tag, size);
	return 0;
}

int stored_file_open(row_t row, uint64_t *ret_offset)
{
	const struct place *place = place_of(row);
	if (!place || !place_is_file(place))
		return -ENOENT;
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
		memcpy(data, place_of(row)->memory + offset, len);
}
