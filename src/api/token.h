/*
 * The token that calls carry: the pair that is held, when it is due, and who
 * waits for the next one. How a pair is got, or found good, is not known here:
 * auth.c and trial.c do it when an event asks for it. Created by api.c, asked
 * by call.c and probe.c. Loop thread only.
 */
#ifndef API_TOKEN_H
#define API_TOKEN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "api/answer.h"
#include "api/verdict.h"
#include "http/http.h"

struct token;

TAILQ_HEAD(token_queue, token_waiter);

/* One who waits for a token; lives inside what it stands for. */
struct token_waiter {
	/* Set before token_wait or token_check; called once, unless
	 * token_stop_waiting comes before: with error->err 0 when a token is
	 * there, else why not. May wait again. */
	void (*ready)(void *ctx, const struct api_error *error);
	void *ctx;
	struct token_queue *queue; /* token.c's; NULL: does not wait */
	TAILQ_ENTRY(token_waiter) link;
};

/* What token.c has others do; each at most once at a time. */
struct token_events {
	/* Get a pair: by token_refresh's, else by signing in; then
	 * token_adopt, and token_settle at the end, also at once. */
	void (*renew)(void *ctx);
	/* Find out whether the server knows us by the pair that is held; then
	 * token_checked, also at once. */
	void (*check)(void *ctx);
};

/* No token yet. events and http are borrowed. NULL: out of memory. */
struct token *token_new(
    struct http *http, const struct token_events *events, void *ctx);

/* Who still waits is not told. NULL is fine. */
void token_free(struct token *token);

/* Whether calls need one that is not there, or too old. */
bool token_is_due(const struct token *token);

/* Be called when a token is there, or cannot be had: maybe before this returns,
 * where the last sign-in was refused just now. */
void token_wait(struct token *token, struct token_waiter *waiter);

/* Harmless for one that does not wait. */
void token_stop_waiting(struct token_waiter *waiter);

/* A call that carried the token of that generation was answered well. */
void token_served(struct token *token, uint64_t generation);

/* What is known of the token, for who judges a refusal of it (verdict.h); sent:
 * http_now of the request that was refused; since: when the same request was
 * first refused with it. */
void token_facts(const struct token *token, int64_t sent_ms, int64_t since_ms,
    struct verdict_facts *facts);

/* Somebody doubts it while new ones are held back: nobody else does for a
 * while, which gets longer each time. */
void token_doubt(struct token *token);

/* Who had doubted it was right: the new one has helped. */
void token_doubt_helped(struct token *token);

/* Be called when it was found out whether the server knows us by the token,
 * asked from now on: error->err 0 when it does. Maybe before this returns. */
void token_check(struct token *token, struct token_waiter *waiter);

/* The server refused the token: the next one is due (drop_refresh: by signing
 * in). */
void token_reject(struct token *token, bool drop_refresh);

/* New tokens have not helped: for a while no other one is got on account of a
 * refusal. error: what was said, for whoever has to have another one then. */
void token_give_up(struct token *token, const struct api_error *error);

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

/* How a pair came. */
enum token_source {
	TOKEN_SIGNED_IN,
	TOKEN_REFRESHED,
	TOKEN_SHARED, /* another mount had it, and may have used it */
};

/* Take a new pair over, its members included. */
void token_adopt(struct token *token, const struct answer_tokens *pair,
    enum token_source source);

/* The renewal is over: tell everybody who waits. */
void token_settle(struct token *token, const struct api_error *error);

/* The check is over. good: the server knows us. */
void token_checked(struct token *token, bool good);

#define TOKEN_SECRETS 4

/* All that is secret of it, for redact.c: borrowed, NULL where there is none.
 */
void token_secrets(
    const struct token *token, const char *ret_secrets[TOKEN_SECRETS]);

#endif
