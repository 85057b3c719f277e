#include "api/bearer.h"

#include <stdlib.h>

#include "api/retry.h"
#include "api/suspects.h"
#include "api/token.h"
#include "api/verdict.h"

/* Attempts with a token that was renewed meanwhile cost nothing, but end. */
#define STALE_TOKENS_MAX 8

/* A bit longer than a token counts as young. */
#define YOUNG_PAUSE_MS 1100

struct bearer {
	struct bearer_config config;
	const struct bearer_events *events;
	void *ctx;
	struct token_waiter check; /* whether the token is good */
	struct http_timer *timer;
	int64_t sent_ms;
	uint64_t generation; /* of the token that was sent */
	unsigned stale;	     /* refusals of tokens that are gone already */
	bool is_stale;	     /* the last one was */
	struct verdict_facts facts; /* of the last refusal */
	struct api_error refusal;   /* its words */
};

static void on_checked(void *ctx, const struct api_error *error);

struct bearer *bearer_new(const struct bearer_config *config,
    const struct bearer_events *events, void *ctx)
{
	struct bearer *bearer = calloc(1, sizeof(*bearer));
	if (!bearer)
		return NULL;
	bearer->config = *config;
	bearer->events = events;
	bearer->ctx = ctx;
	bearer->check =
	    (struct token_waiter){.ready = on_checked, .ctx = bearer};
	return bearer;
}

void bearer_free(struct bearer *bearer)
{
	if (!bearer)
		return;
	http_timer_stop(bearer->config.http, bearer->timer);
	token_stop_waiting(&bearer->check);
	free(bearer);
}

void bearer_sent(struct bearer *bearer)
{
	bearer->generation = token_generation(bearer->config.token);
	bearer->sent_ms = http_now(bearer->config.http);
}

void bearer_served(struct bearer *bearer)
{
	if (bearer->facts.doubted && bearer->facts.renewals)
		token_doubt_helped(bearer->config.token);
	token_served(bearer->config.token, bearer->generation);
}

/* ---- a refusal ---- */

/* Whether the token that was sent is not the one that is there. */
static bool is_gone(const struct bearer *bearer)
{
	return bearer->generation != token_generation(bearer->config.token);
}

/* What verdict.c wants to know of the token that was just refused. */
static void note_facts(struct bearer *bearer)
{
	const struct bearer_config *config = &bearer->config;
	struct verdict_facts *facts = &bearer->facts;
	int64_t since_ms = suspects_note(config->suspects, config->method,
	    config->path, bearer->generation, http_now(config->http));
	token_facts(config->token, bearer->sent_ms, since_ms, facts);
	facts->checked = facts->good = false;
}

bool bearer_note(struct bearer *bearer, const struct api_error *error)
{
	bearer->is_stale = is_gone(bearer);
	if (bearer->is_stale)
		return bearer->stale++ < STALE_TOKENS_MAX;
	note_facts(bearer);
	bearer->refusal = *error;
	bearer->refusal.err = retry_errno(error->status, 0);
	return true;
}

/* ---- what it leads to ---- */

static void again(struct bearer *bearer)
{
	bearer->events->again(bearer->ctx);
}

static void on_pause_over(void *ctx)
{
	struct bearer *bearer = ctx;
	bearer->timer = NULL;
	again(bearer);
}

/* Or for others to try one that is doubtful. */
static bool wait_for_young(struct bearer *bearer)
{
	bearer->facts.pauses++;
	if (bearer->facts.served) {
		bearer->facts.doubted = true;
		token_doubt(bearer->config.token);
	}
	bearer->timer = http_timer_start(
	    bearer->config.http, YOUNG_PAUSE_MS, on_pause_over, bearer);
	return bearer->timer;
}

/* False: the refusal is final. */
static bool heed_verdict(struct bearer *bearer)
{
	struct token *token = bearer->config.token;
	enum verdict verdict = verdict_of(&bearer->facts);
	switch (verdict) {
	case VERDICT_WAIT:
		return wait_for_young(bearer);
	case VERDICT_CHECK:
		token_check(token, &bearer->check);
		return true;
	case VERDICT_RENEW:
	case VERDICT_SIGN_IN:
		bearer->facts.renewals++;
		token_reject(token, verdict == VERDICT_SIGN_IN);
		again(bearer);
		return true;
	case VERDICT_GIVE_UP:
		token_give_up(token, &bearer->refusal);
		return false;
	case VERDICT_REFUSED:
	default:
		return false;
	}
}

static void follow_facts(struct bearer *bearer)
{
	if (!heed_verdict(bearer))
		bearer->events->refused(bearer->ctx, &bearer->refusal);
}

void bearer_follow(struct bearer *bearer)
{
	if (bearer->is_stale)
		again(bearer);
	else
		follow_facts(bearer);
}

/* The token that was refused is known to be good, or not. */
static void on_checked(void *ctx, const struct api_error *error)
{
	struct bearer *bearer = ctx;
	bearer->facts.checked = true;
	bearer->facts.good = error->err == 0;
	if (is_gone(bearer) && bearer->stale++ < STALE_TOKENS_MAX)
		again(bearer);
	else
		follow_facts(bearer);
}
