#include "json/lex.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

void lex_init(struct lex *lex, const char *text, size_t len)
{
	lex->at = text;
	lex->end = len ? text + len : text; /* text may be NULL then */
	lex->expect = LEX_EXPECT_VALUE;
	lex->depth = 0;
}

/* The byte that comes after white space; NUL, which begins no token, at the
 * end of the text. */
static inline char peek(struct lex *lex)
{
	for (; lex->at != lex->end; lex->at++) {
		char c = *lex->at;
		if (c != ' ' && c != '\n' && c != '\r' && c != '\t')
			return c;
	}
	return '\0';
}

static inline bool in_object(const struct lex *lex)
{
	unsigned level = lex->depth - 1;
	return lex->objects[level / 64] >> level % 64 & 1;
}

#ifdef __SSE2__

/* Where one of sixteen bytes is a quote, a backslash or a control character: a
 * bit each. */
static inline unsigned find_special(const char *p)
{
	__m128i bytes = _mm_loadu_si128((const void *)p);
	__m128i last = _mm_set1_epi8(0x1f);
	__m128i control = _mm_cmpeq_epi8(_mm_max_epu8(bytes, last), last);
	__m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
	__m128i escape = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
	return (unsigned)_mm_movemask_epi8(
	    _mm_or_si128(control, _mm_or_si128(quote, escape)));
}

/* Sixteen bytes at a time, for most of a record's bytes are read here. */
static inline const char *skip_many(const char *p, const char *end)
{
	for (; end - p >= 16; p += 16) {
		unsigned special = find_special(p);
		if (special)
			return p + __builtin_ctz(special);
	}
	return p;
}

#else

/* Copies of one byte in each byte of a word. */
#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Whether one of eight bytes is a quote, a backslash or a control character
 * (Bit Twiddling Hacks, "Determine if a word has a byte less than n"). */
static inline bool has_special(uint64_t word)
{
	uint64_t quote = word ^ EACH('"'), escape = word ^ EACH('\\');
	uint64_t hit = ((quote - EACH(1)) & ~quote) |
		       ((escape - EACH(1)) & ~escape) |
		       ((word - EACH(0x20)) & ~word);
	return hit & EACH(0x80);
}

/* Eight bytes at a time, for most of a record's bytes are read here. */
static inline const char *skip_many(const char *p, const char *end)
{
	for (uint64_t word; end - p >= (ptrdiff_t)sizeof(word); p += 8) {
		memcpy(&word, p, sizeof(word));
		if (has_special(word))
			break;
	}
	return p;
}

#endif

static inline const char *skip_plain(const char *p, const char *end)
{
	p = skip_many(p, end);
	while (p != end && (unsigned char)*p >= 0x20 && *p != '"' && *p != '\\')
		p++;
	return p;
}

const char *lex_plain(const char *text, const char *end)
{
	return skip_plain(text, end);
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ||
	       (c >= 'A' && c <= 'F');
}

/* p is behind the backslash. */
static const char *skip_escape(const char *p, const char *end)
{
	if (p == end || *p == '\0' || !strchr("\"\\/bfnrtu", *p))
		return NULL;
	if (*p++ != 'u')
		return p;
	for (int i = 0; i < 4; i++) {
		if (p == end || !is_hex(*p++))
			return NULL;
	}
	return p;
}

const char *lex_string(const char *text, const char *end)
{
	const char *p = text + 1;
	for (;;) {
		p = skip_plain(p, end);
		if (p == end)
			return NULL;
		if (*p == '"')
			return p + 1;
		if (*p != '\\')
			return NULL;
		p = skip_escape(p + 1, end);
		if (!p)
			return NULL;
	}
}

/* At least one digit, or NULL. */
static const char *skip_digits(const char *p, const char *end)
{
	const char *start = p;
	while (p != end && *p >= '0' && *p <= '9')
		p++;
	return p == start ? NULL : p;
}

static const char *skip_number(const char *p, const char *end)
{
	if (*p == '-')
		p++;
	if (p != end && *p == '0')
		p++;
	else
		p = skip_digits(p, end);
	if (p && p != end && *p == '.')
		p = skip_digits(p + 1, end);
	if (p && p != end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p != end && (*p == '+' || *p == '-'))
			p++;
		p = skip_digits(p, end);
	}
	return p;
}

static const char *skip_literal(const char *p, const char *end)
{
	size_t len = *p == 'f' ? 5 : 4;
	const char *word = *p == 't' ? "true" : *p == 'f' ? "false" : "null";
	if ((size_t)(end - p) < len || memcmp(p, word, len) != 0)
		return NULL;
	return p + len;
}

/* The token from lex->at to end (NULL: there is no valid one) was read. */
static inline int accept(struct lex *lex, enum lex_kind kind, const char *end,
    enum lex_expect expect, struct lex_token *ret_token)
{
	if (!end)
		return -EPROTO;
	ret_token->kind = kind;
	ret_token->text = lex->at;
	ret_token->len = (size_t)(end - lex->at);
	lex->at = end;
	lex->expect = expect;
	return 0;
}

static int read_open(struct lex *lex, char c, struct lex_token *ret_token)
{
	unsigned level = lex->depth;
	if (level == JSON_DEPTH_MAX)
		return -EPROTO;
	uint64_t bit = UINT64_C(1) << level % 64;
	if (c == '{')
		lex->objects[level / 64] |= bit;
	else
		lex->objects[level / 64] &= ~bit;
	lex->depth++;
	return accept(lex, LEX_OPEN, lex->at + 1,
	    c == '{' ? LEX_EXPECT_KEY_OR_CLOSE : LEX_EXPECT_VALUE_OR_CLOSE,
	    ret_token);
}

static int read_close(struct lex *lex, char c, struct lex_token *ret_token)
{
	if (c != (in_object(lex) ? '}' : ']'))
		return -EPROTO;
	lex->depth--;
	return accept(
	    lex, LEX_CLOSE, lex->at + 1, LEX_EXPECT_COMMA_OR_CLOSE, ret_token);
}

static int read_key(struct lex *lex, char c, struct lex_token *ret_token)
{
	if (c != '"')
		return -EPROTO;
	int r = accept(lex, LEX_KEY, lex_string(lex->at, lex->end),
	    LEX_EXPECT_VALUE, ret_token);
	if (r < 0)
		return r;
	if (peek(lex) != ':')
		return -EPROTO;
	lex->at++;
	return 0;
}

static int read_value(struct lex *lex, char c, struct lex_token *ret_token)
{
	enum lex_kind kind;
	const char *end;
	switch (c) {
	case '{':
	case '[':
		return read_open(lex, c, ret_token);
	case '"':
		kind = LEX_STRING;
		end = lex_string(lex->at, lex->end);
		break;
	case 't':
	case 'f':
	case 'n':
		kind = LEX_LITERAL;
		end = skip_literal(lex->at, lex->end);
		break;
	case '\0':
		return -EPROTO;
	default:
		kind = LEX_NUMBER;
		end = skip_number(lex->at, lex->end);
	}
	return accept(lex, kind, end, LEX_EXPECT_COMMA_OR_CLOSE, ret_token);
}

static int read_end(struct lex *lex, struct lex_token *ret_token)
{
	if (lex->at != lex->end)
		return -EPROTO;
	return accept(
	    lex, LEX_END, lex->at, LEX_EXPECT_COMMA_OR_CLOSE, ret_token);
}

int lex_next(struct lex *lex, struct lex_token *ret_token)
{
	char c = peek(lex);
	enum lex_expect expect = lex->expect;
	if (expect == LEX_EXPECT_COMMA_OR_CLOSE) {
		if (lex->depth == 0)
			return read_end(lex, ret_token);
		if (c != ',')
			return read_close(lex, c, ret_token);
		lex->at++;
		c = peek(lex);
		expect = in_object(lex) ? LEX_EXPECT_KEY : LEX_EXPECT_VALUE;
	}
	if (expect == LEX_EXPECT_KEY_OR_CLOSE && c == '}')
		return read_close(lex, c, ret_token);
	if (expect == LEX_EXPECT_VALUE_OR_CLOSE && c == ']')
		return read_close(lex, c, ret_token);
	if (expect == LEX_EXPECT_KEY || expect == LEX_EXPECT_KEY_OR_CLOSE)
		return read_key(lex, c, ret_token);
	return read_value(lex, c, ret_token);
}
