/*
 * A login in the browser, from the search for the server's metadata to tokens,
 * and its end. Every call waits, as web.h says. Called by mcp.c.
 */
#ifndef MCP_LOGIN_H
#define MCP_LOGIN_H

#include "mcp/error.h"
#include "mcp/grant.h"
#include "mcp/web.h"

struct login;

/* web is borrowed for its life. NULL: out of memory. */
struct login *login_new(struct web *web);

/* NULL is fine. */
void login_free(struct login *login);

/* Whoever waits for the browser gets -ECANCELED. Any thread. */
void login_cancel(struct login *login);

/*
 * Log in to the server at url. show is told the address that a person is to
 * open, once the answer can come. 0: ret_grant is the caller's; else
 * error->err: -ETIMEDOUT: nobody came back within patience_ms; -ECANCELED;
 * -EACCES: the person, or the server, said no.
 */
int login_run(struct login *login, const char *url, int64_t patience_ms,
    void (*show)(void *ctx, const char *address), void *ctx,
    struct grant *ret_grant, struct mcp_error *error);

/* What came of it all, for the page in the browser. */
void login_conclude(struct login *login, bool well, const char *message);

/* Have the server end what was granted, as far as it can. 0, or error->err. */
int login_revoke(
    struct web *web, const struct grant *grant, struct mcp_error *error);

#endif
