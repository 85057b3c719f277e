/*
 * A request's way through the service, from its head to its end: which route it
 * takes, who is asking, whether the answer is to be the right one, and what is
 * counted of it. The server calls these on the connection's thread.
 */
#ifndef EMULATOR_DISPATCH_H
#define EMULATOR_DISPATCH_H

#include "emulator/service/emulator.h"

/* The head has come: find the route, and count the request. 0 or -ENOMEM. */
int dispatch_begin(struct emulator *emulator, struct request *request);

/* How long the answer is to be held back. */
int64_t dispatch_delay_ms(const struct request *request);

/* The request is whole: its answer, right or told to be wrong. Waits
 * nowhere. */
void dispatch_answer(
    struct emulator *emulator, struct request *request, struct reply *reply);

/* The request is over, answered or not. */
void dispatch_end(struct emulator *emulator, const struct request *request);

#endif
