/*
 * What json_pretty's layout has between two tokens, and so how long it is,
 * token by token, without making it. Internal to src/json. Pure.
 */
#ifndef JSON_GAP_H
#define JSON_GAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "json/lex.h"

/* What stands before a token. */
struct gap {
	const char *mark; /* first this, ... */
	unsigned mark_len;
	bool line; /* ... then, perhaps, a line's end, and its indent: */
	size_t indent;
};

/* Between the token before (LEX_END: there is none) and this one. Depth is the
 * number of containers around this one. */
static inline struct gap gap_between(
    enum lex_kind before, enum lex_kind kind, unsigned depth)
{
	size_t indent = (size_t)depth * 2;
	bool first = before == LEX_OPEN;
	if (before == LEX_KEY)
		return (struct gap){": ", 2, false, 0};
	if (kind == LEX_CLOSE)
		return (struct gap){"", 0, !first, indent};
	if (depth > 0)
		return (struct gap){",", first ? 0 : 1, true, indent};
	return (struct gap){"", 0, kind == LEX_END, 0};
}

/* Its bytes. */
static inline uint64_t gap_size(const struct gap *gap)
{
	return gap->mark_len + (gap->line ? 1 + (uint64_t)gap->indent : 0);
}

/* Read on, as lex_next, and what stands before the token: before is that which
 * came last, at first LEX_END. */
static inline int gap_next(enum lex_kind *before, struct lex *lex,
    struct lex_token *ret_token, struct gap *ret_gap)
{
	unsigned depth = lex->depth;
	int r = lex_next(lex, ret_token);
	if (r < 0)
		return r;
	if (ret_token->kind == LEX_CLOSE)
		depth = lex->depth;
	*ret_gap = gap_between(*before, ret_token->kind, depth);
	*before = ret_token->kind;
	return 0;
}

/* How long what was read so far is. Nothing: {LEX_END, 0}. */
struct gap_sum {
	enum lex_kind before;
	uint64_t size;
};

/* Read on, as lex_next. */
static inline int gap_sum_next(
    struct gap_sum *sum, struct lex *lex, struct lex_token *ret_token)
{
	struct gap gap;
	int r = gap_next(&sum->before, lex, ret_token, &gap);
	if (r == 0)
		sum->size += gap_size(&gap) + ret_token->len;
	return r;
}

#endif
