/*
 * The server that lists tables (Model Context Protocol), for whoever has logged
 * in to it. What it tells are names: whether a table is there, and ours, only
 * the key can tell. Made by the commands, asked by sync/.
 *
 * A question is led by a thread of its own while it lasts, so that nobody else
 * waits for it. Errors of which nobody else would hear go to failures.
 */
#ifndef MCP_MCP_H
#define MCP_MCP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/failures.h"
#include "http/http.h"
#include "mcp/candidates.h"
#include "mcp/error.h"

struct mcp;

/* Borrowed for the life of the mcp, but for the strings. */
struct mcp_config {
	struct http *http;
	struct failures *failures; /* NULL: what fails is not noted */
	const char *url;
	const char *identity; /* what tells logins to it apart; a secret */
};

/* Nothing is asked yet. 0 or -ENOMEM. Main thread. */
int mcp_new(const struct mcp_config *config, struct mcp **ret_mcp);

/* End what is under way, unheard. Not on the loop thread. NULL is fine. */
void mcp_stop(struct mcp *mcp);

/* The loop must have ended. NULL is fine. */
void mcp_free(struct mcp *mcp);

/* Whether somebody has logged in. Any thread, soon. */
bool mcp_has_login(const struct mcp *mcp);

/* What was found; the candidates are the callee's. NULL: nothing, for
 * error->err, which has been noted. Loop thread. */
typedef void (*mcp_found_fn)(
    void *ctx, struct candidates *candidates, const struct mcp_error *error);

/* Find out which tables there may be. One at a time; found is called once,
 * unless mcp_stop comes before, and not before this returns. 0 or -errno; then
 * it is not called. Loop thread. */
int mcp_find(struct mcp *mcp, mcp_found_fn found, void *ctx);

/* The same, waiting for it. 0, or error->err. Not on the loop thread. */
int mcp_find_now(struct mcp *mcp, struct candidates **ret_candidates,
    struct mcp_error *error);

/* End the waits of mcp_find_now, mcp_log_in and mcp_log_out with -ECANCELED,
 * for good. Any thread. */
void mcp_cancel(struct mcp *mcp);

/*
 * Log in: show is told the address that a person is to open. The last login is
 * replaced. 0, or error->err: -ETIMEDOUT: nobody came back within patience_ms;
 * -ECANCELED; -EACCES: somebody said no. Not on the loop thread.
 */
int mcp_log_in(struct mcp *mcp, int64_t patience_ms,
    void (*show)(void *ctx, const char *address), void *ctx,
    struct mcp_error *error);

/* Forget the login, and have the server end it. 0; -ENOENT: there was none;
 * else error->err: *ret_forgotten tells whether it is forgotten here. Not on
 * the loop thread. */
int mcp_log_out(struct mcp *mcp, bool *ret_forgotten, struct mcp_error *error);

#endif
