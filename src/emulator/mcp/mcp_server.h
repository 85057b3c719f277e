/*
 * MCP by Streamable HTTP, revision 2025-03-26: how a program that was allowed
 * to learns which tables there are, which the API tells nobody. Who it is that
 * asks, sessions and the two forms of answers are here; what is answered, in
 * methods. Called by dispatch on the connection's thread.
 */
#ifndef EMULATOR_MCP_SERVER_H
#define EMULATOR_MCP_SERVER_H

#include "emulator/exchange/http_reply.h"
#include "emulator/oauth/oauth_server.h"
#include "emulator/store/store.h"

struct mcp_server;

/* Both are borrowed. 0 or -ENOMEM. */
int mcp_server_new(struct store *store, struct oauth_server *oauth,
    struct mcp_server **ret_mcp);
/* NULL is fine. */
void mcp_server_free(struct mcp_server *mcp);

/* Answer a request of ROUTE_MCP. */
void mcp_server_answer(
    struct mcp_server *mcp, const struct request *request, struct reply *reply);

/* End all sessions; who was allowed to may begin new ones. */
void mcp_server_end_sessions(struct mcp_server *mcp);

#endif
