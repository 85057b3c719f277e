/*
 * MCP's tools: where one is, and lists of projects, environments and tables,
 * page by page. Editions differ in what the arguments are called; ours are
 * those of the switch. Of a connection's thread.
 */
#ifndef EMULATOR_TOOLS_H
#define EMULATOR_TOOLS_H

#include "emulator/exchange/http_request.h"
#include "emulator/mcp/organization.h"
#include "emulator/mcp/jsonrpc.h"

/* How many there are. */
size_t tools_count(const struct switches *switches);

/* Append the i-th, as tools/list has it. 0, -ENOMEM or -EMSGSIZE. */
int tools_print(const struct switches *switches, size_t i, struct buf *out);

/* Call the one that the request names: its result is appended, or the problem
 * is set. 0, -ENOMEM or -EMSGSIZE. */
int tools_call(const struct organization *organization,
    const struct request *request, const struct jsonrpc *rpc,
    struct jsonrpc_problem *ret_problem, struct buf *out);

#endif
