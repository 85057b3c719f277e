#include "emulator/exchange/cors.h"

/* Seconds; longer than any browser keeps it. */
#define MAX_AGE "86400"

/* Writes too, which are refused: an app is to read in what way, and not to be
 * told by the browser that something is wrong with the server. */
#define METHODS "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"

#define READABLE                                                               \
	"Accept-Ranges, Content-Length, Content-Range, ETag, Retry-After, "    \
	"X-Incomplete, X-RateLimit-Limit, X-RateLimit-Remaining, "             \
	"WWW-Authenticate, Mcp-Session-Id"

/* What MCP's requests carry besides. */
static const char *more_headers(const struct request *request)
{
	return request->kind == ROUTE_MCP
		   ? ", mcp-session-id, mcp-protocol-version"
		   : "";
}

void cors_add_headers(const struct request *request, struct reply *reply)
{
	/* Also where none is named: what a browser keeps of an <img> is not
	 * what it may hand to a script. */
	reply_add_header(reply, "Vary", "Origin");
	if (!request->origin_is_allowed || reply->own_origin_only)
		return;
	reply_add_header(reply, "Access-Control-Allow-Origin", "%s",
	    request->headers.origin);
	reply_add_header(reply, "Access-Control-Expose-Headers", READABLE);
}

void cors_answer(const struct request *request, struct reply *reply)
{
	const struct request_headers *headers = &request->headers;
	reply->status = 204;
	reply_add_header(reply, "Allow", "GET, OPTIONS");
	if (!headers->origin)
		return;
	if (!request->origin_is_allowed) {
		reply_error(reply, request, 403, "common/origin-not-allowed",
		    "Pages of that origin may not call this server: it has to"
		    " be named with --allow-origin");
		return;
	}
	reply_add_header(reply, "Access-Control-Allow-Methods", METHODS);
	reply_add_header(reply, "Access-Control-Allow-Headers",
	    "authorization, x-api-key, content-type%s", more_headers(request));
	reply_add_header(reply, "Access-Control-Max-Age", MAX_AGE);
	if (headers->private_network)
		reply_add_header(
		    reply, "Access-Control-Allow-Private-Network", "true");
}
