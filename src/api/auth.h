/*
 * Signing in, and refreshing: how token.c gets a pair. Set up by api.c; its
 * calls go out as all others do. Loop thread only.
 */
#ifndef API_AUTH_H
#define API_AUTH_H

#include <stdint.h>

struct api_keeper;
struct auth;
struct calls;
struct counts;
struct http;
struct redact;
struct token;

/* Everything is borrowed. */
struct auth_config {
	struct calls *calls;
	struct token *token;
	const struct redact *redact;
	struct counts *counts;
	struct http *http;
	const struct api_keeper *keeper; /* or NULL */
	const char *email;		 /* or NULL, with a keeper */
	const char *password;		 /* the same */
	const char *mfa_code;		 /* or NULL */
	int64_t patience_ms;		 /* with a failing server */
};

/* NULL: out of memory. */
struct auth *auth_new(const struct auth_config *config);

/* Its calls have ended. NULL is fine. */
void auth_free(struct auth *auth);

/* Get another pair, as token_new asks for it. */
void auth_renew(struct auth *auth);

/* The config's, from now on. Borrowed. */
void auth_set_mfa_code(struct auth *auth, const char *code);

/* Other patience than the config's for what is begun from now on, until
 * auth_reset_patience; silence_ms: see struct call_spec. */
void auth_set_patience(
    struct auth *auth, int64_t patience_ms, int64_t silence_ms);

/* The config's again, and the silence that belongs to it. */
void auth_reset_patience(struct auth *auth);

#endif
