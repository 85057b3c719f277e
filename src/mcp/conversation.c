#include "mcp/conversation.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_MAX ((size_t)4 << 20)
#define PATIENCE_MS 20000

/* Attempts at one question, where the server fails; and the first pause. */
#define ATTEMPTS_MAX 3
#define PAUSE_MS 300
/* A server that wants a longer one is given up. */
#define PAUSE_MAX_MS 5000

/* So often may a server forget us. */
#define ANEW_MAX 2

#define REVISION "2025-03-26"

struct conversation {
	struct web *web;
	const char *url;
	struct grants *grants;
	char *access; /* a secret; NULL: none yet */
	int64_t id;   /* of the last question */
	bool begun;
	unsigned anew;
	bool renewed; /* the token was refused once already */
	char session[sizeof(((struct web_answer *)0)->session)];
	char revision[32]; /* what the server speaks; "" before it said so */
};

struct conversation *conversation_new(
    struct web *web, const char *url, struct grants *grants)
{
	struct conversation *conversation = calloc(1, sizeof(*conversation));
	if (!conversation)
		return NULL;
	conversation->web = web;
	conversation->url = url;
	conversation->grants = grants;
	return conversation;
}

/* ---- one request ---- */

struct headers {
	char *authorization; /* owned, a secret */
	char session[300];
	char revision[80];
	const char *list[6];
};

static int make_headers(
    const struct conversation *conversation, struct headers *headers)
{
	size_t n = 0;
	*headers = (struct headers){0};
	if (asprintf(&headers->authorization, "Authorization: Bearer %s",
		conversation->access) < 0)
		return -ENOMEM;
	snprintf(headers->session, sizeof(headers->session),
	    "Mcp-Session-Id: %s", conversation->session);
	snprintf(headers->revision, sizeof(headers->revision),
	    "MCP-Protocol-Version: %s", conversation->revision);
	headers->list[n++] = "Accept: application/json, text/event-stream";
	headers->list[n++] = "Content-Type: application/json";
	headers->list[n++] = headers->authorization;
	if (conversation->session[0])
		headers->list[n++] = headers->session;
	if (conversation->revision[0])
		headers->list[n++] = headers->revision;
	return 0;
}

static int fail(struct mcp_error *error, int r, const char *message)
{
	error->err = r;
	snprintf(error->message, sizeof(error->message), "%s", message);
	return r;
}

static void name_request(struct mcp_error *error, const char *what)
{
	snprintf(error->request, sizeof(error->request), "MCP %s", what);
}

static int need_access(
    struct conversation *conversation, struct mcp_error *error)
{
	struct mcp_error why;
	if (conversation->access)
		return 0;
	int r = grants_access(conversation->grants, conversation->web, NULL,
	    &conversation->access, &why);
	if (r < 0 && !why.request[0])
		memcpy(why.request, error->request, sizeof(why.request));
	if (r < 0)
		*error = why;
	return r;
}

static int send(struct conversation *conversation, const char *method,
    const char *body, struct web_answer *ret_answer, struct mcp_error *error)
{
	struct headers headers;
	*ret_answer = (struct web_answer){.retry_after_ms = -1};
	int r = make_headers(conversation, &headers);
	if (r == 0)
		r = web_ask(conversation->web,
		    &(struct web_request){.method = method,
			.url = conversation->url,
			.headers = headers.list,
			.body = body,
			.max = ANSWER_MAX,
			.patience_ms = PATIENCE_MS,
			.wanted = rpc_answers,
			.id = conversation->id},
		    ret_answer);
	free_secret(headers.authorization);
	if (r == 0)
		return 0;
	return fail(error, r,
	    ret_answer->detail[0] ? ret_answer->detail
	    : r == -ETIME	  ? "no answer came in time"
	    : r == -EPROTO	  ? "the stream ends before the answer"
				  : strerror(-r));
}

/* Words of a server may repeat what it was sent. */
static void take_words(const struct conversation *conversation,
    const char *words, struct mcp_error *error)
{
	bool clean =
	    !conversation->access || !strstr(words, conversation->access);
	snprintf(error->message, sizeof(error->message), "%s",
	    clean ? words : "the server's words repeat what is secret");
}

/* An answer of HTTP that is none of success. */
static int refuse(const struct conversation *conversation,
    const struct web_answer *answer, struct mcp_error *error)
{
	CLEANUP_BUF struct buf words;
	int64_t code;
	int status = answer->status;
	buf_init_secret(&words, ANSWER_MAX);
	rpc_read_error(buf_str(&answer->body), answer->body.len, &code, &words);
	error->status = status;
	if (code)
		snprintf(error->code, sizeof(error->code), "%d", (int)code);
	take_words(conversation,
	    words.len ? buf_str(&words) : "the server refuses", error);
	error->err = status == 401 || status == 403   ? -EACCES
		     : status == 404		      ? -ENOENT
		     : status >= 500 || status == 429 ? -EIO
						      : -EPROTO;
	return error->err;
}

static bool may_pass(const struct mcp_error *error)
{
	return error->status == 429 || error->status >= 500 ||
	       (!error->status && error->err == -EPIPE);
}

/* Questions change nothing, so that they may be asked again. */
static int post(struct conversation *conversation, const char *body,
    struct web_answer *ret_answer, struct mcp_error *error)
{
	int64_t pause_ms = PAUSE_MS;
	for (unsigned attempt = 1;; attempt++) {
		error->status = 0;
		int r = send(conversation, "POST", body, ret_answer, error);
		if (r == 0 && ret_answer->status / 100 == 2)
			return 0;
		if (r == 0)
			r = refuse(conversation, ret_answer, error);
		int64_t wanted_ms = ret_answer->retry_after_ms;
		if (!may_pass(error) || attempt == ATTEMPTS_MAX ||
		    wanted_ms > PAUSE_MAX_MS)
			return r;
		web_answer_done(ret_answer);
		*ret_answer = (struct web_answer){0};
		int paused = web_pause(conversation->web,
		    wanted_ms > pause_ms ? wanted_ms : pause_ms);
		if (paused < 0)
			return fail(error, paused, strerror(-paused));
		pause_ms *= 3;
	}
}

/* ---- one question ---- */

static int read_answer(const struct conversation *conversation,
    const struct web_answer *answer, struct rpc_answer *ret_answer,
    struct mcp_error *error)
{
	int r = rpc_read(buf_str(&answer->body), answer->body.len,
	    conversation->id, ret_answer);
	if (r < 0)
		return fail(
		    error, -EPROTO, "the answer is none to what was asked");
	if (ret_answer->result)
		return 0;
	int64_t code = ret_answer->code;
	error->status = answer->status;
	snprintf(error->code, sizeof(error->code), "%d", (int)code);
	take_words(conversation, ret_answer->message, error);
	rpc_answer_done(ret_answer);
	error->err = code == RPC_UNAUTHORIZED ? -EACCES
		     : code == RPC_NOT_FOUND  ? -ENOENT
					      : -EPROTO;
	return error->err;
}

static int ask_once(struct conversation *conversation, const char *method,
    const char *params, struct rpc_answer *ret_answer, struct mcp_error *error)
{
	CLEANUP_BUF struct buf body;
	CLEANUP(web_answer_done) struct web_answer answer = {0};
	buf_init(&body, ANSWER_MAX);
	conversation->id++;
	int r = need_access(conversation, error);
	if (r == 0 && rpc_request(&body, conversation->id, method, params) < 0)
		r = fail(error, -ENOMEM, "out of memory");
	if (r == 0)
		r = post(conversation, buf_str(&body), &answer, error);
	if (r == 0)
		r = read_answer(conversation, &answer, ret_answer, error);
	if (r == 0 && answer.session[0])
		memcpy(conversation->session, answer.session,
		    sizeof(answer.session));
	return r;
}

/* ---- its beginning ---- */

static int say_initialized(
    struct conversation *conversation, struct mcp_error *error)
{
	CLEANUP_BUF struct buf body;
	CLEANUP(web_answer_done) struct web_answer answer = {0};
	buf_init(&body, ANSWER_MAX);
	if (rpc_request(&body, RPC_NO_ID, "notifications/initialized", NULL) <
	    0)
		return fail(error, -ENOMEM, "out of memory");
	return post(conversation, buf_str(&body), &answer, error);
}

static int begin(struct conversation *conversation, struct mcp_error *error)
{
	struct rpc_answer answer;
	static const char params[] =
	    "{\"protocolVersion\":\"" REVISION "\",\"capabilities\":{},"
	    "\"clientInfo\":{\"name\":\"bkendfs\",\"version\":"
	    "\"" BKENDFS_VERSION "\"}}";
	conversation->session[0] = conversation->revision[0] = '\0';
	int r = ask_once(conversation, "initialize", params, &answer, error);
	if (r < 0)
		return r;
	rpc_revision(
	    &answer, conversation->revision, sizeof(conversation->revision));
	rpc_answer_done(&answer);
	r = say_initialized(conversation, error);
	conversation->begun = r == 0;
	return r;
}

/* ---- questions ---- */

/* The token was refused: another one may serve. */
static bool renew(
    struct conversation *conversation, const struct mcp_error *error)
{
	struct mcp_error why;
	char *access;
	if (error->err != -EACCES || !conversation->access ||
	    conversation->renewed || error->status == 403)
		return false;
	conversation->renewed = true;
	if (grants_access(conversation->grants, conversation->web,
		conversation->access, &access, &why) < 0)
		return false;
	free_secret(conversation->access);
	conversation->access = access;
	return true;
}

static bool is_forgotten(
    struct conversation *conversation, const struct mcp_error *error)
{
	if (error->err != -ENOENT || error->status != 404 ||
	    !conversation->session[0] || conversation->anew == ANEW_MAX)
		return false;
	conversation->anew++;
	conversation->begun = false;
	return true;
}

int conversation_ask(struct conversation *conversation, const char *method,
    const char *params, const char *what, struct rpc_answer *ret_answer,
    struct mcp_error *error)
{
	int r;
	do {
		*error = (struct mcp_error){0};
		name_request(error, "initialize");
		r = conversation->begun ? 0 : begin(conversation, error);
		if (r == 0) {
			name_request(error, what);
			r = ask_once(
			    conversation, method, params, ret_answer, error);
		}
	} while (r < 0 && (renew(conversation, error) ||
			      is_forgotten(conversation, error)));
	return r;
}

void conversation_end(struct conversation *conversation)
{
	if (!conversation)
		return;
	if (conversation->session[0] && conversation->access) {
		CLEANUP(web_answer_done) struct web_answer answer;
		struct mcp_error error = {0};
		send(conversation, "DELETE", NULL, &answer, &error);
	}
	free_secret(conversation->access);
	free(conversation);
}
