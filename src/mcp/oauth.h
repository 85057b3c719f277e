/*
 * OAuth 2.1 as a public client: where a server has what (RFC 8414, RFC 9728),
 * registration (RFC 7591), tokens, and their end (RFC 7009). Every call waits,
 * as web.h says. Called by login.c and grant.c.
 *
 * All give 0, or error->err. What a server says in an error is free of what we
 * sent.
 */
#ifndef MCP_OAUTH_H
#define MCP_OAUTH_H

#include <stdbool.h>
#include <stdint.h>

#include "mcp/error.h"
#include "mcp/web.h"

/* Where things are. All owned; NULL: the server has none. */
struct oauth_server {
	char *issuer;
	char *authorization_endpoint;
	char *token_endpoint;
	char *registration_endpoint;
	char *revocation_endpoint;
	bool tells_issuer; /* each answer by the browser names it */
};

/* Free what it holds. All zeros is fine. */
void oauth_server_done(struct oauth_server *server);

/* Find the server that gives tokens for the one at url. -ENOENT: nothing there
 * says so. */
int oauth_find(struct web *web, const char *url,
    struct oauth_server *ret_server, struct mcp_error *error);

/* Get to be a client whose answers come to redirect_uri; *ret_client_id is the
 * caller's. */
int oauth_register(struct web *web, const struct oauth_server *server,
    const char *redirect_uri, char **ret_client_id, struct mcp_error *error);

/* What a request for authorisation says. */
struct oauth_request {
	const char *client_id;
	const char *redirect_uri;
	const char *state;
	const char *challenge;
};

/* Append the URL that a person is to open. 0, -ENOMEM or -EMSGSIZE. */
int oauth_url(const struct oauth_server *server,
    const struct oauth_request *request, struct buf *out);

/* Owned, secrets. */
struct oauth_tokens {
	char *access;
	char *refresh; /* NULL: none came */
	int64_t lifetime_ms;
};

/* Tokens for a code, which is good for one use. */
int oauth_exchange(struct web *web, const char *token_endpoint,
    const struct oauth_request *request, const char *code, const char *verifier,
    struct oauth_tokens *ret_tokens, struct mcp_error *error);

/* Tokens for a refresh token, the same. */
int oauth_refresh(struct web *web, const char *token_endpoint,
    const char *client_id, const char *refresh, struct oauth_tokens *ret_tokens,
    struct mcp_error *error);

/* End a token; hint is its type. */
int oauth_revoke(struct web *web, const char *revocation_endpoint,
    const char *client_id, const char *token, const char *hint,
    struct mcp_error *error);

#endif
