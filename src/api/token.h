/*
 * The token that calls carry: the pair that is held, when it is due, and who
 * waits for the next one. How a pair is got is not known here: renew is called
 * for one, at most once at a time, and auth.c does it. Created by api.c, asked
 * by call.c and probe.c. Loop thread only.
 */
#ifndef API_TOKEN_H
#define API_TOKEN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "api/answer.h"
#include "http/http.h"

struct token;

TAILQ_HEAD(token_queue, token_waiter);

/* One who waits for a token; lives inside what it stands for. */
struct token_waiter {
	/* Set before token_wait; called once, unless token_stop_waiting comes
	 * before: with error->err 0 when a token is there, else why not. May
	 * wait again. */
	void (*ready)(void *ctx, const struct api_error *error);
	void *ctx;
	struct token_queue *queue; /* token.c's; NULL: does not wait */
	TAILQ_ENTRY(token_waiter) link;
};

/*
 * No token yet. renew shall get a pair: by token_refresh's, else by signing in;
 * then token_adopt, and token_settle at the end, also at once. http is
 * borrowed. NULL: out of memory.
 */
struct token *token_new(struct http *http, void (*renew)(void *ctx), void *ctx);

/* Who still waits is not told. NULL is fine. */
void token_free(struct token *token);

/* Whether calls need one that is not there, or too old. */
bool token_is_due(const struct token *token);

/* Be called when a token is there, or cannot be had: maybe before this returns,
 * where the last sign-in was refused just now. */
void token_wait(struct token *token, struct token_waiter *waiter);

/* Harmless for one that does not wait. */
void token_stop_waiting(struct token_waiter *waiter);

/* The server refused the token: the next one is due (drop_refresh: by signing
 * in). */
void token_reject(struct token *token, bool drop_refresh);

/* Whatever was refused just now, something else is tried at the next wish. */
void token_forget_refusal(struct token *token);

/* What calls carry, a secret. Borrowed, until the next renewal; NULL: there is
 * none. */
const char *token_access(const struct token *token);

/* The same of what a new pair can be had for, once. */
const char *token_refresh(const struct token *token);

/* Of the pair; grows with each. */
uint64_t token_generation(const struct token *token);

/* ---- for renew, and what follows from it ---- */

/* The pair is used up, whatever comes of the renewal; but an answer may still
 * repeat it, so that it stays among the secrets. */
void token_retire(struct token *token);

/* The pair is used up, and so is this refresh token, which somebody else kept
 * for it; taken over. */
void token_retire_for(struct token *token, char *refresh);

/* Take a new pair over, its members included. */
void token_adopt(struct token *token, const struct answer_tokens *pair);

/* The renewal is over: tell everybody who waits. */
void token_settle(struct token *token, const struct api_error *error);

#define TOKEN_SECRETS 4

/* All that is secret of it, for redact.c: borrowed, NULL where there is none.
 */
void token_secrets(
    const struct token *token, const char *ret_secrets[TOKEN_SECRETS]);

#endif
