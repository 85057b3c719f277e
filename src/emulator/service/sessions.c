#include "emulator/service/sessions.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/timestamp.h"
#include "emulator/service/sign.h"

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

struct auth {
	pthread_mutex_t lock;
	/* Under lock: a ring, the newest at next - 1. */
	struct pair *pairs;
	uint64_t next;
	uint64_t sessions;
};

int auth_new(struct auth **ret_auth)
{
	struct auth *auth = calloc(1, sizeof(*auth));
	if (auth)
		auth->pairs = calloc(PAIRS_MAX, sizeof(*auth->pairs));
	if (!auth || !auth->pairs) {
		free(auth);
		return -ENOMEM;
	}
	pthread_mutex_init(&auth->lock, NULL);
	*ret_auth = auth;
	return 0;
}

void auth_free(struct auth *auth)
{
	if (!auth)
		return;
	pthread_mutex_destroy(&auth->lock);
	free(auth->pairs);
	free(auth);
}

static size_t pair_count_locked(const struct auth *auth)
{
	return auth->next < PAIRS_MAX ? auth->next : PAIRS_MAX;
}

/* The pair that the token is half of, newest first, or NULL. */
static struct pair *find_locked(
    struct auth *auth, const char *token, size_t offset)
{
	size_t count = pair_count_locked(auth);
	for (size_t i = 1; i <= count; i++) {
		struct pair *pair = &auth->pairs[(auth->next - i) % PAIRS_MAX];
		if (strcmp((const char *)&pair->tokens + offset, token) == 0)
			return pair;
	}
	return NULL;
}

static struct pair *find_access_locked(struct auth *auth, const char *access)
{
	return find_locked(auth, access, offsetof(struct token_pair, access));
}

static int add_pair_locked(struct auth *auth, uint64_t session,
    int64_t token_ttl_s, struct token_pair *ret_pair)
{
	struct pair pair = {.session = session};
	memcpy(pair.tokens.access, "at_", 3);
	memcpy(pair.tokens.refresh, "rt_", 3);
	int r = sign_random_hex(pair.tokens.access + 3, 32);
	if (r == 0)
		r = sign_random_hex(pair.tokens.refresh + 3, 32);
	if (r < 0)
		return r;
	int64_t now = timestamp_mono_ms();
	pair.access_until = now + token_ttl_s * 1000;
	pair.refresh_until = now + REFRESH_TTL_MS;
	auth->pairs[auth->next++ % PAIRS_MAX] = pair;
	*ret_pair = pair.tokens;
	return 0;
}

int auth_sign_in(
    struct auth *auth, int64_t token_ttl_s, struct token_pair *ret_pair)
{
	pthread_mutex_lock(&auth->lock);
	int r = add_pair_locked(auth, auth->sessions++, token_ttl_s, ret_pair);
	pthread_mutex_unlock(&auth->lock);
	return r;
}

static void end_locked(struct auth *auth, bool all, uint64_t session)
{
	for (size_t i = 0; i < pair_count_locked(auth); i++)
		if (all || auth->pairs[i].session == session)
			auth->pairs[i].ended = true;
}

static int refresh_locked(struct auth *auth, const char *refresh,
    int64_t token_ttl_s, struct token_pair *ret_pair)
{
	struct pair *pair =
	    find_locked(auth, refresh, offsetof(struct token_pair, refresh));
	if (!pair)
		return -ENOENT;
	if (pair->used) {
		end_locked(auth, true, 0);
		return -EALREADY;
	}
	if (pair->ended || timestamp_mono_ms() >= pair->refresh_until)
		return -EKEYEXPIRED;
	pair->used = true;
	return add_pair_locked(auth, pair->session, token_ttl_s, ret_pair);
}

int auth_refresh(struct auth *auth, const char *refresh, int64_t token_ttl_s,
    struct token_pair *ret_pair)
{
	pthread_mutex_lock(&auth->lock);
	int r = refresh_locked(auth, refresh, token_ttl_s, ret_pair);
	pthread_mutex_unlock(&auth->lock);
	return r;
}

int auth_check_access(struct auth *auth, const char *access)
{
	pthread_mutex_lock(&auth->lock);
	struct pair *pair = find_access_locked(auth, access);
	int r = !pair ? -ENOENT : 0;
	if (pair && (pair->ended || timestamp_mono_ms() >= pair->access_until))
		r = -EKEYEXPIRED;
	pthread_mutex_unlock(&auth->lock);
	return r;
}

void auth_sign_out(struct auth *auth, const char *access)
{
	pthread_mutex_lock(&auth->lock);
	struct pair *pair = find_access_locked(auth, access);
	if (pair)
		end_locked(auth, false, pair->session);
	pthread_mutex_unlock(&auth->lock);
}

void auth_expire(struct auth *auth, bool sessions)
{
	pthread_mutex_lock(&auth->lock);
	for (size_t i = 0; i < pair_count_locked(auth); i++)
		auth->pairs[i].access_until = 0;
	if (sessions)
		end_locked(auth, true, 0);
	pthread_mutex_unlock(&auth->lock);
}
