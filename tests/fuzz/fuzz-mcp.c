/* Whatever a server that lists tables answers: events do not depend on how the
 * stream was cut into chunks, and each of them, and the whole, is read as an
 * answer, as tools and as items, none of which may break. */
#include "fuzz.h"

#include <cjson/cJSON.h>
#include <string.h>

#include "base/hash.h"
#include "json/json.h"
#include "mcp/items.h"
#include "mcp/rpc.h"
#include "mcp/sse.h"
#include "mcp/tool.h"

#define ID 1

static void read_tools(const cJSON *result)
{
	static const struct tool_values values = {
	    .values = {"o", "p", "e", "i", "1", "100"}};
	struct tools *tools = tools_new();
	MUST(tools != NULL);
	MUST(tools_take(tools, result) == 0);
	for (int kind = 0; kind < TOOL_KINDS; kind++) {
		CLEANUP_BUF struct buf params;
		buf_init(&params, BUF_MAX_DEFAULT);
		if (tool_params(
			tools, (enum tool_kind)kind, &values, &params) == 0)
			MUST(json_check(buf_str(&params), params.len) == 0);
	}
	tools_free(tools);
}

static void read_items(const cJSON *result)
{
	static const char *const names[] = {"tableName", "name", "id", NULL};
	struct items *items;
	const char *words;
	int r = items_read(result, &items, &words);
	for (size_t i = 0; r == 0 && i < items_count(items); i++) {
		const char *text = items_text(items, i, names);
		MUST(!text || strlen(text) < BUF_MAX_DEFAULT);
	}
	if (r == 0)
		items_more(items, 1, (int64_t)items_count(items));
	items_free(items);
}

static void read_answer(const char *text, size_t len)
{
	struct rpc_answer answer;
	struct buf words;
	int64_t code;
	char revision[32];
	int r = rpc_read(text, len, ID, &answer);
	MUST(rpc_answers(text, len, ID) == (r == 0));
	if (r == 0 && answer.result) {
		rpc_revision(&answer, revision, sizeof(revision));
		read_tools(answer.result);
		read_items(answer.result);
	}
	if (r == 0)
		rpc_answer_done(&answer);
	buf_init(&words, BUF_MAX_DEFAULT);
	rpc_read_error(text, len, &code, &words);
	buf_done(&words);
}

static int take_event(void *ctx, const char *text, size_t len)
{
	struct buf *out = ctx;
	read_answer(text, len);
	MUST(buf_add(out, text, len) == 0);
	return buf_addc(out, '\0');
}

static int run(const char *data, size_t len, size_t step, struct buf *out)
{
	struct sse *sse;
	int r = 0;
	MUST(sse_new(len + 1, take_event, out, &sse) == 0);
	for (size_t at = 0; r == 0 && at < len; at += step)
		r = sse_feed(sse, data + at, step < len - at ? step : len - at);
	sse_free(sse);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *body = (const char *)data;
	uint64_t hash = hash_fnv1a(HASH_FNV1A_INIT, data, size);
	struct buf whole, parts;
	buf_init(&whole, BUF_MAX_DEFAULT);
	buf_init(&parts, BUF_MAX_DEFAULT);
	read_answer(body, size);
	MUST(run(body, size, size + 1, &whole) ==
	     run(body, size, 1 + hash % 16, &parts));
	MUST(buf_compare(&whole, &parts) == 0);
	buf_done(&whole);
	buf_done(&parts);
	return 0;
}
