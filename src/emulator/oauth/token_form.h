/* /mcp/oauth/token and /mcp/oauth/revoke: forms that a program sends. Of a
 * connection's thread. */
#ifndef EMULATOR_TOKEN_FORM_H
#define EMULATOR_TOKEN_FORM_H

#include "emulator/exchange/http_reply.h"
#include "emulator/oauth/grants.h"

/* Tokens for a code, or for a refresh token. */
void token_form_answer(
    struct grants *grants, const struct request *request, struct reply *reply);

/* End what a token is of (RFC 7009): also of one that is not known that is
 * true then. */
void token_form_revoke(
    struct grants *grants, const struct request *request, struct reply *reply);

#endif
