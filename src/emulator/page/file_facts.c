#include "emulator/page/file_facts.h"

#include <string.h>

#include "emulator/page/media.h"
#include "emulator/store/stored_file.h"

/* A browser takes in all of each picture of a page. */
#define PICTURE_SIZE_MAX ((uint64_t)32 << 20)

/* A string's text; nothing where the member is none. */
static int decode(struct json_span span, struct buf *out)
{
	return span.text && json_is_string(span) ? json_string_decode(span, out)
						 : 0;
}

static int read_members(struct file_facts *facts)
{
	static const char *const names[] = {"originalName", "mimeType"};
	struct json_span spans[2];
	int r = json_members(buf_str(&facts->text), facts->text.len, names,
	    ARRAY_SIZE(names), spans);
	if (r == 0)
		r = decode(spans[0], &facts->name);
	if (r == 0)
		r = decode(spans[1], &facts->type);
	if (strlen(buf_str(&facts->type)) != facts->type.len)
		buf_clear(&facts->type);
	return r;
}

int file_facts_read(
    struct store *store, row_t row, struct file_facts *ret_facts)
{
	struct file_facts facts = {0};
	char etag[ETAG_SIZE];
	struct table *files = store_files(store);
	buf_init(&facts.text, DOCUMENT_TEXT_MAX);
	buf_init(&facts.name, BUF_MAX_DEFAULT);
	buf_init(&facts.type, BUF_MAX_DEFAULT);
	int r = table_read_text(files, row, &facts.text);
	if (r == 0)
		r = read_members(&facts);
	if (r < 0) {
		file_facts_done(&facts);
		return r;
	}
	facts.there = stored_file_stat(files, row, &facts.size, etag) == 0;
	*ret_facts = facts;
	return 0;
}

void file_facts_done(struct file_facts *facts)
{
	buf_done(&facts->text);
	buf_done(&facts->name);
	buf_done(&facts->type);
}

bool file_facts_is_picture(const struct file_facts *facts)
{
	return facts->there && facts->size > 0 &&
	       facts->size <= PICTURE_SIZE_MAX &&
	       media_of(buf_str(&facts->type)) == MEDIA_PICTURE;
}
