#include "emulator/service/sessions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/lock.h"
#include "base/timestamp.h"
#include "emulator/exchange/signer.h"

/* The oldest of more pairs than this is forgotten. */
#define PAIRS_MAX 4096

#define REFRESH_TTL_MS (INT64_C(30) * 24 * 3600 * 1000)

/* One pair handed out. A used one is remembered, to notice a replay. */
struct pair {
	struct token_pair tokens;
	uint64_t session;
	int64_t access_until; /* ms on the clock that never jumps */
	int64_t refresh_until;
	bool used;  /* its refresh token was */
	bool ended; /* its session is over */
};

struct sessions {
	struct lock lock;
	/* Under lock: a ring, the newest at next - 1. */
	struct pair *pairs;
	uint64_t next;
	uint64_t begun;
};

int sessions_new(struct sessions **ret_sessions)
{
	struct sessions *sessions = calloc(1, sizeof(*sessions));
	if (sessions)
		sessions->pairs = calloc(PAIRS_MAX, sizeof(*sessions->pairs));
	if (!sessions || !sessions->pairs) {
		free(sessions);
		return -ENOMEM;
	}
	lock_init(&sessions->lock);
	*ret_sessions = sessions;
	return 0;
}

void sessions_free(struct sessions *sessions)
{
	if (!sessions)
		return;
	lock_done(&sessions->lock);
	free(sessions->pairs);
	free(sessions);
}

static size_t pair_count_locked(const struct sessions *sessions)
    REQUIRES(sessions->lock)
{
	return sessions->next < PAIRS_MAX ? sessions->next : PAIRS_MAX;
}

/* The pair that the token is half of, newest first, or NULL. */
static struct pair *find_locked(struct sessions *sessions, const char *token,
    size_t offset) REQUIRES(sessions->lock)
{
	size_t count = pair_count_locked(sessions);
	for (size_t i = 1; i <= count; i++) {
		struct pair *pair =
		    &sessions->pairs[(sessions->next - i) % PAIRS_MAX];
		if (strcmp((const char *)&pair->tokens + offset, token) == 0)
			return pair;
	}
	return NULL;
}

static struct pair *find_access_locked(
    struct sessions *sessions, const char *access) REQUIRES(sessions->lock)
{
	return find_locked(
	    sessions, access, offsetof(struct token_pair, access));
}

static int add_pair_locked(struct sessions *sessions, uint64_t session,
    int64_t token_ttl_s, struct token_pair *ret_pair) REQUIRES(sessions->lock)
{
	struct pair pair = {.session = session};
	memcpy(pair.tokens.access, "at_", 3);
	memcpy(pair.tokens.refresh, "rt_", 3);
	int r = signer_random_hex(pair.tokens.access + 3, 32);
	if (r == 0)
		r = signer_random_hex(pair.tokens.refresh + 3, 32);
	if (r < 0)
		return r;
	int64_t now = timestamp_mono_ms();
	pair.access_until = now + token_ttl_s * 1000;
	pair.refresh_until = now + REFRESH_TTL_MS;
	sessions->pairs[sessions->next++ % PAIRS_MAX] = pair;
	*ret_pair = pair.tokens;
	return 0;
}

int sessions_sign_in(
    struct sessions *sessions, int64_t token_ttl_s, struct token_pair *ret_pair)
{
	lock_acquire(&sessions->lock);
	int r =
	    add_pair_locked(sessions, sessions->begun++, token_ttl_s, ret_pair);
	lock_release(&sessions->lock);
	return r;
}

static void end_locked(struct sessions *sessions, bool all, uint64_t session)
    REQUIRES(sessions->lock)
{
	for (size_t i = 0; i < pair_count_locked(sessions); i++)
		if (all || sessions->pairs[i].session == session)
			sessions->pairs[i].ended = true;
}

static int refresh_locked(struct sessions *sessions, const char *refresh,
    int64_t token_ttl_s, struct token_pair *ret_pair) REQUIRES(sessions->lock)
{
	struct pair *pair = find_locked(
	    sessions, refresh, offsetof(struct token_pair, refresh));
	if (!pair)
		return -ENOENT;
	if (pair->used) {
		end_locked(sessions, true, 0);
		return -EALREADY;
	}
	if (pair->ended || timestamp_mono_ms() >= pair->refresh_until)
		return -EKEYEXPIRED;
	pair->used = true;
	return add_pair_locked(sessions, pair->session, token_ttl_s, ret_pair);
}

int sessions_refresh(struct sessions *sessions, const char *refresh,
    int64_t token_ttl_s, struct token_pair *ret_pair)
{
	lock_acquire(&sessions->lock);
	int r = refresh_locked(sessions, refresh, token_ttl_s, ret_pair);
	lock_release(&sessions->lock);
	return r;
}

int sessions_check_access(struct sessions *sessions, const char *access)
{
	lock_acquire(&sessions->lock);
	struct pair *pair = find_access_locked(sessions, access);
	int r = !pair ? -ENOENT : 0;
	if (pair && (pair->ended || timestamp_mono_ms() >= pair->access_until))
		r = -EKEYEXPIRED;
	lock_release(&sessions->lock);
	return r;
}

void sessions_sign_out(struct sessions *sessions, const char *access)
{
	lock_acquire(&sessions->lock);
	struct pair *pair = find_access_locked(sessions, access);
	if (pair)
		end_locked(sessions, false, pair->session);
	lock_release(&sessions->lock);
}

void sessions_expire(struct sessions *sessions, bool refresh_too)
{
	lock_acquire(&sessions->lock);
	for (size_t i = 0; i < pair_count_locked(sessions); i++)
		sessions->pairs[i].access_until = 0;
	if (refresh_too)
		end_locked(sessions, true, 0);
	lock_release(&sessions->lock);
}
