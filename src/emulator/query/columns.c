#include "emulator/query/columns.h"

#include <errno.h>
#include <stdlib.h>

#include "emulator/query/project.h"

void columns_hide(struct columns *columns, const char *name)
{
	if (columns->count == COLUMNS_MAX)
		columns->too_many = true;
	else
		columns->hidden[columns->count++] = name;
}

/* Append text without the member, however often it is there. */
static int drop_all(struct buf *text, const char *name)
{
	for (;;) {
		struct json_span span;
		int r = json_members(buf_str(text), text->len, &name, 1, &span);
		if (r < 0 || !span.text)
			return r;
		struct buf rest;
		buf_init(&rest, DOCUMENT_TEXT_MAX);
		r = project_replace(
		    buf_str(text), text->len, name, NULL, &rest);
		if (r < 0) {
			buf_done(&rest);
			return r;
		}
		buf_done(text);
		*text = rest;
	}
}

int columns_drop(
    const struct columns *columns, struct buf *text, struct buf *out)
{
	int r = 0;
	if (columns->too_many) {
		struct projection least;
		r = projection_init(&least, "");
		if (r == 0)
			r = projection_apply(
			    &least, buf_str(text), text->len, out);
		projection_done(&least);
		return r;
	}
	for (size_t i = 0; r == 0 && i < columns->count; i++)
		r = drop_all(text, columns->hidden[i]);
	return r == 0 ? buf_add(out, buf_str(text), text->len) : r;
}

int columns_read_text(const struct columns *columns, const struct table *table,
    row_t row, struct buf *out)
{
	if (!columns || columns->count == 0)
		return table_read_text(table, row, out);
	CLEANUP_BUF struct buf text;
	buf_init(&text, DOCUMENT_TEXT_MAX);
	int r = table_read_text(table, row, &text);
	return r == 0 ? columns_drop(columns, &text, out) : r;
}
