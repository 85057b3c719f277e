#include "emulator/service/dispatch.h"

#include <errno.h>
#include <string.h>

#include "emulator/exchange/cors.h"
#include "emulator/service/handle.h"

int dispatch_begin(struct emulator *emulator, struct request *request)
{
	emulator_read_switches(emulator, &request->switches);
	int r = request_route(request);
	if (r < 0)
		return r;
	if (request->kind == ROUTE_CONTROL &&
	    !(emulator->control && request->host_is_ours))
		request->kind = ROUTE_NONE;
	if (request->kind != ROUTE_CONTROL)
		stats_begin(emulator->stats, request);
	request->begun = true;
	return 0;
}

void dispatch_end(struct emulator *emulator, const struct request *request)
{
	if (request->begun && request->kind != ROUTE_CONTROL)
		stats_end(emulator->stats);
}

int64_t dispatch_delay_ms(const struct request *request)
{
	const struct switches *switches = &request->switches;
	if (request->kind == ROUTE_CONTROL || request->kind == ROUTE_PAGE)
		return 0;
	return request_is_storage(request) ? switches->storage_latency_ms
					   : switches->latency_ms;
}

/* Who is asking; ROLE_NONE when the reply is an error already. */
static enum role identify(
    struct emulator *emulator, struct request *request, struct reply *reply)
{
	enum role role =
	    credentials_role(&emulator->credentials, request->headers.api_key);
	if (role == ROLE_NONE) {
		reply_error(reply, request, 401, "auth/invalid-api-key",
		    "The API key is missing or not valid");
		return ROLE_NONE;
	}
	if (role == ROLE_ADMIN || !request->headers.authorization)
		return role;
	const char *token = request_bearer(request);
	int r =
	    token ? sessions_check_access(emulator->sessions, token) : -ENOENT;
	if (r == 0)
		return ROLE_USER;
	if (r == -EKEYEXPIRED)
		reply_error(reply, request, 401, "auth/access-token-expired",
		    "The access token has expired");
	else
		reply_error(reply, request, 401, "auth/unauthorized",
		    "The access token is not valid");
	return ROLE_NONE;
}

static void dispatch(
    struct emulator *emulator, struct request *request, struct reply *reply)
{
	switch (request->kind) {
	case ROUTE_OBJECT:
		handle_object(emulator, request, reply);
		return;
	case ROUTE_OAUTH:
	case ROUTE_MCP:
		handle_mcp(emulator, request, reply);
		return;
	case ROUTE_SIGNIN:
	case ROUTE_REFRESH:
		/* The token may be over: that is what these are for. */
		if (credentials_role(&emulator->credentials,
			request->headers.api_key) == ROLE_NONE)
			identify(emulator, request, reply);
		else
			handle_auth(emulator, request, reply);
		return;
	default:
		break;
	}
	enum role role = identify(emulator, request, reply);
	if (role == ROLE_NONE)
		return;
	switch (request->kind) {
	case ROUTE_ME:
	case ROUTE_SIGNOUT:
		if (role == ROLE_USER)
			handle_auth(emulator, request, reply);
		else
			reply_error(reply, request, 401, "auth/unauthorized",
			    "Nobody is signed in");
		return;
	case ROUTE_LIST:
	case ROUTE_RECORD:
	case ROUTE_SPEC:
	case ROUTE_OPENAPI:
		handle_data(emulator, request, reply, role);
		return;
	case ROUTE_FILES:
	case ROUTE_FILE:
	case ROUTE_DOWNLOAD_URL:
		handle_files(emulator, request, reply, role);
		return;
	default:
		reply_error(reply, request, 404, "common/not-found",
		    "There is no such endpoint");
	}
}

static const char *method_of(enum route_kind kind)
{
	switch (kind) {
	case ROUTE_SIGNIN:
	case ROUTE_REFRESH:
	case ROUTE_SIGNOUT:
	case ROUTE_DOWNLOAD_URL:
		return "POST";
	default:
		return "GET";
	}
}

/* An object's URL is signed for GET: what else is asked of it, its own handler
 * refuses, as MCP's does. What is no endpoint of ours is one of the service's
 * that writes, if something is to be written there. */
static bool is_allowed(const struct request *request)
{
	bool get = strcmp(request->method, "GET") == 0;
	if (request->kind == ROUTE_OBJECT || request->kind == ROUTE_OAUTH ||
	    request->kind == ROUTE_MCP)
		return true;
	if (request->kind == ROUTE_NONE)
		return get || !request_is_api(request);
	return strcmp(request->method, method_of(request->kind)) == 0;
}

static void refuse_method(const struct request *request, struct reply *reply)
{
	const char *method = method_of(request->kind);
	reply_error(reply, request, 405, "common/method-not-allowed",
	    strcmp(request->method, "GET") == 0
		? "This endpoint takes POST"
		: "This is a read-only copy of the project: nothing in it can"
		  " be changed, and no account can be made or changed");
	reply_add_header(reply, "Allow", "%s", method);
}

static void refuse_host(const struct request *request, struct reply *reply)
{
	reply_error(reply, request, 421, "common/host-not-allowed",
	    "This server does not answer to that host name: it has to be named"
	    " with --allow-host");
}

/* From one of those whom we answer. */
static void answer(
    struct emulator *emulator, struct request *request, struct reply *reply)
{
	/* Neither part of the service nor slowed or broken as that is. */
	if (request->kind == ROUTE_PAGE && is_allowed(request)) {
		handle_page(emulator, request, reply);
		return;
	}
	if (strcmp(request->method, "OPTIONS") == 0) {
		cors_answer(request, reply);
		return;
	}
	if (faults_answer(emulator->faults, request, reply) ||
	    reply->fault == FAULT_RESET)
		return;
	if (request->too_large)
		reply_error(reply, request, 413, "common/body-too-large",
		    "The body is larger than 1 MiB");
	else if (!is_allowed(request))
		refuse_method(request, reply);
	else
		dispatch(emulator, request, reply);
}

void dispatch_answer(
    struct emulator *emulator, struct request *request, struct reply *reply)
{
	if (request->kind == ROUTE_CONTROL) {
		handle_control(emulator, request, reply);
		return;
	}
	if (request->host_is_ours) {
		answer(emulator, request, reply);
		cors_add_headers(request, reply);
	} else {
		refuse_host(request, reply);
	}
	stats_answer(emulator->stats, request,
	    reply->fault == FAULT_RESET ? 0 : reply->status, reply->early);
}
