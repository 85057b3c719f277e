#include "emulator/query/search.h"

#include <errno.h>
#include <string.h>

/* The length of the string token at text; of what is left, where a text that
 * was put in by hand is no JSON. */
static size_t string_len(const char *text)
{
	size_t n = 1;
	while (text[n] && text[n] != '"')
		n += text[n] == '\\' && text[n + 1] ? 2 : 1;
	return text[n] ? n + 1 : n;
}

static int token_holds(struct json_span token, const char *asked)
{
	CLEANUP_BUF struct buf string;
	buf_init(&string, DOCUMENT_TEXT_MAX);
	int r = json_string_decode(token, &string);
	if (r == -EPROTO)
		return 0;
	return r < 0 ? r : strcasestr(buf_str(&string), asked) != NULL;
}

int search_row(const char *asked, const struct columns *columns,
    const struct table *table, row_t row)
{
	CLEANUP_BUF struct buf text;
	buf_init(&text, DOCUMENT_TEXT_MAX);
	int r = columns_read_text(columns, table, row, &text);
	const char *p = buf_str(&text);
	while (r == 0 && (p = strchr(p, '"')) != NULL) {
		struct json_span token = {p, string_len(p)};
		p += token.len;
		if (p[strspn(p, " \t\r\n")] != ':')
			r = token_holds(token, asked);
	}
	return r;
}
