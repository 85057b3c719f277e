/*
 * What a browser has to be told so that a page's scripts may call us, and read
 * what we answer: https://fetch.spec.whatwg.org/#http-cors-protocol, and
 * https://wicg.github.io/private-network-access/ for pages from elsewhere that
 * were allowed by name. Called by dispatch on the connection's thread.
 */
#ifndef EMULATOR_CORS_H
#define EMULATOR_CORS_H

#include "emulator/exchange/http_reply.h"

/* Let the page read the reply, whatever it is, if its origin is allowed. */
void cors_add_headers(const struct request *request, struct reply *reply);

/* The answer to OPTIONS: what may be asked here, and by whom. */
void cors_answer(const struct request *request, struct reply *reply);

#endif
