/* Refusals in OAuth's form (RFC 6749, 5.2). Of a connection's thread. */
#ifndef EMULATOR_OAUTH_ERROR_H
#define EMULATOR_OAUTH_ERROR_H

#include "emulator/exchange/http_reply.h"

/* {"error": code, "error_description": message}; what the body held is
 * dropped. */
void oauth_error(
    struct reply *reply, int status, const char *code, const char *message);

/* 405: the endpoint takes another method. */
void oauth_refuse_method(struct reply *reply, const char *method);

/* 500, for errors of our own; returns at once when r >= 0. */
void oauth_failure(struct reply *reply, int r);

#endif
