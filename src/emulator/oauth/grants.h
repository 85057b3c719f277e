/*
 * What programs were allowed, from the question that a person is asked to the
 * tokens in use. A grant goes one way:
 *
 *	ASKED --allow--> CODE --exchange--> TOKENS --revoke, replay--> (gone)
 *	  '--deny, 10 minutes--> (gone)
 *
 * Whatever is used a second time, a code or a refresh token, ends its grant:
 * one of the two who have it has stolen it. Anybody may ask, so there is room
 * for a few only; who only asked is forgotten first. The clock is the caller's,
 * in milliseconds, and must not jump. Thread-safe.
 */
#ifndef EMULATOR_GRANTS_H
#define EMULATOR_GRANTS_H

#include <stdbool.h>
#include <stdint.h>

#include "emulator/oauth/registrations.h"

/* Consents, codes and tokens are opaque, and no longer than this, NUL
 * included. */
#define GRANT_SECRET_SIZE 104
#define GRANT_SCOPE_MAX 200
#define GRANT_STATE_MAX 1024

struct grants;

/* What a program asks for. */
struct grant_wish {
	char client_id[REGISTRATION_ID_SIZE];
	char redirect_uri[REDIRECT_MAX + 1];
	char challenge[64];
	char scope[GRANT_SCOPE_MAX + 1];
	char state[GRANT_STATE_MAX + 1]; /* "": it gave none */
};

struct grant_tokens {
	char access[GRANT_SECRET_SIZE];
	char refresh[GRANT_SECRET_SIZE];
	char scope[GRANT_SCOPE_MAX + 1];
};

/* 0 or -ENOMEM. */
int grants_new(struct grants **ret_grants);
/* NULL is fine. */
void grants_free(struct grants *grants);

/* Keep the wish until a person has decided: ret_consent is what the person's
 * form has to hold. 0, or what getrandom says. */
int grants_ask(struct grants *grants, const struct grant_wish *wish,
    int64_t now_ms, char ret_consent[GRANT_SECRET_SIZE]);

/* A copy of the wish that this consent is for: 0, or -ENOENT when there is none
 * (decided already, or too old). */
int grants_read_wish(struct grants *grants, const char *consent, int64_t now_ms,
    struct grant_wish *ret_wish);

/* The person said yes: a code for the program, good for ttl_s and for one use.
 * 0, -ENOENT as above, or what getrandom says. */
int grants_allow(struct grants *grants, const char *consent, int64_t now_ms,
    int64_t ttl_s, char ret_code[GRANT_SECRET_SIZE]);

/* The person said no: 0 or -ENOENT. */
int grants_deny(struct grants *grants, const char *consent, int64_t now_ms);

/* Tokens for a code. All of these must be those of the wish. 0; -EACCES (none
 * of ours, over, used before, or not this program's: then it is of no use to
 * anybody any more, nor are tokens that it brought); what getrandom says. */
int grants_exchange(struct grants *grants, const char *code,
    const char *verifier, const char *client_id, const char *redirect_uri,
    int64_t now_ms, int64_t ttl_s, struct grant_tokens *ret_tokens);

/* A new pair for a refresh token, which is used up by that; older access tokens
 * live on. Errors as above. */
int grants_refresh(struct grants *grants, const char *refresh,
    const char *client_id, int64_t now_ms, int64_t ttl_s,
    struct grant_tokens *ret_tokens);

/* Is the access token good? 0, with the grant's number, which no other grant
 * ever has; -EACCES. */
int grants_check(struct grants *grants, const char *access, int64_t now_ms,
    uint64_t *ret_number);

/* End the grant that this access or refresh token is of, if there is one. */
void grants_revoke(struct grants *grants, const char *token);

/* All access tokens are over; with refresh_too, all grants are. */
void grants_expire(struct grants *grants, bool refresh_too);

#endif
