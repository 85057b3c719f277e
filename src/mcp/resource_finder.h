/* Finding tables by the server's resources, where its tools do not tell. One
 * thread; calls wait, as web.h says. Called by finder.c. */
#ifndef MCP_RESOURCE_FINDER_H
#define MCP_RESOURCE_FINDER_H

#include "mcp/inquiry.h"

/* Read those that list tables, and what leads to them; inquiry->told says
 * whether that told anything. 0, or error->err, which ends all of it. */
int resource_finder_run(struct inquiry *inquiry, struct mcp_error *error);

#endif
