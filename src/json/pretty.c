#include "json/json.h"

#include <errno.h>
#include <string.h>

#include "json/gap.h"
#include "json/lex.h"

/* Where laid-out text goes. */
struct sink {
	char *at;
};

static inline void put(struct sink *sink, const char *text, size_t len)
{
	memcpy(sink->at, text, len);
	sink->at += len;
}

static inline void put_gap(struct sink *sink, const struct gap *gap)
{
	put(sink, gap->mark, gap->mark_len);
	if (!gap->line)
		return;
	*sink->at++ = '\n';
	memset(sink->at, ' ', gap->indent);
	sink->at += gap->indent;
}

static int lay_out(const char *text, size_t len, struct sink *sink)
{
	struct lex lex;
	struct lex_token token;
	struct gap gap;
	enum lex_kind before = LEX_END;
	lex_init(&lex, text, len);
	do {
		int r = gap_next(&before, &lex, &token, &gap);
		if (r < 0)
			return r;
		put_gap(sink, &gap);
		put(sink, token.text, token.len);
	} while (token.kind != LEX_END);
	return 0;
}

int json_pretty_size(const char *text, size_t len, uint64_t *ret_size)
{
	struct lex lex;
	struct lex_token token;
	struct gap_sum sum = {LEX_END, 0};
	lex_init(&lex, text, len);
	do {
		int r = gap_sum_next(&sum, &lex, &token);
		if (r < 0)
			return r;
	} while (token.kind != LEX_END);
	*ret_size = sum.size;
	return 0;
}

int json_pretty(const char *text, size_t len, struct buf *out)
{
	uint64_t size;
	int r = json_pretty_size(text, len, &size);
	if (r < 0)
		return r;
	if (size > SIZE_MAX)
		return -EMSGSIZE;
	r = buf_reserve(out, (size_t)size);
	if (r < 0)
		return r;
	struct sink sink = {.at = out->data + out->len};
	r = lay_out(text, len, &sink);
	if (r < 0)
		return r;
	out->len += (size_t)size;
	out->data[out->len] = '\0';
	return 0;
}
