/*
 * OAuth 2.1 with PKCE, as a program gets leave to ask MCP: metadata,
 * registration, a page on which a person says yes or no, tokens. Who is allowed
 * what is in grants; here is HTTP. Called by dispatch on the connection's
 * thread.
 */
#ifndef EMULATOR_OAUTH_SERVER_H
#define EMULATOR_OAUTH_SERVER_H

#include "emulator/exchange/http_reply.h"
#include "emulator/oauth/owner.h"

/* Under the host's root: of MCP, and of what belongs to it. */
#define OAUTH_RESOURCE_PATH "/mcp"
#define OAUTH_RESOURCE_METADATA_PATH "/.well-known/oauth-protected-resource"

struct oauth_server;

/* 0 or -ENOMEM. */
int oauth_server_new(struct oauth_server **ret_oauth);
/* NULL is fine. */
void oauth_server_free(struct oauth_server *oauth);

/* Answer a request of ROUTE_OAUTH. */
void oauth_server_answer(struct oauth_server *oauth,
    const struct oauth_owner *owner, const struct request *request,
    struct reply *reply);

/* Whether the request has a good access token: 0, with the number of what it
 * was granted, which is nobody else's; -EACCES. */
int oauth_server_check(struct oauth_server *oauth,
    const struct request *request, uint64_t *ret_grant);

/* All access tokens are over; with refresh_too, all refresh tokens too. */
void oauth_server_expire(struct oauth_server *oauth, bool refresh_too);

#endif
