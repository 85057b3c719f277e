#include "api/token.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"

/* After a refusal, sign-in is not tried again for so long, and longer with each
 * that follows: servers count, and five in fifteen minutes are what the service
 * allows before it locks the account. */
static const int64_t refused_ms[] = {15000, 120000, 300000};

/* Renew this long before a token ends, or a tenth of its life if shorter. */
#define AHEAD_MS 60000

/* But not before so long. */
#define LEAST_MS 1000

struct token {
	struct http *http;
	void (*renew)(void *ctx);
	void *ctx;
	struct answer_tokens pair;     /* access NULL: none */
	struct answer_tokens previous; /* not used any more, but secret */
	int64_t expires_ms;	       /* http_now at which to renew */
	uint64_t generation;
	bool renewing;		  /* single flight */
	int64_t refused_until_ms; /* no new try before: the last said no */
	struct api_error refusal;
	unsigned refusals; /* since a pair was had */
	struct token_queue waiting;
};

struct token *token_new(struct http *http, void (*renew)(void *), void *ctx)
{
	struct token *token = calloc(1, sizeof(*token));
	if (!token)
		return NULL;
	token->http = http;
	token->renew = renew;
	token->ctx = ctx;
	TAILQ_INIT(&token->waiting);
	return token;
}

void token_free(struct token *token)
{
	if (!token)
		return;
	answer_tokens_done(&token->pair);
	answer_tokens_done(&token->previous);
	free(token);
}

bool token_is_due(const struct token *token)
{
	return !token->pair.access || token->renewing ||
	       http_now(token->http) >= token->expires_ms;
}

const char *token_access(const struct token *token)
{
	return token->pair.access;
}

const char *token_refresh(const struct token *token)
{
	return token->pair.refresh;
}

uint64_t token_generation(const struct token *token)
{
	return token->generation;
}

void token_secrets(
    const struct token *token, const char *ret_secrets[TOKEN_SECRETS])
{
	ret_secrets[0] = token->pair.access;
	ret_secrets[1] = token->pair.refresh;
	ret_secrets[2] = token->previous.access;
	ret_secrets[3] = token->previous.refresh;
}

/* Tell everybody who waits now: who does so again waits for the next token. */
static void wake(struct token *token, const struct api_error *error)
{
	struct token_queue batch = TAILQ_HEAD_INITIALIZER(batch);
	struct token_waiter *waiter;
	TAILQ_CONCAT(&batch, &token->waiting, link);
	TAILQ_FOREACH (waiter, &batch, link)
		waiter->queue = &batch;
	while ((waiter = TAILQ_FIRST(&batch))) {
		token_stop_waiting(waiter);
		waiter->ready(waiter->ctx, error);
	}
}

void token_stop_waiting(struct token_waiter *waiter)
{
	if (!waiter->queue)
		return;
	TAILQ_REMOVE(waiter->queue, waiter, link);
	waiter->queue = NULL;
}

void token_wait(struct token *token, struct token_waiter *waiter)
{
	struct api_error refusal = token->refusal;
	if (!token->renewing && !token->pair.refresh &&
	    http_now(token->http) < token->refused_until_ms) {
		waiter->ready(waiter->ctx, &refusal);
		return;
	}
	TAILQ_INSERT_TAIL(&token->waiting, waiter, link);
	waiter->queue = &token->waiting;
	if (token->renewing)
		return;
	token->renewing = true;
	token->renew(token->ctx);
}

void token_reject(struct token *token, bool drop_refresh)
{
	token->expires_ms = 0;
	if (drop_refresh)
		free_secret(TAKE(token->pair.refresh));
}

void token_forget_refusal(struct token *token)
{
	token->refused_until_ms = 0;
	token->refusals = 0;
}

/* A token is used for a while, whatever its server says of its life: else one
 * that is due at once would be renewed for ever, and never be used. Should it
 * be refused, that costs a renewal. */
static int64_t used_for_ms(const struct answer_tokens *pair)
{
	int64_t ahead = pair->lifetime_ms / 10;
	if (ahead > AHEAD_MS)
		ahead = AHEAD_MS;
	int64_t used = pair->lifetime_ms - ahead;
	return used > LEAST_MS ? used : LEAST_MS;
}

void token_retire(struct token *token)
{
	if (!token->pair.access)
		return;
	answer_tokens_done(&token->previous);
	token->previous = token->pair;
	token->pair = (struct answer_tokens){0};
}

void token_retire_for(struct token *token, char *refresh)
{
	token_retire(token);
	free_secret(token->previous.refresh);
	token->previous.refresh = refresh;
}

void token_adopt(struct token *token, const struct answer_tokens *pair)
{
	answer_tokens_done(&token->pair);
	token->pair = *pair;
	token->generation++;
	token->refusals = 0;
	token->expires_ms = http_now(token->http) + used_for_ms(pair);
}

void token_settle(struct token *token, const struct api_error *error)
{
	token->renewing = false;
	if (error->err == -EACCES) {
		token->refused_until_ms =
		    http_now(token->http) + refused_ms[token->refusals];
		if (token->refusals + 1 < ARRAY_SIZE(refused_ms))
			token->refusals++;
		token->refusal = *error;
	}
	wake(token, error);
}
