#include "emulator/query/search.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "emulator/query/cursor.h"
#include "emulator/query/path.h"
#include "emulator/query/pattern.h"
#include "emulator/query/value.h"
#include "json/skip.h"

struct search {
	const char *field;
	struct pattern *pattern;
	struct pattern *quick; /* of what is ASCII; NULL: it is not */
	/* What is asked for holds nothing that JSON always escapes: it stands
	 * in a text as it is, if it is there at all and not escaped there for
	 * no need. */
	bool plain;
	bool slash;	    /* it holds one, which some escape */
	size_t least;	    /* what holds it has as many bytes */
	struct value found; /* room for a string */
};

static bool is_plain(const char *asked)
{
	for (; *asked; asked++)
		if ((unsigned char)*asked < ' ' || strchr("\"\\", *asked))
			return false;
	return true;
}

/* Whether what is asked for may be there in another form than its own. */
static bool may_be_escaped(const struct search *search, struct json_span text)
{
	const char *p = text.text, *end = text.text + text.len;
	while ((p = memchr(p, '\\', (size_t)(end - p))) && end - p >= 2) {
		if (p[1] == 'u' || (p[1] == '/' && search->slash))
			return true;
		p += 2;
	}
	return false;
}

static bool is_ascii(const char *asked)
{
	while (*asked && (unsigned char)*asked < 0x80)
		asked++;
	return !*asked;
}

/* The long s (C5 BF) and the Kelvin sign (E2 84 AA) are other cases of s and k:
 * the only two letters that are one of ASCII's so. */
static bool has_other_case(struct json_span text)
{
	return memchr(text.text, 0xc5, text.len) ||
	       memchr(text.text, 0xe2, text.len);
}

/* As the pattern says; the quick one, where it says the same. */
static int match_bytes(const struct search *search, struct json_span text)
{
	const struct pattern *pattern = search->quick && !has_other_case(text)
					    ? search->quick
					    : search->pattern;
	return pattern_match(pattern, text.text, text.len);
}

/* Whether a whole text may hold what is asked for; all else is settled by its
 * strings. 1, 0 or as pattern_match. */
static int match_whole(const struct search *search, struct json_span text)
{
	if (!search->plain || may_be_escaped(search, text))
		return 1;
	return match_bytes(search, text);
}

int search_new(const char *asked, const char *field, struct search **ret_search)
{
	struct search *search = calloc(1, sizeof(*search));
	if (!search)
		return -ENOMEM;
	value_init(&search->found);
	search->field = field;
	search->plain = is_plain(asked);
	search->slash = strchr(asked, '/') != NULL;
	size_t len = strlen(asked);
	int r = pattern_new_literal(asked, len, false, &search->pattern);
	/* No letter is shorter in its other case than in ASCII. */
	search->least = is_ascii(asked) ? len : 1;
	if (r == 0 && is_ascii(asked))
		r = pattern_new_literal(asked, len, true, &search->quick);
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
	pattern_free(search->quick);
	value_done(&search->found);
	free(search);
}

static int match_string(struct search *search, struct json_span token)
{
	/* Nothing is longer decoded than it is written. */
	if (token.len < search->least + 2)
		return 0;
	int r = value_read(&search->found, token);
	if (r < 0)
		return r == -EPROTO ? 0 : r;
	return match_bytes(
	    search, (struct json_span){search->found.data, search->found.len});
}

/* The string token at text: up to its end, or, where a text that was put in by
 * hand is no JSON, to the end of it all. */
static size_t string_len(struct json_span text)
{
	struct json_skip skip = {.in_string = true};
	const char *end =
	    json_skip_string(&skip, text.text + 1, text.text + text.len);
	return (size_t)(end - text.text);
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
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
		while (next < end && is_space(*next))
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
	int r = match_whole(search, text);
	if (r <= 0)
		return r;
	if (search->field)
		return path_walk(text, search->field, visit, search);
	return match_strings(search, text);
}
