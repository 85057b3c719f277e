#include "emulator/service/handle.h"

#include <errno.h>
#include <string.h>

#include "emulator/service/openapi.h"
#include "emulator/service/page_reply.h"
#include "emulator/service/permissions.h"

static int add_table_spec(
    struct emulator *emulator, struct table *table, struct buf *out)
{
	store_read_lock(emulator->store);
	int r = table_read_spec(table, out);
	store_unlock(emulator->store);
	return r;
}

/* What is asked for, and by whom. */
struct data_call {
	struct emulator *emulator;
	const struct request *request;
	struct table *table;
	enum role role;
	struct permissions *permissions;
};

static int read_permissions(
    struct emulator *emulator, struct table *table, struct permissions **ret)
{
	CLEANUP_BUF struct buf spec;
	buf_init(&spec, DOCUMENT_TEXT_MAX);
	int r = add_table_spec(emulator, table, &spec);
	if (r < 0 && r != -ENOENT)
		return r;
	return permissions_new(r == 0 ? buf_str(&spec) : NULL, ret);
}

static void reply_list(const struct data_call *call, struct reply *reply)
{
	CLEANUP_FREE char *alternatives = NULL;
	CLEANUP_BUF struct buf problem;
	buf_init(&problem, BUF_MAX_DEFAULT);
	struct columns columns;
	struct filter *rows = NULL;
	permissions_read_columns(call->permissions, call->role, &columns);
	int r =
	    permissions_read_rows(call->permissions, call->role, &alternatives);
	if (r == 0 && alternatives)
		r = filter_new(NULL, alternatives, &problem, &rows);
	if (r == 0) {
		const struct page_scope scope = {&columns, rows};
		page_reply(
		    call->emulator, call->request, call->table, &scope, reply);
	}
	filter_free(rows);
	reply_failure(reply, call->request, r);
}

static void reply_record(const struct data_call *call, struct reply *reply)
{
	const struct request *request = call->request;
	struct columns columns;
	row_t row;
	permissions_read_columns(call->permissions, call->role, &columns);
	if (store_get(call->emulator->store, call->table, buf_str(&request->id),
		request->id.len, &row) < 0) {
		reply_error(reply, request, 404, "data/not-found",
		    "There is no such record");
		return;
	}
	int r = reply_begin(reply, request);
	if (r == 0)
		r = page_reply_row(
		    request, call->table, &columns, row, &reply->body);
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

static void reply_openapi(const struct data_call *call, struct reply *reply)
{
	const struct request *request = call->request;
	CLEANUP_BUF struct buf spec;
	buf_init(&spec, DOCUMENT_TEXT_MAX);
	int r = add_table_spec(call->emulator, call->table, &spec);
	bool known = r == 0;
	if (r == 0 || r == -ENOENT)
		r = reply_begin(reply, request);
	if (r == 0)
		r = openapi_print(table_name(call->table),
		    known ? buf_str(&spec) : NULL, request->switches.envelope,
		    &reply->body);
	if (r == 0)
		r = reply_end(reply, request);
	reply_failure(reply, request, r);
}

static void reply_allowed(const struct data_call *call, struct reply *reply)
{
	const struct request *request = call->request;
	bool list = request->kind == ROUTE_LIST;
	if (!permissions_allow(call->permissions, call->role,
		list ? OPERATION_LIST : OPERATION_READ))
		reply_error(reply, request, 403, "data/permission-denied",
		    list ? "The table may not be listed"
			 : "The table may not be read");
	else if (list)
		reply_list(call, reply);
	else if (page_reply_refuses(request, reply))
		return;
	else if (request->kind == ROUTE_SPEC)
		reply_spec(call->emulator, request, call->table, reply);
	else if (request->kind == ROUTE_OPENAPI)
		reply_openapi(call, reply);
	else
		reply_record(call, reply);
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
	struct data_call call = {
	    .emulator = emulator,
	    .request = request,
	    .table = table,
	    .role = role,
	};
	int r = read_permissions(emulator, table, &call.permissions);
	if (r == 0)
		reply_allowed(&call, reply);
	permissions_free(call.permissions);
	reply_failure(reply, request, r);
}
