#include "emulator/oauth/token_form.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/timestamp.h"
#include "emulator/oauth/oauth_error.h"

static const char *text_of(const struct params *form, const char *name)
{
	const char *text = params_get(form, name);
	return text ? text : "";
}

static void reply_tokens(const struct request *request,
    const struct grant_tokens *tokens, struct reply *reply)
{
	/* The scope has no character that needs an escape. */
	oauth_failure(
	    reply, buf_printf(&reply->body,
		       "{\"access_token\":\"%s\",\"token_type\":\"Bearer\","
		       "\"expires_in\":%" PRId64 ",\"refresh_token\":\"%s\","
		       "\"scope\":\"%s\"}",
		       tokens->access, request->switches.token_ttl_s,
		       tokens->refresh, tokens->scope));
}

static void answer_form(struct grants *grants, const struct params *form,
    const struct request *request, struct reply *reply)
{
	struct grant_tokens tokens;
	const char *type = text_of(form, "grant_type");
	const char *client = text_of(form, "client_id");
	int64_t now_ms = timestamp_mono_ms();
	int64_t ttl_s = request->switches.token_ttl_s;
	int r;
	if (strcmp(type, "authorization_code") == 0) {
		r = grants_exchange(grants, text_of(form, "code"),
		    text_of(form, "code_verifier"), client,
		    text_of(form, "redirect_uri"), now_ms, ttl_s, &tokens);
	} else if (strcmp(type, "refresh_token") == 0) {
		r = grants_refresh(grants, text_of(form, "refresh_token"),
		    client, now_ms, ttl_s, &tokens);
	} else {
		oauth_error(reply, 400, "unsupported_grant_type",
		    "The grant_type has to be authorization_code or "
		    "refresh_token");
		return;
	}
	if (r == 0)
		reply_tokens(request, &tokens, reply);
	else if (r == -EACCES)
		oauth_error(reply, 400, "invalid_grant",
		    "It is over, was used before, or was not given to this "
		    "program");
	else
		oauth_failure(reply, r);
}

/* False: it is none, and the reply says so. */
static bool read_form(
    const struct request *request, struct params *form, struct reply *reply)
{
	if (!request_has_type(request, "application/x-www-form-urlencoded")) {
		oauth_error(reply, 400, "invalid_request",
		    "The body has to be a form, "
		    "application/x-www-form-urlencoded");
		return false;
	}
	int r = params_init(form, buf_str(&request->body));
	oauth_failure(reply, r);
	return r == 0;
}

void token_form_answer(
    struct grants *grants, const struct request *request, struct reply *reply)
{
	struct params form;
	if (!read_form(request, &form, reply))
		return;
	answer_form(grants, &form, request, reply);
	params_done(&form);
}

void token_form_revoke(
    struct grants *grants, const struct request *request, struct reply *reply)
{
	struct params form;
	if (!read_form(request, &form, reply))
		return;
	const char *token = params_get(&form, "token");
	if (token)
		grants_revoke(grants, token);
	else
		oauth_error(
		    reply, 400, "invalid_request", "The token is missing");
	params_done(&form);
}
