#include "emulator/mcp/jsonrpc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "json/json.h"

int jsonrpc_read(const cJSON *message, struct jsonrpc *ret_rpc)
{
	struct jsonrpc rpc = {.method = ""};
	const cJSON *version =
	    cJSON_GetObjectItemCaseSensitive(message, "jsonrpc");
	const cJSON *method =
	    cJSON_GetObjectItemCaseSensitive(message, "method");
	const cJSON *id = cJSON_GetObjectItemCaseSensitive(message, "id");
	rpc.params = cJSON_GetObjectItemCaseSensitive(message, "params");
	if (!cJSON_IsObject(message) || !cJSON_IsString(version) ||
	    strcmp(version->valuestring, "2.0") != 0 ||
	    (method && !cJSON_IsString(method)) ||
	    (rpc.params && !cJSON_IsObject(rpc.params)) ||
	    (id && !cJSON_IsString(id) && !cJSON_IsNumber(id)))
		return -EINVAL;
	if (method)
		rpc.method = method->valuestring;
	else if (!id)
		return -EINVAL;
	if (method && id && !(rpc.id = cJSON_PrintUnformatted(id)))
		return -ENOMEM;
	*ret_rpc = rpc;
	return 0;
}

void jsonrpc_done(struct jsonrpc *rpc)
{
	free(TAKE(rpc->id));
}

const char *jsonrpc_text(const struct jsonrpc *rpc, const char *name)
{
	const cJSON *value =
	    cJSON_GetObjectItemCaseSensitive(rpc->params, name);
	return cJSON_IsString(value) ? value->valuestring : NULL;
}

int jsonrpc_begin(const char *id, struct buf *out)
{
	int r = buf_adds(out, "{\"jsonrpc\":\"2.0\",\"id\":");
	if (r == 0)
		r = buf_adds(out, id);
	return r == 0 ? buf_adds(out, ",\"result\":") : r;
}

int jsonrpc_end(struct buf *out)
{
	return buf_addc(out, '}');
}

int jsonrpc_error(
    const char *id, struct jsonrpc_problem problem, struct buf *out)
{
	int r = buf_adds(out, "{\"jsonrpc\":\"2.0\",\"id\":");
	if (r == 0)
		r = buf_adds(out, id ? id : "null");
	if (r == 0)
		r = buf_printf(
		    out, ",\"error\":{\"code\":%d,\"message\":", problem.code);
	if (r == 0)
		r = json_string_encode(
		    problem.message, strlen(problem.message), out);
	return r == 0 ? buf_adds(out, "}}") : r;
}
