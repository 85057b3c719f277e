#include "emulator/service/handle.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* A member of the request's JSON body as a string: 0, or -EINVAL when it is
 * not there or no string. */
static int body_string(
    const struct request *request, const char *name, struct buf *ret_string)
{
	struct json_span span;
	if (json_members(buf_str(&request->body), request->body.len, &name, 1,
		&span) < 0 ||
	    !span.text || json_string_decode(span, ret_string) < 0)
		return -EINVAL;
	return 0;
}

static int add_pair(const struct request *request,
    const struct token_pair *pair, struct buf *out)
{
	return buf_printf(out,
	    "\"accessToken\":\"%s\",\"refreshToken\":\"%s\","
	    "\"tokenType\":\"Bearer\",\"expiresIn\":%" PRId64 "}",
	    pair->access, pair->refresh, request->switches.token_ttl_s);
}

/* In the envelope and beside it, whichever is in force: official clients
 * disagree on where the tokens are, some of them within one app. */
static void reply_pair(const struct request *request, struct reply *reply,
    const struct token_pair *pair)
{
	int r = buf_adds(&reply->body, "{\"success\":true,\"data\":{");
	if (r == 0)
		r = add_pair(request, pair, &reply->body);
	if (r == 0)
		r = buf_addc(&reply->body, ',');
	if (r == 0)
		r = add_pair(request, pair, &reply->body);
	reply_failure(reply, request, r);
}

static void sign_in(
    struct emulator *emulator, struct request *request, struct reply *reply)
{
	CLEANUP_BUF struct buf email, password;
	buf_init(&email, BUF_MAX_DEFAULT);
	buf_init(&password, BUF_MAX_DEFAULT);
	if (json_check(buf_str(&request->body), request->body.len) < 0) {
		reply_error(reply, request, 400, "common/invalid-json",
		    "The body is not JSON");
		return;
	}
	if (body_string(request, "email", &email) < 0 ||
	    !strchr(buf_str(&email), '@')) {
		reply_error(reply, request, 400, "auth/invalid-email",
		    "The email address is missing or not valid");
		return;
	}
	if (body_string(request, "password", &password) < 0 ||
	    !credentials_fit(
		&emulator->credentials, buf_str(&email), buf_str(&password))) {
		reply_error(reply, request, 401, "auth/invalid-credentials",
		    "The email address or the password is wrong");
		return;
	}
	struct token_pair pair;
	int r = sessions_sign_in(
	    emulator->sessions, request->switches.token_ttl_s, &pair);
	if (r < 0)
		reply_failure(reply, request, r);
	else
		reply_pair(request, reply, &pair);
}

static void refresh(
    struct emulator *emulator, struct request *request, struct reply *reply)
{
	CLEANUP_BUF struct buf token;
	buf_init(&token, BUF_MAX_DEFAULT);
	struct token_pair pair;
	if (json_check(buf_str(&request->body), request->body.len) < 0) {
		reply_error(reply, request, 400, "common/invalid-json",
		    "The body is not JSON");
		return;
	}
	int r = body_string(request, "refreshToken", &token);
	if (r == 0)
		r = sessions_refresh(emulator->sessions, buf_str(&token),
		    request->switches.token_ttl_s, &pair);
	if (r == 0)
		reply_pair(request, reply, &pair);
	else if (r == -EKEYEXPIRED)
		reply_error(reply, request, 401, "auth/session-expired",
		    "The session is over");
	else if (r == -EALREADY)
		reply_error(reply, request, 401, "auth/invalid-refresh-token",
		    "The refresh token was used before; "
		    "all sessions have ended");
	else if (r == -ENOENT || r == -EINVAL)
		reply_error(reply, request, 401, "auth/invalid-refresh-token",
		    "The refresh token is not valid");
	else
		reply_failure(reply, request, r);
}

static void reply_text(
    const struct request *request, struct reply *reply, const char *text)
{
	int r = reply_begin(reply, request);
	if (r == 0)
		r = buf_adds(&reply->body, text);
	if (r == 0)
		r = reply_end(reply, request);
	reply_failure(reply, request, r);
}

/* What the email address may hold needs no escape in JSON. */
static void reply_user(struct emulator *emulator, const struct request *request,
    struct reply *reply)
{
	int r = reply_begin(reply, request);
	if (r == 0)
		r = buf_printf(&reply->body,
		    "{\"id\":\"" SESSIONS_USER_ID "\",\"role\":\"user\","
		    "\"name\":\"Demo\",\"email\":\"%s\","
		    "\"createdAt\":\"2024-01-11T00:00:00.000Z\"}",
		    emulator->credentials.values[EMAIL]);
	if (r == 0)
		r = reply_end(reply, request);
	reply_failure(reply, request, r);
}

void handle_auth(
    struct emulator *emulator, struct request *request, struct reply *reply)
{
	switch (request->kind) {
	case ROUTE_SIGNIN:
		sign_in(emulator, request, reply);
		break;
	case ROUTE_REFRESH:
		refresh(emulator, request, reply);
		break;
	case ROUTE_SIGNOUT:
		sessions_sign_out(emulator->sessions, request_bearer(request));
		reply_text(request, reply, "{\"message\":\"Signed out\"}");
		break;
	default:
		reply_user(emulator, request, reply);
	}
}
