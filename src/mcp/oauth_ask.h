/* A request to a server that gives tokens, and what it says where it refuses.
 * Calls wait, as web.h says. Called by oauth.c and oauth_find.c. */
#ifndef MCP_OAUTH_ASK_H
#define MCP_OAUTH_ASK_H

#include <stddef.h>

#include "mcp/error.h"
#include "mcp/web.h"

/* Answers are no longer. */
#define OAUTH_ANSWER_MAX ((size_t)64 << 10)

/* Nobody waits longer for one. */
#define OAUTH_PATIENCE_MS 20000

/* The length of a URL's "https://host:port". */
size_t oauth_origin_len(const char *url);

/* Ask. 0: the answer is one of success; else error->err. web_answer_done is
 * owed in every case. */
int oauth_ask(struct web *web, const struct web_request *request,
    struct web_answer *ret_answer, struct mcp_error *error);

/* Say what is wrong, of the request that error names. r. */
int oauth_fail(struct mcp_error *error, int r, const char *message);

/* What went over the wire may have come back in words: then they go. NULL is
 * fine. */
void oauth_hide(struct mcp_error *error, const char *secret);

#endif
