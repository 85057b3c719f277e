#include "emulator/query/search.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "emulator/query/cursor.h"
#include "emulator/query/path.h"
#include "emulator/query/pattern.h"
#include "emulator/query/value.h"

struct search {
	const char *field;
	struct pattern *pattern;
	/* What is asked for stands in a text as it is, if it is there at all
	 * and the text escapes nothing. */
	bool plain;
	struct value found; /* room for a string */
};

/* Printable ASCII without what JSON always escapes. The long s and the Kelvin
 * sign are s and k in another case: for those letters only the strings
 * themselves tell. */
static bool is_plain(const char *asked)
{
	for (; *asked; asked++)
		if (*asked < ' ' || *asked > '~' || strchr("\"\\skSK", *asked))
			return false;
	return true;
}

int search_new(const char *asked, const char *field, struct search **ret_search)
{
	struct search *search = calloc(1, sizeof(*search));
	if (!search)
		return -ENOMEM;
	value_init(&search->found);
	search->field = field;
	search->plain = is_plain(asked);
	int r = pattern_new_literal(asked, strlen(asked), &search->pattern);
	if (r < 0) {
		search_free(search);
		return r;
	}
	*ret_search = search;
	return 0;
}

void search_free(struct search *search)
{
	if (!search)
		return;
	pattern_free(search->pattern);
	value_done(&search->found);
	free(search);
}

static int match_string(struct search *search, struct json_span token)
{
	int r = value_read(&search->found, token);
	if (r < 0)
		return r == -EPROTO ? 0 : r;
	return pattern_match(
	    search->pattern, search->found.data, search->found.len);
}

/* The string token at text: up to its end, or, where a text that was put in by
 * hand is no JSON, to the end of it all. */
static size_t string_len(struct json_span text)
{
	size_t n = 1;
	while (n < text.len && text.text[n] != '"')
		n += text.text[n] == '\\' && n + 1 < text.len ? 2 : 1;
	return n < text.len ? n + 1 : text.len;
}

/* All strings in a text that no colon follows. */
static int match_strings(struct search *search, struct json_span text)
{
	const char *end = text.text + text.len, *p = text.text;
	while ((p = memchr(p, '"', (size_t)(end - p)))) {
		struct json_span token = {p, (size_t)(end - p)};
		token.len = string_len(token);
		p += token.len;
		const char *next = p;
		while (next < end && strchr(" \t\r\n", *next))
			next++;
		if (next < end && *next == ':')
			continue;
		int r = match_string(search, token);
		if (r != 0)
			return r;
	}
	return 0;
}

static int visit(void *ctx, struct json_span value)
{
	struct search *search = ctx;
	return value.text ? match_strings(search, value) : 0;
}

int search_match(struct search *search, struct json_span text)
{
	if (search->plain && !memchr(text.text, '\\', text.len)) {
		int r = pattern_match(search->pattern, text.text, text.len);
		if (r <= 0)
			return r;
	}
	if (search->field)
		return path_walk(text, search->field, visit, search);
	return match_strings(search, text);
}
