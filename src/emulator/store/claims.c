#include "emulator/store/claims.h"

/* 1, 0, or -errno. */
static int is_true(struct document *document)
{
	static const char *const member = "size";
	const struct place *object = document_object(document);
	struct json_span span = {0};
	int64_t claim;
	CLEANUP_BUF struct buf text;
	buf_init(&text, DOCUMENT_TEXT_MAX);
	if (!object)
		return 1;
	int r = document_read_text(document, &text);
	if (r == 0)
		r = json_members(buf_str(&text), text.len, &member, 1, &span);
	if (r < 0)
		return r;
	return json_int64(span, &claim) < 0 || claim == 0 ||
	       (uint64_t)claim == object->len;
}

int claims_are_true(const struct table *files)
{
	const row_t *rows = table_rows(files, TABLE_BY_ID);
	int r = 1;
	for (size_t i = 0; r == 1 && i < table_count(files); i++) {
		if (!row_is_generated(rows[i]))
			r = is_true(row_document(rows[i]));
	}
	return r;
}
