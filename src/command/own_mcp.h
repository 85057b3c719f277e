/* The server that lists tables, as the settings name it, with the login of this
 * project. Main thread. */
#ifndef COMMAND_OWN_MCP_H
#define COMMAND_OWN_MCP_H

#include "base/failures.h"
#include "config/options.h"
#include "http/http.h"
#include "mcp/mcp.h"

/* http and failures are borrowed for its life. 0 or -ENOMEM. */
int own_mcp_new(const struct options *options, struct http *http,
    struct failures *failures, struct mcp **ret_mcp);

/* Say what went wrong, after "cannot …". EXIT_COULD_NOT. */
int own_mcp_complain(const struct options *options, const char *what,
    const struct mcp_error *error);

#endif
