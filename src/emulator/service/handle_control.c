#include "emulator/service/handle.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "base/percent.h"
#include "base/timestamp.h"
#include "emulator/store/metadata.h"
#include "tree/name.h"

static void reply_ok(struct reply *reply)
{
	buf_adds(&reply->body, "{\"ok\":true}\n");
}

/* Answers of the control interface are always plain. */
static void refuse(struct reply *reply, int status, const char *message)
{
	buf_clear(&reply->body);
	reply->status = status;
	buf_printf(&reply->body, "{\"error\":\"%s\"}\n", message);
}

static void reply_outcome(struct reply *reply, int r)
{
	if (r == 0)
		reply_ok(reply);
	else if (r == -ENOENT)
		refuse(reply, 404, "There is no such thing");
	else
		refuse(reply, r == -ENOMEM ? 500 : 400, strerror(-r));
}

static void set_switches(struct emulator *emulator,
    const struct request *request, struct reply *reply)
{
	const struct params *params = &request->params;
	int r = 0;
	for (size_t i = 0; r == 0 && i < params->count; i++)
		r = emulator_set(
		    emulator, params->items[i].name, params->items[i].value);
	reply_outcome(reply, r);
}

static int read_script(const struct request *request, struct script *script)
{
	const struct params *params = &request->params;
	const char *path = params_get(params, "path");
	const char *count = params_get(params, "count");
	const char *status = params_get(params, "status");
	const char *after = params_get(params, "retry-after");
	const char *kind = params_get(params, "kind");
	const struct param *body = params_find(params, "body");
	int64_t number = 0;
	script->count = 1;
	script->retry_after_s = -1;
	if (!path || (!status && !kind))
		return -EINVAL;
	if (count && number_parse(count, 1, 1 << 30, &script->count) < 0)
		return -EINVAL;
	if (status && *status && number_parse(status, 0, 599, &number) < 0)
		return -EINVAL;
	if (number != 0 && number < 200)
		return -EINVAL;
	script->status = (int)number;
	if (after &&
	    number_parse(after, 0, 1 << 30, &script->retry_after_s) < 0)
		return -EINVAL;
	script->kind = kind ? fault_kind_parse(kind) : FAULT_NONE;
	if (kind && script->kind < FAULT_RESET)
		return -EINVAL;
	if (body)
		return buf_add(&script->body, body->value, body->len);
	return 0;
}

static void add_script(struct emulator *emulator, const struct request *request,
    struct reply *reply)
{
	struct script script = {0};
	buf_init(&script.body, BUF_MAX_DEFAULT);
	int r = read_script(request, &script);
	if (r == 0) {
		script.path = strdup(params_get(&request->params, "path"));
		r = script.path ? 0 : -ENOMEM;
	}
	if (r == 0)
		r = faults_add_script(emulator->faults, &script);
	else
		buf_done(&script.body);
	reply_outcome(reply, r);
}

static void expire(struct emulator *emulator, const struct request *request,
    struct reply *reply)
{
	const char *what = params_get(&request->params, "what");
	int r = 0;
	if (what && strcmp(what, "tokens") == 0)
		sessions_expire(emulator->sessions, false);
	else if (what && strcmp(what, "sessions") == 0)
		sessions_expire(emulator->sessions, true);
	else if (what && strcmp(what, "mcp-tokens") == 0)
		oauth_server_expire(emulator->oauth, false);
	else if (what && strcmp(what, "mcp-grants") == 0)
		oauth_server_expire(emulator->oauth, true);
	else if (what && strcmp(what, "mcp-sessions") == 0)
		mcp_server_end_sessions(emulator->mcp);
	else if (what && strcmp(what, "urls") == 0)
		__atomic_add_fetch(&emulator->url_epoch, 1, __ATOMIC_RELAXED);
	else
		r = -EINVAL;
	reply_outcome(reply, r);
}

/* The body becomes a place's own memory. */
static int take_body(struct request *request, struct place *ret_place)
{
	size_t len = request->body.len;
	if (len == 0)
		return place_copy("", 0, ret_place);
	char *owned = buf_steal(&request->body);
	if (!owned)
		return -ENOMEM;
	*ret_place =
	    (struct place){.owned = owned, .memory = owned, .len = len};
	return 0;
}

static int put_record(struct emulator *emulator, struct request *request,
    const char *table_name, const struct buf *id)
{
	CLEANUP_BUF struct buf own_id;
	buf_init(&own_id, BUF_MAX_DEFAULT);
	struct document_key key;
	struct table *table;
	struct document *record = NULL;
	struct place text = {0};
	int r = store_table(emulator->store, table_name, &table);
	if (r < 0)
		return r;
	store_write_lock(emulator->store);
	table_make_up_spec(table);
	store_unlock(emulator->store);
	/* A text that is no JSON is taken as well: tests want such records. */
	document_read_key(
	    buf_str(&request->body), request->body.len, &own_id, &key);
	key.id = buf_str(id);
	key.id_len = id->len;
	r = take_body(request, &text);
	if (r == 0)
		r = document_new(&key, text, (struct place){0}, &record);
	if (r < 0)
		return r;
	return store_put(emulator->store, table, record);
}

static int control_data(
    struct emulator *emulator, struct request *request, const char *rest)
{
	CLEANUP_BUF struct buf id;
	char name[65];
	buf_init(&id, BUF_MAX_DEFAULT);
	size_t len = strcspn(rest, "/");
	if (len >= sizeof(name) || !rest[len] || !rest[len + 1])
		return -EINVAL;
	memcpy(name, rest, len);
	name[len] = '\0';
	int r =
	    percent_decode(rest + len + 1, strlen(rest + len + 1), false, &id);
	if (r < 0 || !name_is_table(name))
		return r < 0 ? r : -EINVAL;
	if (strcmp(request->method, "PUT") == 0)
		return put_record(emulator, request, name, &id);
	if (strcmp(request->method, "DELETE") != 0)
		return -EINVAL;
	struct table *table = store_find(emulator->store, name);
	return table
		   ? store_remove(emulator->store, table, buf_str(&id), id.len)
		   : -ENOENT;
}

static int make_metadata(
    const struct request *request, const struct buf *id, struct buf *out)
{
	const struct param *name = params_find(&request->params, "name");
	const char *size = params_get(&request->params, "size");
	char true_size[24];
	snprintf(true_size, sizeof(true_size), "%zu", request->body.len);
	struct metadata metadata = {
	    .id = buf_str(id),
	    .id_len = id->len,
	    .name = name ? name->value : NULL,
	    .name_len = name ? name->len : 0,
	    .mime = params_get(&request->params, "mime"),
	    .size = size ? size : true_size,
	    .time_ms = timestamp_now_ms(),
	};
	if (size && strcmp(size, "none") == 0)
		metadata.size = NULL;
	return metadata_print(&metadata, out);
}

static int put_file(
    struct emulator *emulator, struct request *request, const struct buf *id)
{
	CLEANUP_BUF struct buf metadata;
	buf_init(&metadata, DOCUMENT_TEXT_MAX);
	struct place text = {0}, object = {0};
	struct document *record = NULL;
	int r = make_metadata(request, id, &metadata);
	if (r == 0)
		r = place_copy(buf_str(&metadata), metadata.len, &text);
	if (r < 0)
		return r;
	r = take_body(request, &object);
	if (r < 0) {
		place_done(&text);
		return r;
	}
	const struct document_key key = {
	    .id = buf_str(id),
	    .id_len = id->len,
	    .created_ms = timestamp_now_ms(),
	    .updated_ms = timestamp_now_ms(),
	};
	r = document_new(&key, text, object, &record);
	if (r < 0)
		return r;
	return store_put(emulator->store, store_files(emulator->store), record);
}

static int control_files(
    struct emulator *emulator, struct request *request, const char *rest)
{
	CLEANUP_BUF struct buf id;
	buf_init(&id, BUF_MAX_DEFAULT);
	int r = percent_decode(rest, strlen(rest), false, &id);
	if (r < 0 || id.len == 0)
		return r < 0 ? r : -EINVAL;
	if (strcmp(request->method, "PUT") == 0)
		return put_file(emulator, request, &id);
	if (strcmp(request->method, "DELETE") != 0)
		return -EINVAL;
	return store_remove(emulator->store, store_files(emulator->store),
	    buf_str(&id), id.len);
}

void handle_control(
    struct emulator *emulator, struct request *request, struct reply *reply)
{
	const char *rest = request->path + strlen("/_emulator/");
	bool post = strcmp(request->method, "POST") == 0;
	/* Of whoever may change something, a page always says where it comes
	 * from; tests are no pages. */
	if (request->headers.origin) {
		refuse(reply, 403, "This is for no page of a browser");
		return;
	}
	if (strcmp(rest, "stats") == 0) {
		stats_print(emulator->stats, &reply->body);
	} else if (strcmp(rest, "reset") == 0 && post) {
		stats_reset(emulator->stats);
		reply_ok(reply);
	} else if (strcmp(rest, "set") == 0 && post) {
		set_switches(emulator, request, reply);
	} else if (strcmp(rest, "script") == 0 && post) {
		add_script(emulator, request, reply);
	} else if (strcmp(rest, "expire") == 0 && post) {
		expire(emulator, request, reply);
	} else if (strncmp(rest, "data/", 5) == 0) {
		reply_outcome(reply, control_data(emulator, request, rest + 5));
	} else if (strncmp(rest, "files/", 6) == 0) {
		reply_outcome(
		    reply, control_files(emulator, request, rest + 6));
	} else {
		refuse(reply, 404, "There is no such control");
	}
}
