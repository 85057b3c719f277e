/*
 * The server: answers what is asked from the world as it is then, in the way
 * that the run's traits say.
 */
#ifndef MODEL_SERVER_H
#define MODEL_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../fake-http.h"
#include "plan.h"

void server_reset(const struct plan *plan);

/* Answer a request that is open. choice decides whether and how that fails. */
void server_answer(struct http_call *call, uint32_t choice);

/* Make up an open request's answer now, to be sent when it is answered. */
void server_freeze(struct http_call *call);

/* Answers under way are dropped. */
void server_drop_answers(void);

/* Nothing fails any more, likewise. */
void server_becomes_quiet(void);

/* Requests that were answered. */
size_t server_answered(void);

#endif
