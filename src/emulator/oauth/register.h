/* /mcp/oauth/register: a program makes itself known (RFC 7591). Of a
 * connection's thread. */
#ifndef EMULATOR_REGISTER_H
#define EMULATOR_REGISTER_H

#include "emulator/exchange/http_reply.h"
#include "emulator/oauth/registrations.h"

/* POST {client_name, redirect_uris}. */
void register_answer(struct registrations *registrations,
    const struct request *request, struct reply *reply);

#endif
