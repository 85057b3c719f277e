/* MCP's resources: the same lists as those of the tools, whole, each under an
 * address of its own. Of a connection's thread. */
#ifndef EMULATOR_RESOURCES_H
#define EMULATOR_RESOURCES_H

#include "emulator/mcp/organization.h"
#include "emulator/mcp/jsonrpc.h"

/* How many there are. */
size_t resources_count(const struct organization *organization);

/* Append the i-th, as resources/list has it. 0, -ENOMEM or -EMSGSIZE. */
int resources_print(
    const struct organization *organization, size_t i, struct buf *out);

/* Read the one that the request names: its contents are appended, or the
 * problem is set. 0, -ENOMEM or -EMSGSIZE. */
int resources_read(const struct organization *organization,
    const struct jsonrpc *rpc, struct jsonrpc_problem *ret_problem,
    struct buf *out);

#endif
