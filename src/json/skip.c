#include "json/skip.h"

#include "json/lex.h"

const char *json_skip_string(
    struct json_skip *skip, const char *p, const char *end)
{
	while (skip->in_string) {
		if (!skip->escaped)
			p = lex_plain(p, end);
		if (p == end)
			break;
		char c = *p++;
		if (skip->escaped)
			skip->escaped = false;
		else if (c == '\\')
			skip->escaped = true;
		else if (c == '"')
			skip->in_string = false;
	}
	return p;
}

const char *json_skip_container(
    struct json_skip *skip, const char *p, const char *end)
{
	while (p != end) {
		if (skip->in_string) {
			p = json_skip_string(skip, p, end);
			continue;
		}
		switch (*p++) {
		case '"':
			skip->in_string = true;
			break;
		case '{':
		case '[':
			skip->depth++;
			break;
		case '}':
		case ']':
			if (--skip->depth == 0)
				return p;
			break;
		default:
			break;
		}
	}
	return p;
}
