#include "emulator/oauth/oauth_server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/timestamp.h"
#include "emulator/oauth/authorize.h"
#include "emulator/oauth/oauth_error.h"
#include "emulator/oauth/register.h"
#include "emulator/oauth/token_form.h"

struct oauth_server {
	/* Each has a lock of its own. */
	struct registrations *registrations;
	struct grants *grants;
};

int oauth_server_new(struct oauth_server **ret_oauth)
{
	struct oauth_server *oauth = calloc(1, sizeof(*oauth));
	if (!oauth)
		return -ENOMEM;
	int r = registrations_new(&oauth->registrations);
	if (r == 0)
		r = grants_new(&oauth->grants);
	if (r < 0) {
		oauth_server_free(oauth);
		return r;
	}
	*ret_oauth = oauth;
	return 0;
}

void oauth_server_free(struct oauth_server *oauth)
{
	if (!oauth)
		return;
	registrations_free(oauth->registrations);
	grants_free(oauth->grants);
	free(oauth);
}

int oauth_server_check(struct oauth_server *oauth,
    const struct request *request, uint64_t *ret_grant)
{
	const char *token = request_bearer(request);
	return token ? grants_check(
			   oauth->grants, token, timestamp_mono_ms(), ret_grant)
		     : -EACCES;
}

void oauth_server_expire(struct oauth_server *oauth, bool refresh_too)
{
	grants_expire(oauth->grants, refresh_too);
}

/* ---- metadata ---- */

/* "name":"<base>path" and what follows. */
static int add_url(struct buf *out, const char *name,
    const struct request *request, const char *path, const char *after)
{
	int r = buf_printf(out, "\"%s\":\"", name);
	if (r == 0)
		r = request_add_base(request, out);
	return r == 0 ? buf_printf(out, "%s\"%s", path, after) : r;
}

static int print_server(const struct request *request, struct buf *out)
{
	int r = buf_addc(out, '{');
	if (r == 0)
		r = add_url(out, "issuer", request, OAUTH_RESOURCE_PATH, ",");
	if (r == 0)
		r = add_url(out, "authorization_endpoint", request,
		    "/mcp/oauth/authorize", ",");
	if (r == 0)
		r = add_url(
		    out, "token_endpoint", request, "/mcp/oauth/token", ",");
	if (r == 0)
		r = add_url(out, "registration_endpoint", request,
		    "/mcp/oauth/register", ",");
	if (r == 0)
		r = add_url(out, "revocation_endpoint", request,
		    "/mcp/oauth/revoke", ",");
	if (r == 0)
		r = buf_adds(out,
		    "\"response_types_supported\":[\"code\"],"
		    "\"grant_types_supported\":[\"authorization_code\","
		    "\"refresh_token\"],"
		    "\"token_endpoint_auth_methods_supported\":[\"none\"],"
		    "\"code_challenge_methods_supported\":[\"S256\"],"
		    "\"scopes_supported\":[\"*:read\",\"*:*\"]}");
	return r;
}

static int print_resource(const struct request *request, struct buf *out)
{
	int r = buf_addc(out, '{');
	if (r == 0)
		r = add_url(out, "resource", request, OAUTH_RESOURCE_PATH,
		    ",\"authorization_servers\":[\"");
	if (r == 0)
		r = request_add_base(request, out);
	if (r == 0)
		r = buf_adds(out, OAUTH_RESOURCE_PATH
		    "\"],\"bearer_methods_supported\":[\"header\"],"
		    "\"scopes_supported\":[\"*:read\",\"*:*\"]}");
	return r;
}

/* ---- endpoints ---- */

enum endpoint {
	ENDPOINT_SERVER,
	ENDPOINT_RESOURCE,
	ENDPOINT_AUTHORIZE,
	ENDPOINT_REGISTER,
	ENDPOINT_TOKEN,
	ENDPOINT_REVOKE,
	ENDPOINTS,
};

static const struct {
	const char *path;
	const char *methods; /* the first is what others are told */
} endpoints[ENDPOINTS] = {
    [ENDPOINT_SERVER] = {"/.well-known/oauth-authorization-server", "GET"},
    [ENDPOINT_RESOURCE] = {OAUTH_RESOURCE_METADATA_PATH, "GET"},
    [ENDPOINT_AUTHORIZE] = {"/mcp/oauth/authorize", "GET, POST"},
    [ENDPOINT_REGISTER] = {"/mcp/oauth/register", "POST"},
    [ENDPOINT_TOKEN] = {"/mcp/oauth/token", "POST"},
    [ENDPOINT_REVOKE] = {"/mcp/oauth/revoke", "POST"},
};

static enum endpoint find_endpoint(const char *path)
{
	int i = 0;
	while (i < ENDPOINTS && strcmp(path, endpoints[i].path) != 0)
		i++;
	return (enum endpoint)i;
}

void oauth_server_answer(struct oauth_server *oauth,
    const struct oauth_owner *owner, const struct request *request,
    struct reply *reply)
{
	enum endpoint endpoint = find_endpoint(request->path);
	bool get = strcmp(request->method, "GET") == 0;
	bool post = strcmp(request->method, "POST") == 0;
	reply_add_header(reply, "Cache-Control", "no-store");
	if (endpoint == ENDPOINTS) {
		oauth_error(
		    reply, 404, "not_found", "There is no such endpoint");
		return;
	}
	const char *methods = endpoints[endpoint].methods;
	if (!(get && strncmp(methods, "GET", 3) == 0) &&
	    !(post && strstr(methods, "POST"))) {
		oauth_refuse_method(reply, methods);
		return;
	}
	switch (endpoint) {
	case ENDPOINT_SERVER:
		oauth_failure(reply, print_server(request, &reply->body));
		break;
	case ENDPOINT_RESOURCE:
		oauth_failure(reply, print_resource(request, &reply->body));
		break;
	case ENDPOINT_AUTHORIZE:
		/* Who reads the page could press its buttons. */
		reply->own_origin_only = true;
		if (get)
			authorize_ask(oauth->registrations, oauth->grants,
			    owner, request, reply);
		else
			authorize_decide(oauth->registrations, oauth->grants,
			    owner, request, reply);
		break;
	case ENDPOINT_REGISTER:
		register_answer(oauth->registrations, request, reply);
		break;
	case ENDPOINT_TOKEN:
		token_form_answer(oauth->grants, request, reply);
		break;
	default:
		token_form_revoke(oauth->grants, request, reply);
	}
}
