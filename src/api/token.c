#include "api/token.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"

/* After a refusal, sign-in is not tried again for so long, and longer with each
 * that follows: servers count, and five in fifteen minutes are what the service
 * allows before it locks the account. */
static const int64_t refused_ms[] = {15000, 120000, 300000};

/* Where new tokens were got in vain, that is how it goes on from the second of
 * them: the sign-ins before and after it count, too. */
#define VAIN_FIRST 1

/* After so long, what was in vain counts no more. */
#define VAIN_MS (15 * 60 * 1000)

/* Machines of one service may need so long until all of them know a token. */
#define YOUNG_MS 1000

/* Renew this long before a token ends, or a tenth of its life if shorter. */
#define AHEAD_MS 60000

/* But not before so long. */
#define LEAST_MS 1000

struct token {
	struct http *http;
	const struct token_events *events;
	void *ctx;
	struct answer_tokens pair;     /* access NULL: none */
	struct answer_tokens previous; /* not used any more, but secret */
	int64_t adopted_ms;	       /* http_now */
	int64_t expires_ms;	       /* http_now at which to renew */
	uint64_t generation;
	bool served;	    /* the pair was of use to somebody ... */
	bool rejected;	    /* ... or somebody had no use of it ... */
	bool given_up;	    /* ... and another one would be of none, either */
	bool signed_in;	    /* how it came */
	unsigned worthless; /* pairs in a row, before it, that served nobody */
	bool renewing;	    /* single flight */
	int64_t refused_until_ms; /* no new try before: the last said no */
	struct api_error refusal;
	unsigned refusals; /* since a pair was had */
	/* What no new pair has helped against. */
	int64_t vain_since_ms;
	int64_t vain_until_ms; /* 0: nothing */
	struct api_error vain_refusal;
	unsigned vain;
	int64_t served_ms;	  /* when the pair was last of use */
	int64_t doubted_until_ms; /* nobody doubts it before */
	unsigned doubts;	  /* since one helped */
	bool refreshes; /* one has come by a refresh: it costs no sign-in */
	bool checking;	/* single flight */
	bool checkable; /* a check has found a pair good */
	struct token_queue waiting;
	struct token_queue checked; /* by the check under way */
	struct token_queue unchecked;
};

struct token *token_new(
    struct http *http, const struct token_events *events, void *ctx)
{
	struct token *token = calloc(1, sizeof(*token));
	if (!token)
		return NULL;
	token->http = http;
	token->events = events;
	token->ctx = ctx;
	token->vain = VAIN_FIRST;
	TAILQ_INIT(&token->waiting);
	TAILQ_INIT(&token->checked);
	TAILQ_INIT(&token->unchecked);
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

static void enqueue(struct token_queue *queue, struct token_waiter *waiter)
{
	TAILQ_INSERT_TAIL(queue, waiter, link);
	waiter->queue = queue;
}

static void move(struct token_queue *from, struct token_queue *to)
{
	struct token_waiter *waiter;
	TAILQ_FOREACH (waiter, from, link)
		waiter->queue = to;
	TAILQ_CONCAT(to, from, link);
}

/* Tell everybody who waits now: who does so again waits for the next time. */
static void wake(struct token_queue *waiting, const struct api_error *error)
{
	struct token_queue batch = TAILQ_HEAD_INITIALIZER(batch);
	struct token_waiter *waiter;
	move(waiting, &batch);
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

static bool is_held(const struct token *token)
{
	return http_now(token->http) < token->vain_until_ms;
}

/* Why no other pair is asked for now; NULL: it is. */
static const struct api_error *refusal_of(const struct token *token)
{
	if (!token->pair.refresh &&
	    http_now(token->http) < token->refused_until_ms)
		return &token->refusal;
	if (token->rejected && !token->served && is_held(token))
		return &token->vain_refusal;
	return NULL;
}

void token_wait(struct token *token, struct token_waiter *waiter)
{
	const struct api_error *refusal =
	    token->renewing ? NULL : refusal_of(token);
	if (refusal) {
		struct api_error copy = *refusal;
		waiter->ready(waiter->ctx, &copy);
		return;
	}
	enqueue(&token->waiting, waiter);
	if (token->renewing)
		return;
	token->renewing = true;
	token->events->renew(token->ctx);
}

static void check(struct token *token)
{
	token->checking = true;
	move(&token->unchecked, &token->checked);
	token->events->check(token->ctx);
}

/* A check that was begun before says nothing of a refusal that came later. */
void token_check(struct token *token, struct token_waiter *waiter)
{
	enqueue(&token->unchecked, waiter);
	if (!token->checking)
		check(token);
}

void token_checked(struct token *token, bool good)
{
	struct api_error error = {.err = good ? 0 : -EACCES};
	token->checkable = token->checkable || good;
	token->checking = false;
	wake(&token->checked, &error);
	if (!token->checking && !TAILQ_EMPTY(&token->unchecked))
		check(token);
}

void token_served(struct token *token, uint64_t generation)
{
	if (generation != token->generation)
		return;
	token->served = true;
	token->served_ms = http_now(token->http);
}

/* Pairs in a row, this one included, that were of no use. What was given up is
 * begun anew, later. */
static unsigned unproven(const struct token *token)
{
	if (token->served)
		return 0;
	return token->given_up ? 1 : token->worthless + 1;
}

void token_facts(const struct token *token, int64_t sent_ms, int64_t since_ms,
    struct verdict_facts *facts)
{
	bool lasts = token->expires_ms - token->adopted_ms > 2 * YOUNG_MS;
	facts->served = token->served;
	facts->young = lasts && sent_ms - token->adopted_ms < YOUNG_MS;
	facts->unproven = unproven(token);
	facts->signed_in = token->signed_in;
	facts->vouched = token->served && token->served_ms > since_ms;
	facts->doubtful = token->served && token->refreshes &&
			  token->pair.refresh &&
			  http_now(token->http) >= token->doubted_until_ms;
	facts->checkable = token->checkable;
	facts->held = is_held(token);
}

void token_reject(struct token *token, bool drop_refresh)
{
	token->rejected = true;
	token->expires_ms = 0;
	if (drop_refresh)
		free_secret(TAKE(token->pair.refresh));
}

void token_give_up(struct token *token, const struct api_error *error)
{
	int64_t now = http_now(token->http);
	if (now - token->vain_since_ms > VAIN_MS)
		token->vain = VAIN_FIRST;
	token->rejected = token->given_up = true;
	token->vain_since_ms = now;
	token->vain_until_ms = now + refused_ms[token->vain];
	token->vain_refusal = *error;
	if (token->vain + 1 < ARRAY_SIZE(refused_ms))
		token->vain++;
}

void token_doubt(struct token *token)
{
	token->doubted_until_ms =
	    http_now(token->http) + refused_ms[token->doubts];
	if (token->doubts + 1 < ARRAY_SIZE(refused_ms))
		token->doubts++;
}

void token_doubt_helped(struct token *token)
{
	token->doubts = 0;
	token->doubted_until_ms = 0;
}

void token_forget_refusal(struct token *token)
{
	token->vain_until_ms = 0;
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

void token_adopt(struct token *token, const struct answer_tokens *pair,
    enum token_source source)
{
	answer_tokens_done(&token->pair);
	token->pair = *pair;
	token->generation++;
	token->refusals = 0;
	token->worthless = token->rejected ? unproven(token) : 0;
	token->served = source == TOKEN_SHARED;
	token->signed_in = source == TOKEN_SIGNED_IN;
	token->refreshes = token->refreshes || source == TOKEN_REFRESHED;
	token->rejected = token->given_up = false;
	token->adopted_ms = http_now(token->http);
	token->expires_ms = token->adopted_ms + used_for_ms(pair);
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
	wake(&token->waiting, error);
}
