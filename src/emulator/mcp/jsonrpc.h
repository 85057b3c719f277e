/* JSON-RPC 2.0, as MCP has it: a request that came, and the answer's form. Of a
 * connection's thread. */
#ifndef EMULATOR_JSONRPC_H
#define EMULATOR_JSONRPC_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "base/buf.h"

/* JSON-RPC's own, and MCP's. */
#define JSONRPC_PARSE_ERROR (-32700)
#define JSONRPC_INVALID_REQUEST (-32600)
#define JSONRPC_UNKNOWN_METHOD (-32601)
#define JSONRPC_INVALID_PARAMS (-32602)
#define JSONRPC_INTERNAL_ERROR (-32603)
#define JSONRPC_UNAUTHORIZED (-32001)
#define JSONRPC_NOT_FOUND (-32002)

struct jsonrpc {
	const char *method;  /* "" where it is the answer to something */
	const cJSON *params; /* an object, or NULL */
	char *id;	     /* in JSON; NULL: no answer is wanted */
};

/* Why there is no result. */
struct jsonrpc_problem {
	int code; /* 0: there is one */
	const char *message;
};

/* Read a message, which stays the owner of what the request points to, but for
 * its id. 0; -EINVAL (it is none); -ENOMEM. jsonrpc_done is owed after 0. */
int jsonrpc_read(const cJSON *message, struct jsonrpc *ret_rpc);

/* Free what it holds. */
void jsonrpc_done(struct jsonrpc *rpc);

/* A member of the parameters that is a string; NULL: there is none. */
const char *jsonrpc_text(const struct jsonrpc *rpc, const char *name);

/* Append the answer up to where the result, in JSON, has to follow, and then
 * jsonrpc_end. 0, -ENOMEM or -EMSGSIZE. */
int jsonrpc_begin(const char *id, struct buf *out);

/* Close it. 0, -ENOMEM or -EMSGSIZE. */
int jsonrpc_end(struct buf *out);

/* Append an error; id in JSON, or NULL. 0, -ENOMEM or -EMSGSIZE. */
int jsonrpc_error(
    const char *id, struct jsonrpc_problem problem, struct buf *out);

#endif
