#include "emulator/service/handle.h"

#include <string.h>

static bool password_fits(const void *ctx, const char *password)
{
	const struct credentials *credentials = ctx;
	return credentials_fit(
	    credentials, credentials->values[EMAIL], password);
}

void handle_mcp(
    struct emulator *emulator, struct request *request, struct reply *reply)
{
	if (request->kind == ROUTE_MCP) {
		mcp_server_answer(emulator->mcp, request, reply);
		return;
	}
	const struct oauth_owner owner = {
	    .email = emulator->credentials.values[EMAIL],
	    .known_to_all = credentials_are_sample(&emulator->credentials),
	    .fits = password_fits,
	    .ctx = &emulator->credentials,
	};
	oauth_server_answer(emulator->oauth, &owner, request, reply);
}
