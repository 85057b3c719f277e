#define PCRE2_CODE_UNIT_WIDTH 8

#include "emulator/query/pattern.h"

#include <errno.h>
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

/* Steps over one text, besides some for each of its bytes, and KiB for its way
 * back: some milliseconds. */
#define STEPS_MAX 200000
#define STEPS_BYTE 16
#define HEAP_MAX 4096
#define STACK_MAX ((size_t)1 << 20)

struct pattern {
	pcre2_code *code;
	pcre2_match_data *match;
	pcre2_match_context *limits;
	pcre2_jit_stack *stack; /* NULL: what there is without */
};

void pattern_free(struct pattern *pattern)
{
	if (!pattern)
		return;
	pcre2_code_free(pattern->code);
	pcre2_match_data_free(pattern->match);
	pcre2_match_context_free(pattern->limits);
	pcre2_jit_stack_free(pattern->stack);
	free(pattern);
}

/* 0, -EINVAL with the library's own number in *ret_error, or -ENOMEM. */
static int compile(const char *text, size_t len, uint32_t flags, int *ret_error,
    struct pattern **ret_pattern)
{
	struct pattern *pattern = calloc(1, sizeof(*pattern));
	PCRE2_SIZE at;
	if (!pattern)
		return -ENOMEM;
	flags |= PCRE2_UTF | PCRE2_MATCH_INVALID_UTF;
	pattern->code =
	    pcre2_compile((PCRE2_SPTR)text, len, flags, ret_error, &at, NULL);
	if (!pattern->code) {
		pattern_free(pattern);
		return -EINVAL;
	}
	/* Where there is no compiler for this processor, it is interpreted. */
	pcre2_jit_compile(pattern->code, PCRE2_JIT_COMPLETE);
	pattern->match =
	    pcre2_match_data_create_from_pattern(pattern->code, NULL);
	pattern->limits = pcre2_match_context_create(NULL);
	if (!pattern->match || !pattern->limits) {
		pattern_free(pattern);
		return -ENOMEM;
	}
	pattern->stack =
	    pcre2_jit_stack_create(STACK_MAX / 32, STACK_MAX, NULL);
	pcre2_jit_stack_assign(pattern->limits, NULL, pattern->stack);
	pcre2_set_heap_limit(pattern->limits, HEAP_MAX);
	*ret_pattern = pattern;
	return 0;
}

static int read_options(
    const char *options, struct buf *problem, uint32_t *ret_flags)
{
	for (; *options; options++) {
		switch (*options) {
		case 'i':
			*ret_flags |= PCRE2_CASELESS;
			break;
		case 'm':
			*ret_flags |= PCRE2_MULTILINE;
			break;
		case 's':
			*ret_flags |= PCRE2_DOTALL;
			break;
		case 'x':
			*ret_flags |= PCRE2_EXTENDED;
			break;
		default:
			buf_printf(problem,
			    "$options: not one of i, m, s, x: %s", options);
			return -EINVAL;
		}
	}
	return 0;
}

int pattern_new(const char *text, size_t len, const char *options,
    struct buf *problem, struct pattern **ret_pattern)
{
	/* \C would split characters. */
	uint32_t flags = PCRE2_NEVER_BACKSLASH_C;
	PCRE2_UCHAR why[128];
	int error;
	if (len > PATTERN_LEN_MAX) {
		buf_adds(problem, "$regex: too long");
		return -EINVAL;
	}
	int r = read_options(options, problem, &flags);
	if (r == 0)
		r = compile(text, len, flags, &error, ret_pattern);
	else
		return r;
	if (r == -EINVAL) {
		pcre2_get_error_message(error, why, sizeof(why));
		buf_printf(problem, "$regex: %s", (const char *)why);
	}
	return r;
}

int pattern_new_literal(
    const char *text, size_t len, struct pattern **ret_pattern)
{
	int error;
	return compile(
	    text, len, PCRE2_LITERAL | PCRE2_CASELESS, &error, ret_pattern);
}

int pattern_match(const struct pattern *pattern, const char *data, size_t len)
{
	size_t steps = STEPS_MAX + len * STEPS_BYTE;
	pcre2_set_match_limit(
	    pattern->limits, steps < UINT32_MAX ? (uint32_t)steps : UINT32_MAX);
	int r = pcre2_match(pattern->code, (PCRE2_SPTR)data, len, 0, 0,
	    pattern->match, pattern->limits);
	if (r >= 0)
		return 1;
	if (r == PCRE2_ERROR_NOMEMORY)
		return -ENOMEM;
	return r == PCRE2_ERROR_NOMATCH ? 0 : -E2BIG;
}
