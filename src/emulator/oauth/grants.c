#include "emulator/oauth/grants.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/lock.h"
#include "emulator/exchange/signer.h"
#include "emulator/oauth/challenge.h"

#define GRANTS_MAX 256
/* So many access tokens of one grant are good at once. */
#define ACCESS_MAX 8

#define ASKED_TTL_MS (INT64_C(10) * 60 * 1000)
#define REFRESH_TTL_MS (INT64_C(30) * 24 * 3600 * 1000)

enum stage { GONE, ASKED, CODE, TOKENS };

struct access {
	char token[GRANT_SECRET_SIZE];
	int64_t until_ms;
};

struct grant {
	enum stage stage;
	uint64_t number;
	int64_t until_ms; /* of the consent, the code or the refresh token */
	char consent[GRANT_SECRET_SIZE];
	char code[GRANT_SECRET_SIZE];
	/* All of its refresh tokens begin alike, so that one that was used
	 * before is known without any being remembered. */
	char family[GRANT_SECRET_SIZE];
	char refresh[GRANT_SECRET_SIZE];
	struct access access[ACCESS_MAX]; /* a ring */
	size_t access_next;
	struct grant_wish wish;
};

struct grants {
	struct lock lock;
	/* Under lock. */
	struct grant *items;
	uint64_t begun;
};

int grants_new(struct grants **ret_grants)
{
	struct grants *grants = calloc(1, sizeof(*grants));
	if (grants)
		grants->items = calloc(GRANTS_MAX, sizeof(*grants->items));
	if (!grants || !grants->items) {
		free(grants);
		return -ENOMEM;
	}
	lock_init(&grants->lock);
	*ret_grants = grants;
	return 0;
}

void grants_free(struct grants *grants)
{
	if (!grants)
		return;
	lock_done(&grants->lock);
	free(grants->items);
	free(grants);
}

/* A prefix and 256 random bits. */
static int make_secret(const char *prefix, char out[GRANT_SECRET_SIZE])
{
	char hex[2 * 32 + 1];
	int r = signer_random_hex(hex, 32);
	if (r < 0)
		return r;
	snprintf(out, GRANT_SECRET_SIZE, "%.39s%s", prefix, hex);
	return 0;
}

static void end_grant(struct grant *grant)
{
	*grant = (struct grant){.stage = GONE};
}

/* ---- finding ---- */

/* Whose place a new one may take: one that is gone, else the oldest of those
 * that only asked, else the oldest. */
static struct grant *find_place_locked(struct grants *grants, int64_t now_ms)
    REQUIRES(grants->lock)
{
	struct grant *best = NULL;
	for (size_t i = 0; i < GRANTS_MAX; i++) {
		struct grant *grant = &grants->items[i];
		if (grant->stage == GONE || grant->until_ms <= now_ms)
			return grant;
		bool better = grant->stage == ASKED;
		if (!best || better > (best->stage == ASKED) ||
		    (better == (best->stage == ASKED) &&
			grant->number < best->number))
			best = grant;
	}
	return best;
}

static struct grant *find_consent_locked(struct grants *grants,
    const char *consent, int64_t now_ms) REQUIRES(grants->lock)
{
	for (size_t i = 0; i < GRANTS_MAX; i++) {
		struct grant *grant = &grants->items[i];
		if (grant->stage == ASKED && grant->until_ms > now_ms &&
		    strcmp(grant->consent, consent) == 0)
			return grant;
	}
	return NULL;
}

static struct grant *find_code_locked(struct grants *grants, const char *code)
    REQUIRES(grants->lock)
{
	for (size_t i = 0; i < GRANTS_MAX; i++) {
		struct grant *grant = &grants->items[i];
		if (grant->stage >= CODE && strcmp(grant->code, code) == 0)
			return grant;
	}
	return NULL;
}

/* The grant that the refresh token is of, be it the last one or a used one. */
static struct grant *find_family_locked(
    struct grants *grants, const char *refresh) REQUIRES(grants->lock)
{
	for (size_t i = 0; i < GRANTS_MAX; i++) {
		struct grant *grant = &grants->items[i];
		size_t len = strlen(grant->family);
		if (grant->stage == TOKENS &&
		    strncmp(grant->family, refresh, len) == 0)
			return grant;
	}
	return NULL;
}

static struct grant *find_access_locked(struct grants *grants,
    const char *token, const struct access **ret_access) REQUIRES(grants->lock)
{
	for (size_t i = 0; i < GRANTS_MAX; i++) {
		struct grant *grant = &grants->items[i];
		if (grant->stage != TOKENS)
			continue;
		for (size_t j = 0; j < ACCESS_MAX; j++) {
			const struct access *access = &grant->access[j];
			if (!access->token[0] ||
			    strcmp(access->token, token) != 0)
				continue;
			*ret_access = access;
			return grant;
		}
	}
	return NULL;
}

/* ---- the person's part ---- */

int grants_ask(struct grants *grants, const struct grant_wish *wish,
    int64_t now_ms, char ret_consent[GRANT_SECRET_SIZE])
{
	char consent[GRANT_SECRET_SIZE];
	int r = make_secret("", consent);
	if (r < 0)
		return r;
	lock_acquire(&grants->lock);
	struct grant *grant = find_place_locked(grants, now_ms);
	*grant = (struct grant){
	    .stage = ASKED,
	    .number = ++grants->begun,
	    .until_ms = now_ms + ASKED_TTL_MS,
	    .wish = *wish,
	};
	memcpy(grant->consent, consent, sizeof(consent));
	lock_release(&grants->lock);
	memcpy(ret_consent, consent, sizeof(consent));
	return 0;
}

int grants_read_wish(struct grants *grants, const char *consent, int64_t now_ms,
    struct grant_wish *ret_wish)
{
	lock_acquire(&grants->lock);
	const struct grant *grant =
	    find_consent_locked(grants, consent, now_ms);
	if (grant)
		*ret_wish = grant->wish;
	lock_release(&grants->lock);
	return grant ? 0 : -ENOENT;
}

int grants_allow(struct grants *grants, const char *consent, int64_t now_ms,
    int64_t ttl_s, char ret_code[GRANT_SECRET_SIZE])
{
	char code[GRANT_SECRET_SIZE];
	int r = make_secret("code_", code);
	if (r < 0)
		return r;
	lock_acquire(&grants->lock);
	struct grant *grant = find_consent_locked(grants, consent, now_ms);
	if (grant) {
		grant->stage = CODE;
		grant->until_ms = now_ms + ttl_s * 1000;
		memcpy(grant->code, code, sizeof(code));
	}
	lock_release(&grants->lock);
	if (!grant)
		return -ENOENT;
	memcpy(ret_code, code, sizeof(code));
	return 0;
}

int grants_deny(struct grants *grants, const char *consent, int64_t now_ms)
{
	lock_acquire(&grants->lock);
	struct grant *grant = find_consent_locked(grants, consent, now_ms);
	if (grant)
		end_grant(grant);
	lock_release(&grants->lock);
	return grant ? 0 : -ENOENT;
}

/* ---- the program's part ---- */

static int make_tokens(struct grant *grant, int64_t now_ms, int64_t ttl_s,
    struct grant_tokens *ret_tokens)
{
	struct grant_tokens tokens;
	int r = make_secret("mat_", tokens.access);
	if (r == 0)
		r = make_secret(grant->family, tokens.refresh);
	if (r < 0)
		return r;
	struct access *access =
	    &grant->access[grant->access_next++ % ACCESS_MAX];
	memcpy(access->token, tokens.access, sizeof(access->token));
	access->until_ms = now_ms + ttl_s * 1000;
	memcpy(grant->refresh, tokens.refresh, sizeof(grant->refresh));
	grant->until_ms = now_ms + REFRESH_TTL_MS;
	memcpy(tokens.scope, grant->wish.scope, sizeof(tokens.scope));
	*ret_tokens = tokens;
	return 0;
}

/* mrt_, 64 bits and an underscore: with as many bits again as a token has. */
static int make_family(struct grant *grant)
{
	char hex[2 * 12 + 1];
	int r = signer_random_hex(hex, 12);
	if (r == 0)
		snprintf(grant->family, sizeof(grant->family), "mrt_%s_", hex);
	return r;
}

int grants_exchange(struct grants *grants, const char *code,
    const char *verifier, const char *client_id, const char *redirect_uri,
    int64_t now_ms, int64_t ttl_s, struct grant_tokens *ret_tokens)
{
	int r = -EACCES;
	lock_acquire(&grants->lock);
	struct grant *grant = find_code_locked(grants, code);
	if (grant && grant->stage == CODE && grant->until_ms > now_ms &&
	    challenge_fits(grant->wish.challenge, verifier) &&
	    strcmp(grant->wish.client_id, client_id) == 0 &&
	    strcmp(grant->wish.redirect_uri, redirect_uri) == 0) {
		r = make_family(grant);
		if (r == 0)
			r = make_tokens(grant, now_ms, ttl_s, ret_tokens);
		if (r == 0)
			grant->stage = TOKENS;
	}
	if (grant && r < 0)
		end_grant(grant);
	lock_release(&grants->lock);
	return r;
}

int grants_refresh(struct grants *grants, const char *refresh,
    const char *client_id, int64_t now_ms, int64_t ttl_s,
    struct grant_tokens *ret_tokens)
{
	int r = -EACCES;
	lock_acquire(&grants->lock);
	struct grant *grant = find_family_locked(grants, refresh);
	if (grant && grant->until_ms > now_ms &&
	    strcmp(grant->refresh, refresh) == 0 &&
	    strcmp(grant->wish.client_id, client_id) == 0)
		r = make_tokens(grant, now_ms, ttl_s, ret_tokens);
	if (grant && r < 0)
		end_grant(grant);
	lock_release(&grants->lock);
	return r;
}

int grants_check(struct grants *grants, const char *access, int64_t now_ms,
    uint64_t *ret_number)
{
	const struct access *found;
	int r = -EACCES;
	lock_acquire(&grants->lock);
	const struct grant *grant = find_access_locked(grants, access, &found);
	if (grant && found->until_ms > now_ms) {
		*ret_number = grant->number;
		r = 0;
	}
	lock_release(&grants->lock);
	return r;
}

void grants_revoke(struct grants *grants, const char *token)
{
	const struct access *access;
	lock_acquire(&grants->lock);
	struct grant *grant = find_access_locked(grants, token, &access);
	if (!grant)
		grant = find_family_locked(grants, token);
	if (grant)
		end_grant(grant);
	lock_release(&grants->lock);
}

void grants_expire(struct grants *grants, bool refresh_too)
{
	lock_acquire(&grants->lock);
	for (size_t i = 0; i < GRANTS_MAX; i++) {
		struct grant *grant = &grants->items[i];
		for (size_t j = 0; j < ACCESS_MAX; j++)
			grant->access[j].until_ms = INT64_MIN;
		if (refresh_too)
			end_grant(grant);
	}
	lock_release(&grants->lock);
}
