/*
 * The one strict reader of JSON text (RFC 8259): tokens in order, the grammar
 * checked on the way, no recursion and no allocation. Commas, colons and white
 * space are read over. Internal to src/json. Not thread-safe.
 */
#ifndef JSON_LEX_H
#define JSON_LEX_H

#include <stddef.h>
#include <stdint.h>

#include "json/limits.h"

enum lex_kind {
	LEX_END,
	LEX_OPEN, /* { or [ */
	LEX_CLOSE,
	LEX_KEY, /* a member's name, quotes included; its value comes next */
	LEX_STRING,
	LEX_NUMBER,
	LEX_LITERAL, /* true, false or null */
};

/* Borrowed from the text. */
struct lex_token {
	const char *text;
	size_t len;
	enum lex_kind kind;
};

/* What the grammar allows next. */
enum lex_expect {
	LEX_EXPECT_VALUE,
	LEX_EXPECT_VALUE_OR_CLOSE,
	LEX_EXPECT_KEY,
	LEX_EXPECT_KEY_OR_CLOSE,
	LEX_EXPECT_COMMA_OR_CLOSE, /* in depth 0: the end */
};

struct lex {
	const char *at;
	const char *end;
	enum lex_expect expect;
	unsigned depth; /* containers open after the last token */
	/* One bit a level, set where the container is an object. */
	uint64_t objects[JSON_DEPTH_MAX / 64];
};

/* Begin with text, which is borrowed until the last token was used. */
void lex_init(struct lex *lex, const char *text, size_t len);

/* The next token; LEX_END once one whole value was read. 0 or -EPROTO. */
int lex_next(struct lex *lex, struct lex_token *ret_token);

/* The end of the string token that begins at text (a quote), closing quote
 * included, or NULL when there is none before end. */
const char *lex_string(const char *text, const char *end);

/* The first byte from text on that is not simply itself within a string: a
 * quote, a backslash, a control character; end when there is none. */
const char *lex_plain(const char *text, const char *end);

#endif
