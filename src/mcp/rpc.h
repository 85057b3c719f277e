/*
 * JSON-RPC 2.0 as text: what is asked, and which answer is ours. Pure and
 * thread-safe. Called by conversation.c, and by web.c for each event of a
 * stream.
 */
#ifndef MCP_RPC_H
#define MCP_RPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct cJSON;

/* Of a notification, which nobody answers. */
#define RPC_NO_ID INT64_C(-1)

/* Append a request; params is JSON text, NULL: none. 0, -ENOMEM, -EMSGSIZE. */
int rpc_request(
    struct buf *out, int64_t id, const char *method, const char *params);

/* Codes of the servers that list tables. */
#define RPC_UNAUTHORIZED (-32001)
#define RPC_NOT_FOUND (-32002)

struct rpc_answer {
	struct cJSON *root;	    /* owned; NULL: there is no answer */
	const struct cJSON *result; /* of root; NULL: it failed */
	int64_t code;		    /* of the failure; 0: none */
	char message[300];	    /* of it, too */
};

/* Read the answer to id from a message, or from a batch of them. 0; -ENOENT:
 * all is said of something else; -EPROTO: it is none. rpc_answer_done is owed
 * then and only then when 0. */
int rpc_read(
    const char *text, size_t len, int64_t id, struct rpc_answer *ret_answer);

/* Whether the answer to id is in there. */
bool rpc_answers(const char *text, size_t len, int64_t id);

/* Of an error in a body that may have no id, as HTTP errors come with one: its
 * code and message, as far as there are some. */
void rpc_read_error(
    const char *text, size_t len, int64_t *ret_code, struct buf *message);

/* The revision of the protocol that an answer to initialize tells of: digits
 * and dashes, into out; "" where there is none. */
void rpc_revision(const struct rpc_answer *answer, char *out, size_t size);

/* A text member of a result, as nextCursor is one; NULL: there is none, or it
 * is empty. Borrowed from the answer. */
const char *rpc_text(const struct rpc_answer *answer, const char *name);

/* Free what it holds. All zeros is fine. */
void rpc_answer_done(struct rpc_answer *answer);

#endif
