#include "emulator/mcp/mcp_server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "emulator/mcp/mcp_sessions.h"
#include "emulator/mcp/methods.h"

#define BATCH_MAX 64

struct mcp_server {
	struct store *store;
	struct oauth_server *oauth;
	struct mcp_sessions *sessions;
};

/* One HTTP request on its way. */
struct visit {
	struct mcp_server *mcp;
	const struct request *request;
	struct reply *reply;
	uint64_t grant;
	const char *session; /* "": none was named */
	bool ready;
};

int mcp_server_new(struct store *store, struct oauth_server *oauth,
    struct mcp_server **ret_mcp)
{
	struct mcp_server *mcp = calloc(1, sizeof(*mcp));
	if (!mcp)
		return -ENOMEM;
	mcp->store = store;
	mcp->oauth = oauth;
	int r = mcp_sessions_new(&mcp->sessions);
	if (r < 0) {
		mcp_server_free(mcp);
		return r;
	}
	*ret_mcp = mcp;
	return 0;
}

void mcp_server_free(struct mcp_server *mcp)
{
	if (!mcp)
		return;
	mcp_sessions_free(mcp->sessions);
	free(mcp);
}

void mcp_server_end_sessions(struct mcp_server *mcp)
{
	mcp_sessions_end_all(mcp->sessions);
}

/* ---- refusals ---- */

static void refuse(
    struct reply *reply, int status, int code, const char *message)
{
	reply->status = status;
	reply->type = "application/json";
	buf_clear(&reply->body);
	jsonrpc_error(
	    NULL, (struct jsonrpc_problem){code, message}, &reply->body);
}

static void refuse_token(const struct request *request, struct reply *reply)
{
	CLEANUP_BUF struct buf base;
	buf_init(&base, BUF_MAX_DEFAULT);
	refuse(reply, 401, JSONRPC_UNAUTHORIZED, "Unauthorized");
	if (request_add_base(request, &base) == 0)
		reply_add_header(reply, "WWW-Authenticate",
		    "Bearer %sresource_metadata=\"%s%s\"",
		    request_bearer(request) ? "error=\"invalid_token\", " : "",
		    buf_str(&base), OAUTH_RESOURCE_METADATA_PATH);
}

static void refuse_session(struct reply *reply)
{
	refuse(reply, 404, JSONRPC_NOT_FOUND,
	    "There is no such session, or it has expired");
}

/* ---- messages ---- */

static int answer_request(
    const struct visit *visit, const struct jsonrpc *rpc, struct buf *out)
{
	const struct organization organization = {
	    .store = visit->mcp->store,
	    .switches = &visit->request->switches,
	};
	if (!visit->ready && strcmp(rpc->method, "initialize") != 0 &&
	    strcmp(rpc->method, "ping") != 0)
		return jsonrpc_error(rpc->id,
		    (struct jsonrpc_problem){JSONRPC_INVALID_REQUEST,
			"notifications/initialized has to come first"},
		    out);
	return methods_answer(&organization, visit->request, rpc, out);
}

/* Append the answer to one message, if it has any. */
static int answer_message(
    struct visit *visit, const cJSON *message, struct buf *out)
{
	struct jsonrpc rpc;
	int r = jsonrpc_read(message, &rpc);
	if (r == -EINVAL)
		return jsonrpc_error(NULL,
		    (struct jsonrpc_problem){
			JSONRPC_INVALID_REQUEST, "This is no request"},
		    out);
	if (r < 0)
		return r;
	if (strcmp(rpc.method, "notifications/initialized") == 0) {
		mcp_sessions_set_ready(
		    visit->mcp->sessions, visit->session, visit->grant);
		visit->ready = true;
	}
	if (rpc.id)
		r = answer_request(visit, &rpc, out);
	jsonrpc_done(&rpc);
	return r;
}

/* The same, after a comma if it is not the first answer. */
static int take_message(
    struct visit *visit, const cJSON *message, struct buf *out)
{
	CLEANUP_BUF struct buf answer;
	buf_init(&answer, BUF_MAX_DEFAULT);
	int r = answer_message(visit, message, &answer);
	if (r < 0 || answer.len == 0)
		return r;
	if (out->len > 0)
		r = buf_addc(out, ',');
	return r == 0 ? buf_add(out, answer.data, answer.len) : r;
}

static int take_messages(
    struct visit *visit, const cJSON *body, struct buf *out)
{
	const cJSON *message;
	int r = 0;
	if (!cJSON_IsArray(body))
		return take_message(visit, body, out);
	cJSON_ArrayForEach (message, body) {
		r = take_message(visit, message, out);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- the form of answers ---- */

/* As events: a remark, something that nobody waits for, and the answer in two
 * pieces, which whoever reads has to put together. */
static int print_events(const char *answer, struct buf *out)
{
	size_t first = strcspn(answer, ",") + 1;
	int r = buf_adds(out,
	    ": hello\n\nevent: message\ndata: {\"jsonrpc\":\"2.0\","
	    "\"method\":\"notifications/message\",\"params\":{"
	    "\"level\":\"debug\",\"data\":\"working\"}}\n\n"
	    "event: message\nid: 1\ndata: ");
	if (r == 0)
		r = buf_add(out, answer, first);
	if (r == 0)
		r = buf_adds(out, "\ndata: ");
	if (r == 0)
		r = buf_adds(out, answer + first);
	return r == 0 ? buf_adds(out, "\n\n") : r;
}

static int send_answer(
    struct visit *visit, bool batch, const struct buf *answers)
{
	CLEANUP_BUF struct buf text;
	buf_init(&text, BUF_MAX_DEFAULT);
	struct reply *reply = visit->reply;
	if (answers->len == 0) {
		reply->status = 202;
		return 0;
	}
	int r = buf_printf(&text, "%s%s%s", batch ? "[" : "", buf_str(answers),
	    batch ? "]" : "");
	if (r < 0)
		return r;
	if (!visit->request->switches.mcp_sse)
		return buf_add(&reply->body, text.data, text.len);
	reply->type = "text/event-stream";
	return print_events(text.data, &reply->body);
}

/* ---- HTTP ---- */

static bool is_initialize(const cJSON *body)
{
	const cJSON *method = cJSON_GetObjectItemCaseSensitive(body, "method");
	return cJSON_IsString(method) &&
	       strcmp(method->valuestring, "initialize") == 0;
}

static int begin_session(struct visit *visit, char id[MCP_SESSION_SIZE])
{
	int r = mcp_sessions_begin(visit->mcp->sessions, visit->grant, id);
	if (r == 0)
		reply_add_header(visit->reply, "Mcp-Session-Id", "%s", id);
	return r;
}

static void take_body(struct visit *visit, const cJSON *body)
{
	CLEANUP_BUF struct buf answers;
	buf_init(&answers, BUF_MAX_DEFAULT);
	char id[MCP_SESSION_SIZE];
	int r = 0;
	if (is_initialize(body))
		r = begin_session(visit, id);
	else if (mcp_sessions_check(visit->mcp->sessions, visit->session,
		     visit->grant, &visit->ready) < 0) {
		refuse_session(visit->reply);
		return;
	}
	if (r == 0)
		r = take_messages(visit, body, &answers);
	if (r == 0)
		r = send_answer(visit, cJSON_IsArray(body), &answers);
	if (r < 0)
		refuse(visit->reply, 500, JSONRPC_INTERNAL_ERROR, strerror(-r));
}

static void post(struct visit *visit)
{
	const struct request *request = visit->request;
	const char *accept = request->headers.accept;
	if (!request_has_type(request, "application/json")) {
		refuse(visit->reply, 415, JSONRPC_INVALID_REQUEST,
		    "The body has to be application/json");
		return;
	}
	if (!accept || !strstr(accept, "application/json") ||
	    !strstr(accept, "text/event-stream")) {
		refuse(visit->reply, 406, JSONRPC_INVALID_REQUEST,
		    "Accept has to name application/json and "
		    "text/event-stream");
		return;
	}
	cJSON *body = NULL;
	if (json_check(buf_str(&request->body), request->body.len) == 0)
		body = cJSON_Parse(buf_str(&request->body));
	if (!body)
		refuse(visit->reply, 400, JSONRPC_PARSE_ERROR,
		    "The body is not JSON");
	else if (cJSON_IsArray(body) &&
		 (cJSON_GetArraySize(body) == 0 ||
		     cJSON_GetArraySize(body) > BATCH_MAX))
		refuse(visit->reply, 400, JSONRPC_INVALID_REQUEST,
		    "A batch has 1 to 64 messages");
	else
		take_body(visit, body);
	cJSON_Delete(body);
}

static void end_session(struct visit *visit)
{
	if (mcp_sessions_end(
		visit->mcp->sessions, visit->session, visit->grant) < 0)
		refuse_session(visit->reply);
	else
		visit->reply->status = 204;
}

void mcp_server_answer(
    struct mcp_server *mcp, const struct request *request, struct reply *reply)
{
	const char *session = request->headers.mcp_session_id;
	struct visit visit = {
	    .mcp = mcp,
	    .request = request,
	    .reply = reply,
	    .session = session ? session : "",
	};
	reply_add_header(reply, "Cache-Control", "no-store");
	if (request->headers.origin && !request->origin_is_allowed) {
		refuse(reply, 403, JSONRPC_UNAUTHORIZED,
		    "Pages of that origin may not call this server");
	} else if (oauth_server_check(mcp->oauth, request, &visit.grant) < 0) {
		refuse_token(request, reply);
	} else if (strcmp(request->method, "POST") == 0) {
		post(&visit);
	} else if (strcmp(request->method, "DELETE") == 0) {
		end_session(&visit);
	} else {
		refuse(reply, 405, JSONRPC_INVALID_REQUEST,
		    "There are no events but those that answer a request");
		reply_add_header(reply, "Allow", "POST, DELETE");
	}
}
