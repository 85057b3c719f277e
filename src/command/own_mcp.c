#include "command/own_mcp.h"

#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "config/complain.h"

/* One project's login is not for another one: they may be of different
 * organisations. */
int own_mcp_new(const struct options *options, struct http *http,
    struct failures *failures, struct mcp **ret_mcp)
{
	char *identity;
	if (asprintf(&identity, "%s\n%s", options->url, options->key) < 0)
		return -ENOMEM;
	int r = mcp_new(&(struct mcp_config){.http = http,
			    .failures = failures,
			    .url = options->mcp_url,
			    .identity = identity},
	    ret_mcp);
	free_secret(identity);
	return r;
}

int own_mcp_complain(const struct options *options, const char *what,
    const struct mcp_error *error)
{
	char request[sizeof(error->request) + 8] = "";
	char status[32] = "", code[sizeof(error->code) + 8] = "";
	if (error->request[0])
		snprintf(request, sizeof(request), " (%s)", error->request);
	if (error->status)
		snprintf(status, sizeof(status), ", status %d", error->status);
	if (error->code[0])
		snprintf(code, sizeof(code), ", %s", error->code);
	return failed("cannot %s %s: %s%s%s%s", what, options->mcp_url,
	    error->message[0] ? error->message : "out of memory", status, code,
	    request);
}
