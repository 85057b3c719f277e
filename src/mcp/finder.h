/*
 * What a server tells of tables, in whatever edition: by its tools, else by its
 * resources. The names it finds are candidates, no more. Every call waits, as
 * web.h says; one thread. Called by mcp.c.
 */
#ifndef MCP_FINDER_H
#define MCP_FINDER_H

#include "mcp/candidates.h"
#include "mcp/conversation.h"
#include "mcp/error.h"

/*
 * Fill candidates. note is told of each question that failed while others went
 * well, so that tables may be missing: error is borrowed. 0, or error->err:
 * then nothing at all was told.
 */
int finder_run(struct conversation *conversation, struct candidates *candidates,
    void (*note)(void *ctx, const struct mcp_error *error), void *ctx,
    struct mcp_error *error);

#endif
