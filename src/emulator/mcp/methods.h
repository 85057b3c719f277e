/* MCP's methods, of revision 2025-03-26: what each JSON-RPC request is answered
 * with. Of a connection's thread. */
#ifndef EMULATOR_METHODS_H
#define EMULATOR_METHODS_H

#include "emulator/exchange/http_request.h"
#include "emulator/mcp/organization.h"
#include "emulator/mcp/jsonrpc.h"

#define MCP_REVISION "2025-03-26"

/* Append the answer to a request, result or error. 0, -ENOMEM or -EMSGSIZE. */
int methods_answer(const struct organization *organization,
    const struct request *request, const struct jsonrpc *rpc, struct buf *out);

#endif
