/*
 * The account's sessions and their tokens: they rotate, and a refresh token
 * that comes back after it was used ends all sessions. Used by the handlers;
 * thread-safe.
 */
#ifndef EMULATOR_SESSIONS_H
#define EMULATOR_SESSIONS_H

#include <stdbool.h>
#include <stdint.h>

#define SESSIONS_USER_ID "65a000000000000000000001"

/* A token is opaque to clients; NUL included. */
#define TOKEN_SIZE 72

struct token_pair {
	char access[TOKEN_SIZE];
	char refresh[TOKEN_SIZE];
};

struct sessions;

/* 0 or -ENOMEM. */
int sessions_new(struct sessions **ret_sessions);
/* NULL is fine. */
void sessions_free(struct sessions *sessions);

/* Begin a session. 0, -ENOMEM, or no random bytes. */
int sessions_sign_in(struct sessions *sessions, int64_t token_ttl_s,
    struct token_pair *ret_pair);

/*
 * A new pair for a refresh token, which is used up by that. 0; -ENOENT (none
 * of ours); -EKEYEXPIRED (its time or its session is over); -EALREADY (it was
 * used before: all sessions have ended now).
 */
int sessions_refresh(struct sessions *sessions, const char *refresh,
    int64_t token_ttl_s, struct token_pair *ret_pair);

/* Is the access token good? 0, -ENOENT or -EKEYEXPIRED. */
int sessions_check_access(struct sessions *sessions, const char *access);

/* End the session that the access token belongs to. */
void sessions_sign_out(struct sessions *sessions, const char *access);

/* All access tokens are over; with sessions, all refresh tokens too. */
void sessions_expire(struct sessions *sessions, bool refresh_too);

#endif
