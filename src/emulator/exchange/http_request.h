/* A request as the handlers see it. Belongs to one connection's thread. */
#ifndef EMULATOR_HTTP_REQUEST_H
#define EMULATOR_HTTP_REQUEST_H

#include <stdbool.h>

#include "base/buf.h"
#include "emulator/exchange/query_string.h"
#include "emulator/exchange/switches.h"

enum route_kind {
	ROUTE_NONE, /* nothing is there */
	ROUTE_SIGNIN,
	ROUTE_REFRESH,
	ROUTE_ME,
	ROUTE_SIGNOUT,
	ROUTE_LIST,
	ROUTE_RECORD,
	ROUTE_SPEC,
	ROUTE_OPENAPI,
	ROUTE_FILES,
	ROUTE_FILE,
	ROUTE_DOWNLOAD_URL,
	ROUTE_OBJECT,
	ROUTE_PAGE, /* what a person is shown */
	ROUTE_OAUTH,
	ROUTE_MCP,
	ROUTE_CONTROL,
};

/* The request's headers that count here; NULL: was not there. Borrowed from
 * the connection. */
struct request_headers {
	const char *authorization;
	const char *api_key;
	const char *range;
	const char *if_range;
	const char *if_match;
	const char *if_none_match;
	const char *host;
	const char *origin;
	const char *private_network;
	const char *accept;
	const char *forwarded_proto;
	const char *content_type;
	const char *mcp_session_id;
};

struct request {
	char *uri;  /* as sent, with the query */
	char *path; /* the same without it */
	char method[16];
	struct params params;
	struct request_headers headers;
	struct buf body;
	struct switches switches; /* as they were when it began */
	enum route_kind kind;
	char *table;	/* decoded; NULL where the route has none */
	struct buf id;	/* decoded */
	bool too_large; /* the body was; it is not kept */
	bool host_is_ours;
	bool origin_is_allowed;
	bool begun; /* its route is known, and it counts */
};

/* uri is copied. 0 or -ENOMEM. */
int request_new(const char *uri, struct request **ret_request);
/* NULL is fine. */
void request_free(struct request *request);

/* Find kind, table and id, whatever the method is: from the path, and for the
 * beginning of all paths from what is accepted. 0 or -ENOMEM. */
int request_route(struct request *request);

/* The bearer token of the Authorization header, or NULL. Borrowed. */
const char *request_bearer(const struct request *request);

/* Whether the body is said to be of this type, whatever parameters follow. */
bool request_has_type(const struct request *request, const char *type);

/* Append http://host, as whoever asks calls us: https where a web server in
 * front of us says so. 0, -ENOMEM or -EMSGSIZE. */
int request_add_base(const struct request *request, struct buf *out);

/* Whether it is for the API, /v1/…, be there such an endpoint or not. */
bool request_is_api(const struct request *request);

/* Whether a stored file's bytes are asked for, not the API. */
bool request_is_storage(const struct request *request);

#endif
