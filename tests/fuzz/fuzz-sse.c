/* Any stream of events, in pieces of any lengths: the events are those that a
 * reader of the whole text finds, who goes by the standard line by line. */
#include "fuzz.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/hash.h"
#include "mcp/sse.h"
#include "random.h"

/* The line at *at, which moves behind its end. False: none is whole. */
static bool next_line(
    const char **at, const char *end, const char **ret_line, size_t *ret_len)
{
	const char *start = *at;
	for (const char *stop = start; stop < end; stop++) {
		if (*stop != '\r' && *stop != '\n')
			continue;
		bool both = *stop == '\r' && stop + 1 < end && stop[1] == '\n';
		*ret_line = start;
		*ret_len = (size_t)(stop - start);
		*at = stop + 1 + both;
		return true;
	}
	return false;
}

/* An event ends: what has come of it goes out, with a NUL behind it. */
static void end_event(struct buf *data, struct buf *out)
{
	if (data->len) {
		MUST(buf_add(out, data->data, data->len - 1) == 0);
		MUST(buf_addc(out, '\0') == 0);
	}
	buf_clear(data);
}

/* Field "data": what stands behind the colon, and one space. */
static void take_field(const char *line, size_t len, struct buf *data)
{
	const char *colon = memchr(line, ':', len);
	size_t name = colon ? (size_t)(colon - line) : len;
	size_t from = colon ? name + 1 : len;
	if (name != 4 || memcmp(line, "data", 4) != 0)
		return;
	from += from < len && line[from] == ' ';
	MUST(buf_add(data, line + from, len - from) == 0);
	MUST(buf_addc(data, '\n') == 0);
}

static void read_whole(const char *text, size_t len, struct buf *out)
{
	CLEANUP_BUF struct buf data;
	buf_init(&data, BUF_MAX_DEFAULT);
	const char *at = text, *end = text + len, *line;
	size_t line_len;
	for (bool first = true; next_line(&at, end, &line, &line_len);
	     first = false) {
		if (first && line_len >= 3 &&
		    memcmp(line, "\xef\xbb\xbf", 3) == 0) {
			line += 3;
			line_len -= 3;
		}
		if (line_len == 0)
			end_event(&data, out);
		else
			take_field(line, line_len, &data);
	}
}

static int take_event(void *ctx, const char *text, size_t len)
{
	struct buf *out = ctx;
	MUST(buf_add(out, text, len) == 0);
	return buf_addc(out, '\0');
}

static int run(
    const char *text, size_t len, size_t max, uint64_t random, struct buf *out)
{
	struct sse *sse;
	int r = 0;
	MUST(sse_new(max, take_event, out, &sse) == 0);
	for (size_t at = 0, n; r == 0 && at < len; at += n) {
		n = random ? random_below(&random, 16) : len;
		n = n < len - at ? n : len - at;
		/* A piece of its very size, for the sanitizer to see. */
		char *piece = malloc(n + !n);
		MUST(piece);
		memcpy(piece, text + at, n);
		r = sse_feed(sse, piece, n);
		free(piece);
	}
	sse_free(sse);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = size ? (const char *)data : "";
	uint64_t hash = hash_fnv1a(HASH_FNV1A_INIT, text, size) | 1;
	CLEANUP_BUF struct buf whole, parts, model, small;
	buf_init(&whole, BUF_MAX_DEFAULT);
	buf_init(&parts, BUF_MAX_DEFAULT);
	buf_init(&model, BUF_MAX_DEFAULT);
	buf_init(&small, BUF_MAX_DEFAULT);
	read_whole(text, size, &model);
	MUST(run(text, size, size + 1, 0, &whole) == 0);
	MUST(run(text, size, size + 1, hash, &parts) == 0);
	MUST(buf_compare(&whole, &model) == 0);
	MUST(buf_compare(&parts, &model) == 0);
	/* With little room it is refused, or the same. */
	int r = run(text, size, 1 + size / 4, hash, &small);
	MUST(r == 0 || r == -EMSGSIZE);
	MUST(small.len <= model.len);
	MUST(memcmp(buf_str(&small), buf_str(&model), small.len) == 0);
	if (r == 0)
		MUST(small.len == model.len);
	return 0;
}
