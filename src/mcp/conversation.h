/*
 * A conversation in the Model Context Protocol (revision 2025-03-26) over
 * Streamable HTTP: it begins by itself with the first question, and anew where
 * the server has forgotten it. Every call waits, as web.h says; one thread.
 * Called by finder.c.
 */
#ifndef MCP_CONVERSATION_H
#define MCP_CONVERSATION_H

#include "mcp/error.h"
#include "mcp/grant.h"
#include "mcp/rpc.h"
#include "mcp/web.h"

struct conversation;

/* All are borrowed for its life. NULL: out of memory. */
struct conversation *conversation_new(
    struct web *web, const char *url, struct grants *grants);

/* Tell the server that it is over, and free it. NULL is fine. */
void conversation_end(struct conversation *conversation);

/*
 * Ask; params is JSON text, NULL: none; what names the question to a human. 0:
 * there is a result, and rpc_answer_done is owed; else error->err, too:
 * -EACCES: not with this login; -ENOENT: there is no such thing; -EIO, -EPROTO:
 * the server fails; -ECANCELED, -ETIME, or how the transfer broke.
 */
int conversation_ask(struct conversation *conversation, const char *method,
    const char *params, const char *what, struct rpc_answer *ret_answer,
    struct mcp_error *error);

#endif
