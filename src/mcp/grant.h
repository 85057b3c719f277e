/*
 * What a login was granted, kept for all mounts of the same project: tokens,
 * and where new ones are to be had. A refresh token is good for one use, so a
 * lock is held while one is used, and before that the file says that it is
 * gone: never is one sent twice. Any thread but the loop's, one at a time.
 * Made by mcp.c.
 */
#ifndef MCP_GRANT_H
#define MCP_GRANT_H

#include <stdbool.h>
#include <stdint.h>

#include "mcp/error.h"
#include "mcp/web.h"

/* All strings are owned; NULL: none. */
struct grant {
	char *token_endpoint;
	char *revocation_endpoint;
	char *client_id;
	char *access;
	char *refresh;
	int64_t expires_ms; /* of access, wall clock */
};

/* Overwrite and free what it holds. All zeros is fine. */
void grant_done(struct grant *grant);

struct grants;

/* The place for the one of a server and an identity, whose hash is its name.
 * Nothing is made yet; where there is no home, none can be. One thread: it asks
 * for the home. 0 or -ENOMEM. */
int grants_new(
    const char *url, const char *identity, struct grants **ret_grants);

/* NULL is fine. */
void grants_free(struct grants *grants);

/* Whether there is one. Any thread, soon. */
bool grants_exist(const struct grants *grants);

/* Write it down. 0, or an error that says where. */
int grants_put(
    struct grants *grants, const struct grant *grant, struct mcp_error *error);

/*
 * A token to ask with, renewed where it is old, or is the one that was refused
 * (refused: NULL for none). *ret_access is the caller's, a secret. 0; else
 * error->err, too: -EACCES: there is none any more.
 */
int grants_access(struct grants *grants, struct web *web, const char *refused,
    char **ret_access, struct mcp_error *error);

/* Forget it, and hand over what it was. All zeros: there was none. 0, or an
 * error that says where. */
int grants_take(
    struct grants *grants, struct grant *ret_grant, struct mcp_error *error);

#endif
