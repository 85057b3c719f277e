/*
 * How long json_pretty's layout is, token by token, without making it. Internal
 * to src/json. Pure.
 */
#ifndef JSON_GAP_H
#define JSON_GAP_H

#include <stdint.h>

#include "json/lex.h"

/* What stands behind the last token: a line's end. */
#define GAP_END 1

/* Bytes between the token before (LEX_END: there is none) and this one. Depth
 * is the number of containers around this one. */
static inline uint64_t gap_size(
    enum lex_kind before, enum lex_kind kind, unsigned depth)
{
	uint64_t line = 1 + (uint64_t)depth * 2;
	if (before == LEX_KEY)
		return 2; /* ": " */
	if (kind == LEX_CLOSE)
		return before == LEX_OPEN ? 0 : line;
	if (depth == 0)
		return 0;
	return before == LEX_OPEN ? line : 1 + line;
}

/* How long what was read so far is. Nothing: {LEX_END, 0}. */
struct gap_sum {
	enum lex_kind before;
	uint64_t size;
};

/* Read on, as lex_next. */
static inline int gap_sum_next(
    struct gap_sum *sum, struct lex *lex, struct lex_token *token)
{
	unsigned depth = lex->depth;
	int r = lex_next(lex, token);
	if (r < 0)
		return r;
	if (token->kind == LEX_CLOSE)
		depth = lex->depth;
	sum->size +=
	    token->kind == LEX_END
		? GAP_END
		: token->len + gap_size(sum->before, token->kind, depth);
	sum->before = token->kind;
	return 0;
}

#endif
