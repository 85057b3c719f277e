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

#endif
