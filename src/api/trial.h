/*
 * Trying a token out: on the one thing that everybody may ask who has a good
 * one, namely who he is. Begun by api.c when token.c asks for it. Loop thread
 * only.
 */
#ifndef API_TRIAL_H
#define API_TRIAL_H

struct calls;
struct token;

/* Ask once; token_checked is told what came of it, maybe before this returns.
 * An answer that is none counts like a refusal. Both are borrowed. */
void trial_begin(struct calls *calls, struct token *token);

#endif
