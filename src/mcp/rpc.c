#include "mcp/rpc.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "json/json.h"
#include "json/parsed.h"

int rpc_request(
    struct buf *out, int64_t id, const char *method, const char *params)
{
	int r = buf_adds(out, "{\"jsonrpc\":\"2.0\"");
	if (r == 0 && id != RPC_NO_ID)
		r = buf_printf(out, ",\"id\":%" PRId64, id);
	if (r == 0)
		r = buf_adds(out, ",\"method\":");
	if (r == 0)
		r = json_string_encode(method, strlen(method), out);
	if (r == 0 && params)
		r = buf_printf(out, ",\"params\":%s", params);
	return r == 0 ? buf_addc(out, '}') : r;
}

/* An id comes back as it was sent, but some make a text of it. */
static bool is_id(const cJSON *value, int64_t id)
{
	char text[24];
	if (cJSON_IsNumber(value))
		return value->valuedouble == (double)id;
	snprintf(text, sizeof(text), "%" PRId64, id);
	return cJSON_IsString(value) && strcmp(value->valuestring, text) == 0;
}

static bool is_answer(const cJSON *message, int64_t id)
{
	return cJSON_IsObject(message) && !parsed_member(message, "method") &&
	       is_id(parsed_member(message, "id"), id) &&
	       (parsed_member(message, "result") ||
		   cJSON_IsObject(parsed_member(message, "error")));
}

static const cJSON *find(const cJSON *root, int64_t id)
{
	const cJSON *one;
	if (is_answer(root, id))
		return root;
	if (!cJSON_IsArray(root))
		return NULL;
	cJSON_ArrayForEach (one, root) {
		if (is_answer(one, id))
			return one;
	}
	return NULL;
}

static int64_t code_of(const cJSON *error)
{
	const cJSON *code = parsed_member(error, "code");
	if (!cJSON_IsNumber(code) || !(code->valuedouble > -1e9) ||
	    !(code->valuedouble < 1e9))
		return -32603;
	return (int64_t)code->valuedouble;
}

int rpc_read(
    const char *text, size_t len, int64_t id, struct rpc_answer *ret_answer)
{
	struct rpc_answer answer = {.root = cJSON_ParseWithLength(text, len)};
	const cJSON *one = find(answer.root, id);
	if (!one) {
		int r = answer.root ? -ENOENT : -EPROTO;
		parsed_free(answer.root);
		return r;
	}
	const cJSON *error = parsed_member(one, "error");
	if (cJSON_IsObject(error)) {
		const cJSON *words = parsed_member(error, "message");
		answer.code = code_of(error);
		snprintf(answer.message, sizeof(answer.message), "%s",
		    cJSON_IsString(words) ? words->valuestring : "");
	} else {
		answer.result = parsed_member(one, "result");
	}
	*ret_answer = answer;
	return 0;
}

bool rpc_answers(const char *text, size_t len, int64_t id)
{
	CLEANUP_PARSED cJSON *root = cJSON_ParseWithLength(text, len);
	return find(root, id) != NULL;
}

void rpc_read_error(
    const char *text, size_t len, int64_t *ret_code, struct buf *message)
{
	static const char *const names[] = {
	    "error_description", "message", "error"};
	CLEANUP_PARSED cJSON *root = cJSON_ParseWithLength(text, len);
	const cJSON *error = parsed_member(root, "error");
	*ret_code = cJSON_IsObject(error) ? code_of(error) : 0;
	if (!cJSON_IsObject(error))
		error = root;
	for (size_t i = 0; i < ARRAY_SIZE(names) && !message->len; i++) {
		const cJSON *words = parsed_member(error, names[i]);
		if (cJSON_IsString(words))
			buf_adds(message, words->valuestring);
	}
}

void rpc_answer_done(struct rpc_answer *answer)
{
	parsed_free(answer->root);
	*answer = (struct rpc_answer){0};
}

const char *rpc_text(const struct rpc_answer *answer, const char *name)
{
	const cJSON *text = parsed_member(answer->result, name);
	return cJSON_IsString(text) && text->valuestring[0] ? text->valuestring
							    : NULL;
}

void rpc_revision(const struct rpc_answer *answer, char *out, size_t size)
{
	const char *text = rpc_text(answer, "protocolVersion");
	out[0] = '\0';
	if (text && strlen(text) < size &&
	    strspn(text, "0123456789-") == strlen(text))
		strcpy(out, text);
}
