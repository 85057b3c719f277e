/* /mcp/oauth/authorize: a program sends a person's browser here, and the
 * browser goes back with the person's answer. Of a connection's thread. */
#ifndef EMULATOR_AUTHORIZE_H
#define EMULATOR_AUTHORIZE_H

#include "emulator/oauth/grants.h"
#include "emulator/exchange/http_reply.h"
#include "emulator/oauth/owner.h"

/* GET: ask the person. Who is not sent on to a program that is not known, or
 * to an address that it has not registered, gets a page that says so. */
void authorize_ask(struct registrations *registrations, struct grants *grants,
    const struct oauth_owner *owner, const struct request *request,
    struct reply *reply);

/* POST, of the form in that page: the person has decided. */
void authorize_decide(struct registrations *registrations,
    struct grants *grants, const struct oauth_owner *owner,
    const struct request *request, struct reply *reply);

#endif
