/* MCP's sessions: what initialize began, under an id that each later request
 * carries. There is room for some; the oldest is forgotten. Thread-safe. */
#ifndef EMULATOR_MCP_SESSIONS_H
#define EMULATOR_MCP_SESSIONS_H

#include <stdbool.h>
#include <stdint.h>

/* NUL included. */
#define MCP_SESSION_SIZE 65

struct mcp_sessions;

/* 0 or -ENOMEM. */
int mcp_sessions_new(struct mcp_sessions **ret_sessions);
/* NULL is fine. */
void mcp_sessions_free(struct mcp_sessions *sessions);

/* Begin one, for whoever was granted that. 0, or what getrandom says. */
int mcp_sessions_begin(struct mcp_sessions *sessions, uint64_t grant,
    char ret_id[MCP_SESSION_SIZE]);

/* Whether there is such a session of that grant: 0, and whether the client has
 * said that it is ready; -ENOENT. */
int mcp_sessions_check(struct mcp_sessions *sessions, const char *id,
    uint64_t grant, bool *ret_ready);

/* The client has said so. */
void mcp_sessions_set_ready(
    struct mcp_sessions *sessions, const char *id, uint64_t grant);

/* 0 or -ENOENT. */
int mcp_sessions_end(
    struct mcp_sessions *sessions, const char *id, uint64_t grant);

/* End all. */
void mcp_sessions_end_all(struct mcp_sessions *sessions);

#endif
