#include "emulator/service/handle.h"

#include <errno.h>
#include <string.h>

#include "emulator/service/page_reply.h"

static int add_table_spec(
    struct emulator *emulator, struct table *table, struct buf *out)
{
	store_read_lock(emulator->store);
	int r = table_read_spec(table, out);
	store_unlock(emulator->store);
	return r;
}

/* permissions.{role}.{operation} of the spec is false. */
static bool spec_denies(
    const struct buf *spec, const char *role, const char *operation)
{
	const char *const path[] = {"permissions", role, operation};
	struct json_span span = {buf_str(spec), spec->len};
	for (size_t i = 0; i < ARRAY_SIZE(path); i++)
		if (!span.text ||
		    json_members(span.text, span.len, &path[i], 1, &span) < 0)
			return false;
	return span.text && span.len == 5 && memcmp(span.text, "false", 5) == 0;
}

static bool may(struct emulator *emulator, struct table *table, enum role role,
    const char *operation)
{
	CLEANUP_BUF struct buf spec;
	buf_init(&spec, DOCUMENT_TEXT_MAX);
	if (role == ROLE_ADMIN || add_table_spec(emulator, table, &spec) < 0)
		return true;
	return !spec_denies(
	    &spec, role == ROLE_USER ? "user" : "guest", operation);
}

static void reply_record(struct emulator *emulator,
    const struct request *request, struct table *table, struct reply *reply)
{
	row_t row;
	if (store_get(emulator->store, table, buf_str(&request->id),
		request->id.len, &row) < 0) {
		reply_error(reply, request, 404, "data/not-found",
		    "There is no such record");
		return;
	}
	int r = reply_begin(reply, request);
	if (r == 0)
		r = page_reply_row(request, table, row, &reply->body);
	if (r == 0)
		r = reply_end(reply, request);
	row_unref(row);
	reply_failure(reply, request, r);
}

static void reply_spec(struct emulator *emulator, const struct request *request,
    struct table *table, struct reply *reply)
{
	int r = reply_begin(reply, request);
	if (r == 0)
		r = add_table_spec(emulator, table, &reply->body);
	if (r == -ENOENT) {
		reply_error(reply, request, 403, "data/permission-denied",
		    "The specification may not be read");
		return;
	}
	if (r == 0)
		r = reply_end(reply, request);
	reply_failure(reply, request, r);
}

static void reply_openapi(
    const struct request *request, struct table *table, struct reply *reply)
{
	const char *name = table_name(table);
	int r = reply_begin(reply, request);
	if (r == 0)
		r = buf_printf(&reply->body,
		    "{\"openapi\":\"3.0.3\",\"info\":{\"title\":\"%s\","
		    "\"version\":\"1\"},\"paths\":{\"/v1/data/%s\":{\"get\":{"
		    "\"summary\":\"List records\",\"responses\":{\"200\":{"
		    "\"description\":\"A page\"}}}},\"/v1/data/%s/{id}\":{"
		    "\"get\":{\"summary\":\"One record\",\"parameters\":[{"
		    "\"name\":\"id\",\"in\":\"path\",\"required\":true,"
		    "\"schema\":{\"type\":\"string\"}}],\"responses\":{"
		    "\"200\":{\"description\":\"The record\"}}}}}}",
		    name, name, name);
	if (r == 0)
		r = reply_end(reply, request);
	reply_failure(reply, request, r);
}

void handle_data(struct emulator *emulator, struct request *request,
    struct reply *reply, enum role role)
{
	if (request->table[0] == '_') {
		reply_error(reply, request, 403, "data/system-table-access",
		    "System tables are not served");
		return;
	}
	struct table *table = store_find(emulator->store, request->table);
	if (!table) {
		reply_error(reply, request, 404, "data/table-not-found",
		    "There is no such table");
		return;
	}
	bool list = request->kind == ROUTE_LIST;
	if (!may(emulator, table, role, list ? "list" : "read")) {
		reply_error(reply, request, 403, "data/permission-denied",
		    list ? "The table may not be listed"
			 : "The table may not be read");
		return;
	}
	if (list)
		page_reply(emulator, request, table, reply);
	else if (request->kind == ROUTE_SPEC)
		reply_spec(emulator, request, table, reply);
	else if (request->kind == ROUTE_OPENAPI)
		reply_openapi(request, table, reply);
	else
		reply_record(emulator, request, table, reply);
}
