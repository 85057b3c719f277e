/* Finding tables by the server's tools. One thread; calls wait, as web.h says.
 * Called by finder.c. */
#ifndef MCP_TOOL_FINDER_H
#define MCP_TOOL_FINDER_H

#include "mcp/inquiry.h"

/* Ask them, whatever their edition, as far as they can be asked; inquiry->told
 * says whether that told anything. 0, or error->err, which ends all of it. */
int tool_finder_run(struct inquiry *inquiry, struct mcp_error *error);

#endif
