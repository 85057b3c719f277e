/*
 * The token as one call carries it: which one was sent, and what its refusal
 * (a 401) leads to, for this call: another attempt with the same one, or with
 * another one; or it is the request that is refused. What a refusal says is
 * verdict.c's affair, the token itself token.c's. Called by call.c. Loop thread
 * only.
 */
#ifndef API_BEARER_H
#define API_BEARER_H

#include <stdbool.h>

struct api_error;
struct bearer;
struct http;
struct suspects;
struct token;

/* What follows from a refusal; one of them, once each. The bearer may be freed
 * from here. */
struct bearer_events {
	/* Another attempt is due. */
	void (*again)(void *ctx);
	/* None would help: error is the answer. */
	void (*refused)(void *ctx, const struct api_error *error);
};

/* Of one call. */
struct bearer_config {
	struct http *http;
	struct token *token;
	struct suspects *suspects;
	const char *method;
	const char *path;
};

/* All is borrowed, but for config itself. NULL: out of memory. */
struct bearer *bearer_new(const struct bearer_config *config,
    const struct bearer_events *events, void *ctx);

/* No event comes any more. NULL is fine. */
void bearer_free(struct bearer *bearer);

/* An attempt is sent now, with the token that is there. */
void bearer_sent(struct bearer *bearer);

/* It was answered well. */
void bearer_served(struct bearer *bearer);

/* It was refused, with these words. True: bearer_follow is due. False: tokens
 * come and go too fast; the refusal is the answer. */
bool bearer_note(struct bearer *bearer, const struct api_error *error);

/* Do what the refusal that was noted asks for; outside the gate, since it may
 * take its time. An event follows, perhaps at once. */
void bearer_follow(struct bearer *bearer);

#endif
