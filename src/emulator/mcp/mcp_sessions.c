#include "emulator/mcp/mcp_sessions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/lock.h"
#include "emulator/exchange/signer.h"

#define SESSIONS_MAX 256

struct session {
	char id[MCP_SESSION_SIZE]; /* "": there is none */
	uint64_t grant;
	bool ready;
};

struct mcp_sessions {
	struct lock lock;
	/* Under lock: a ring, the newest at next - 1. */
	struct session items[SESSIONS_MAX];
	size_t next;
};

int mcp_sessions_new(struct mcp_sessions **ret_sessions)
{
	struct mcp_sessions *sessions = calloc(1, sizeof(*sessions));
	if (!sessions)
		return -ENOMEM;
	lock_init(&sessions->lock);
	*ret_sessions = sessions;
	return 0;
}

void mcp_sessions_free(struct mcp_sessions *sessions)
{
	if (!sessions)
		return;
	lock_done(&sessions->lock);
	free(sessions);
}

int mcp_sessions_begin(struct mcp_sessions *sessions, uint64_t grant,
    char ret_id[MCP_SESSION_SIZE])
{
	struct session session = {.grant = grant};
	int r = signer_random_hex(session.id, 32);
	if (r < 0)
		return r;
	lock_acquire(&sessions->lock);
	sessions->items[sessions->next++ % SESSIONS_MAX] = session;
	lock_release(&sessions->lock);
	memcpy(ret_id, session.id, sizeof(session.id));
	return 0;
}

static struct session *find_locked(struct mcp_sessions *sessions,
    const char *id, uint64_t grant) REQUIRES(sessions->lock)
{
	for (size_t i = 0; *id && i < SESSIONS_MAX; i++) {
		struct session *session = &sessions->items[i];
		if (session->grant == grant && strcmp(session->id, id) == 0)
			return session;
	}
	return NULL;
}

int mcp_sessions_check(struct mcp_sessions *sessions, const char *id,
    uint64_t grant, bool *ret_ready)
{
	lock_acquire(&sessions->lock);
	const struct session *session = find_locked(sessions, id, grant);
	if (session)
		*ret_ready = session->ready;
	lock_release(&sessions->lock);
	return session ? 0 : -ENOENT;
}

void mcp_sessions_set_ready(
    struct mcp_sessions *sessions, const char *id, uint64_t grant)
{
	lock_acquire(&sessions->lock);
	struct session *session = find_locked(sessions, id, grant);
	if (session)
		session->ready = true;
	lock_release(&sessions->lock);
}

int mcp_sessions_end(
    struct mcp_sessions *sessions, const char *id, uint64_t grant)
{
	lock_acquire(&sessions->lock);
	struct session *session = find_locked(sessions, id, grant);
	if (session)
		*session = (struct session){0};
	lock_release(&sessions->lock);
	return session ? 0 : -ENOENT;
}

void mcp_sessions_end_all(struct mcp_sessions *sessions)
{
	lock_acquire(&sessions->lock);
	memset(sessions->items, 0, sizeof(sessions->items));
	lock_release(&sessions->lock);
}
