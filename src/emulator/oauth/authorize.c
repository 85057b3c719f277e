#include "emulator/oauth/authorize.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/timestamp.h"
#include "emulator/oauth/challenge.h"
#include "emulator/oauth/consent_page.h"
#include "emulator/oauth/oauth_error.h"

#define LETTERS                                                                \
	"abcdefghijklmnopqrstuvwxyz"                                           \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZ"                                           \
	"0123456789_-"

/* Why a request is sent back to the program instead of to the person. */
struct refusal {
	const char *code; /* NULL: it is not */
	const char *message;
};

/* Words of table:operation, where * is any. */
static bool scope_is_valid(const char *scope)
{
	if (!*scope || strlen(scope) > GRANT_SCOPE_MAX)
		return false;
	for (;;) {
		size_t table = strspn(scope, LETTERS "*");
		if (table == 0 || scope[table] != ':')
			return false;
		scope += table + 1;
		size_t operation = strspn(scope, LETTERS "*");
		if (operation == 0)
			return false;
		scope += operation;
		if (!*scope)
			return true;
		if (*scope++ != ' ')
			return false;
	}
}

/* A parameter's text; "" where there is none, or where it holds a NUL. */
static const char *param_text(const struct params *params, const char *name)
{
	const struct param *param = params_find(params, name);
	return param && strlen(param->value) == param->len ? param->value : "";
}

static struct refusal read_wish(
    const struct params *params, struct grant_wish *wish)
{
	const char *challenge = param_text(params, "code_challenge");
	const char *scope = param_text(params, "scope");
	const char *state = param_text(params, "state");
	if (strlen(state) > GRANT_STATE_MAX)
		return (struct refusal){
		    "invalid_request", "The state is too long"};
	snprintf(wish->state, sizeof(wish->state), "%s", state);
	if (strcmp(param_text(params, "response_type"), "code") != 0)
		return (struct refusal){"unsupported_response_type",
		    "The response_type has to be code"};
	if (!challenge_is_valid(challenge) ||
	    strcmp(param_text(params, "code_challenge_method"), "S256") != 0)
		return (struct refusal){"invalid_request",
		    "A code_challenge of the method S256 is needed"};
	snprintf(wish->challenge, sizeof(wish->challenge), "%s", challenge);
	if (!*scope)
		scope = "*:read";
	if (!scope_is_valid(scope))
		return (struct refusal){
		    "invalid_scope", "A scope is table:operation"};
	snprintf(wish->scope, sizeof(wish->scope), "%s", scope);
	return (struct refusal){0};
}

/* Send the browser back to the program, with a name and a value. 0 or
 * -errno. */
static int send_back(const struct grant_wish *wish, const char *name,
    const char *value, struct reply *reply)
{
	reply->status = 303;
	buf_clear(&reply->location);
	int r = buf_adds(&reply->location, wish->redirect_uri);
	if (r == 0)
		r = redirect_add_param(name, value, &reply->location);
	if (r == 0 && *wish->state)
		r = redirect_add_param("state", wish->state, &reply->location);
	return r;
}

static int send_error(const struct grant_wish *wish, const char *code,
    const char *message, struct reply *reply)
{
	int r = send_back(wish, "error", code, reply);
	if (r == 0)
		r = redirect_add_param(
		    "error_description", message, &reply->location);
	return r;
}

static int ask(struct grants *grants, const struct oauth_owner *owner,
    const char *name, const struct grant_wish *wish,
    const struct request *request, struct reply *reply)
{
	char consent[GRANT_SECRET_SIZE];
	int r = grants_ask(grants, wish, timestamp_mono_ms(), consent);
	if (r < 0)
		return r;
	const struct consent_page page = {
	    .consent = consent,
	    .name = name,
	    .wish = wish,
	    .email = owner->known_to_all ? NULL : owner->email,
	};
	return consent_page_ask(&page, request, reply);
}

void authorize_ask(struct registrations *registrations, struct grants *grants,
    const struct oauth_owner *owner, const struct request *request,
    struct reply *reply)
{
	struct registration program;
	struct grant_wish wish = {0};
	const char *client = param_text(&request->params, "client_id");
	const char *redirect = param_text(&request->params, "redirect_uri");
	int r;
	if (registrations_find(registrations, client, &program) < 0) {
		r = consent_page_refuse(reply, 400, "Unknown program",
		    "The program that sent you here has not made itself known. "
		    "Start its login again.");
	} else if (!registration_allows(&program, redirect)) {
		r = consent_page_refuse(reply, 400, "Wrong address",
		    "The program that sent you here wants the answer at an "
		    "address that it has not registered. Nothing was sent "
		    "there.");
	} else {
		snprintf(
		    wish.client_id, sizeof(wish.client_id), "%s", program.id);
		snprintf(wish.redirect_uri, sizeof(wish.redirect_uri), "%s",
		    redirect);
		struct refusal refusal = read_wish(&request->params, &wish);
		r = refusal.code ? send_error(&wish, refusal.code,
				       refusal.message, reply)
				 : ask(grants, owner, program.name, &wish,
				       request, reply);
	}
	oauth_failure(reply, r);
}

/* Whether a form of our own page sent it. Programs that are no browser name no
 * origin, and no other page can make them send anything. */
static bool is_from_us(const struct request *request)
{
	const char *origin = request->headers.origin;
	const char *mark = origin ? strstr(origin, "://") : NULL;
	if (!origin)
		return true;
	return mark && request->headers.host &&
	       strcasecmp(mark + 3, request->headers.host) == 0;
}

static int ask_again(const struct registration *program,
    const struct grant_wish *wish, const char *consent,
    const struct oauth_owner *owner, const struct request *request,
    struct reply *reply)
{
	const struct consent_page page = {
	    .consent = consent,
	    .name = program->name,
	    .wish = wish,
	    .email = owner->email,
	    .mistaken = true,
	};
	return consent_page_ask(&page, request, reply);
}

static int allow(struct grants *grants, const char *consent,
    const struct grant_wish *wish, const struct request *request,
    struct reply *reply)
{
	char code[GRANT_SECRET_SIZE];
	int r = grants_allow(grants, consent, timestamp_mono_ms(),
	    request->switches.mcp_code_ttl_s, code);
	return r == 0 ? send_back(wish, "code", code, reply) : r;
}

static int decide(struct registrations *registrations, struct grants *grants,
    const struct oauth_owner *owner, const struct params *form,
    const struct request *request, struct reply *reply)
{
	struct registration program;
	struct grant_wish wish;
	const char *consent = param_text(form, "consent");
	const char *decision = param_text(form, "decision");
	int64_t now_ms = timestamp_mono_ms();
	int r = grants_read_wish(grants, consent, now_ms, &wish);
	if (r == 0)
		r = registrations_find(registrations, wish.client_id, &program);
	if (r == 0 && strcmp(decision, "deny") == 0) {
		r = grants_deny(grants, consent, now_ms);
		if (r == 0)
			r = send_error(&wish, "access_denied",
			    "The request was denied", reply);
	} else if (r == 0 && strcmp(decision, "allow") != 0) {
		r = -ENOENT;
	} else if (r == 0) {
		bool may =
		    owner->known_to_all ||
		    owner->fits(owner->ctx, param_text(form, "password"));
		r = may ? allow(grants, consent, &wish, request, reply)
			: ask_again(
			      &program, &wish, consent, owner, request, reply);
	}
	if (r == -ENOENT)
		r = consent_page_refuse(reply, 400, "Nothing to decide",
		    "This question was answered already, or is too old. Start "
		    "the program’s login again.");
	return r;
}

void authorize_decide(struct registrations *registrations,
    struct grants *grants, const struct oauth_owner *owner,
    const struct request *request, struct reply *reply)
{
	struct params form = {0};
	int r;
	if (!is_from_us(request)) {
		r = consent_page_refuse(reply, 403, "Not from here",
		    "Another page has sent this answer, not the one that "
		    "asked.");
	} else {
		r = params_init(&form, buf_str(&request->body));
		if (r == 0)
			r = decide(registrations, grants, owner, &form, request,
			    reply);
		params_done(&form);
	}
	oauth_failure(reply, r);
}
