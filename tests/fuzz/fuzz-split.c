/* Any body: records are strictly valid objects, and neither they nor the
 * outcome depend on how the body was cut into chunks. */
#include "fuzz.h"

#include <string.h>

#include "base/hash.h"
#include "json/json.h"
#include "json/split.h"

struct outcome {
	struct buf text; /* the records, then the skeleton */
	int found;
	int error;
};

static int take_record(void *ctx, const char *text, size_t len)
{
	struct buf *out = ctx;
	MUST(len >= 2 && text[0] == '{' && text[len - 1] == '}');
	MUST(json_check(text, len) == 0);
	MUST(buf_add(out, text, len) == 0);
	return buf_addc(out, '\n');
}

static void run(
    const char *body, size_t len, size_t step, struct outcome *outcome)
{
	struct json_split *split;
	const char *skeleton;
	size_t skeleton_len;
	int r = 0;
	*outcome = (struct outcome){.found = -1};
	buf_init(&outcome->text, BUF_MAX_DEFAULT);
	MUST(json_split_new(take_record, &outcome->text, &split) == 0);
	for (size_t at = 0; r == 0 && at < len; at += step) {
		size_t n = step < len - at ? step : len - at;
		r = json_split_feed(split, body + at, n);
	}
	if (r == 0)
		r = json_split_end(
		    split, &skeleton, &skeleton_len, &outcome->found);
	if (r == 0) {
		MUST(json_check(skeleton, skeleton_len) == 0);
		MUST(buf_add(&outcome->text, skeleton, skeleton_len) == 0);
	}
	json_split_free(split);
	outcome->error = r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *body = (const char *)data;
	uint64_t hash = hash_fnv1a(HASH_FNV1A_INIT, data, size);
	struct outcome whole, parts;
	run(body, size, size + 1, &whole);
	run(body, size, 1 + hash % 16, &parts);
	MUST(whole.error == parts.error);
	MUST(whole.found == parts.found);
	MUST(whole.text.len == parts.text.len);
	MUST(memcmp(buf_str(&whole.text), buf_str(&parts.text),
		 whole.text.len) == 0);
	/* What passes in parts passes as a whole, too; but for a byte order
	 * mark, and nesting, which is counted from the record on. */
	if (whole.error == 0 && size <= JSON_DEPTH_MAX &&
	    (size < 3 || memcmp(body, "\xef\xbb\xbf", 3) != 0))
		MUST(json_check(body, size) == 0);
	buf_done(&whole.text);
	buf_done(&parts.text);
	return 0;
}
