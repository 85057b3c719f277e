/* Any line as a request to the emulator, and its query as that of a list: what
 * it is read as, written again, is read as the same; a query is taken, with
 * numbers in their bounds, or refused in words. */
#include "fuzz.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/percent.h"
#include "emulator/exchange/http_request.h"
#include "emulator/service/page_query.h"

static void check_params(const struct params *params)
{
	CLEANUP_BUF struct buf text;
	struct params again;
	buf_init(&text, BUF_MAX_DEFAULT);
	MUST(params->count <= PARAMS_MAX);
	for (size_t i = 0; i < params->count; i++) {
		const struct param *param = &params->items[i];
		MUST(param->value[param->len] == '\0');
		MUST(i == 0 || buf_addc(&text, '&') == 0);
		MUST(percent_encode(param->name, strlen(param->name), &text) ==
		     0);
		MUST(buf_addc(&text, '=') == 0);
		MUST(percent_encode(param->value, param->len, &text) == 0);
	}
	MUST(params_init(&again, buf_str(&text)) == 0);
	MUST(again.count == params->count && !again.too_many);
	for (size_t i = 0; i < params->count; i++) {
		const struct param *a = &params->items[i], *b = &again.items[i];
		MUST(strcmp(a->name, b->name) == 0 && a->len == b->len);
		MUST(memcmp(a->value, b->value, a->len) == 0);
		MUST(params_find(params, a->name) <= a);
	}
	params_done(&again);
}

/* The same record under the path that it would be asked for by. */
static void check_record(const struct request *request)
{
	CLEANUP_BUF struct buf path;
	struct request *again;
	buf_init(&path, BUF_MAX_DEFAULT);
	const char *id = buf_str(&request->id);
	MUST(request->id.len > 0);
	/* Names of its own; what a name holds behind a NUL is nobody's. */
	if (strcmp(id, "spec") == 0 || strcmp(id, "openapi") == 0 ||
	    !request->table[0])
		return;
	MUST(buf_adds(&path, "/v1/data/") == 0);
	MUST(
	    percent_encode(request->table, strlen(request->table), &path) == 0);
	MUST(buf_addc(&path, '/') == 0);
	MUST(percent_encode(id, request->id.len, &path) == 0);
	MUST(request_new(buf_str(&path), &again) == 0);
	MUST(request_route(again) == 0);
	MUST(again->kind == ROUTE_RECORD);
	MUST(strcmp(again->table, request->table) == 0);
	MUST(buf_compare(&again->id, &request->id) == 0);
	request_free(again);
}

static void check_query(const struct request *request, bool files)
{
	CLEANUP_BUF struct buf problem;
	struct listing_query query;
	buf_init(&problem, BUF_MAX_DEFAULT);
	int r = page_query_parse(request, files, &problem, &query);
	MUST(r == 0 || r == -EINVAL);
	MUST((r == 0) == (problem.len == 0));
	if (r < 0)
		return;
	MUST(query.page >= 1 && query.limit >= 1);
	MUST(query.limit <= request->switches.max_limit);
	MUST(!request->params.too_many);
	filter_free(query.filter);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct request *request;
	CLEANUP_FREE char *uri = text_of(data, size);
	MUST(request_new(uri, &request) == 0);
	switches_init(&request->switches);
	MUST(strncmp(uri, request->path, strlen(request->path)) == 0);
	MUST(!strchr(request->path, '?'));
	MUST(request_route(request) == 0);
	bool data_route =
	    request->kind >= ROUTE_LIST && request->kind <= ROUTE_OPENAPI;
	MUST(!data_route || request->table);
	MUST(!data_route || request_is_api(request));
	check_params(&request->params);
	if (request->kind == ROUTE_RECORD)
		check_record(request);
	check_query(request, false);
	check_query(request, true);
	request_free(request);
	return 0;
}
