#include "emulator/store/metadata.h"

#include <string.h>

#include "base/timestamp.h"

static int add_string(const char *data, size_t len, struct buf *out)
{
	int r = buf_addc(out, '"');
	for (size_t i = 0; r == 0 && i < len; i++) {
		unsigned char c = (unsigned char)data[i];
		if (c == '"' || c == '\\')
			r = buf_printf(out, "\\%c", c);
		else if (c < ' ')
			r = buf_printf(out, "\\u%04x", c);
		else
			r = buf_addc(out, data[i]);
	}
	return r == 0 ? buf_addc(out, '"') : r;
}

int metadata_print(const struct metadata *metadata, struct buf *out)
{
	char time[TIMESTAMP_SIZE];
	const char *mime =
	    metadata->mime ? metadata->mime : "application/octet-stream";
	timestamp_format(metadata->time_ms, time);
	int r = buf_adds(out, "{\"id\":");
	if (r == 0)
		r = add_string(metadata->id, metadata->id_len, out);
	if (r == 0)
		r = buf_adds(out, ",\"s3Key\":");
	if (r == 0)
		r = add_string(metadata->id, metadata->id_len, out);
	if (r == 0 && metadata->name)
		r = buf_adds(out, ",\"originalName\":");
	if (r == 0 && metadata->name)
		r = add_string(metadata->name, metadata->name_len, out);
	if (r == 0)
		r = buf_adds(out, ",\"mimeType\":");
	if (r == 0)
		r = add_string(mime, strlen(mime), out);
	if (r == 0 && metadata->size)
		r = buf_printf(out, ",\"size\":%s", metadata->size);
	if (r == 0)
		r = buf_printf(out,
		    ",\"visibility\":\"private\",\"ownerId\":\"\","
		    "\"createdAt\":\"%s\",\"updatedAt\":\"%s\"}",
		    time, time);
	return r;
}
