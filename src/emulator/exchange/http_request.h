/* A request as the handlers see it, and the answer that they put together.
 * Both belong to one connection's thread. */
#ifndef EMULATOR_HTTP_REQUEST_H
#define EMULATOR_HTTP_REQUEST_H

#include <stdbool.h>

#include "emulator/exchange/query_string.h"
#include "emulator/exchange/switches.h"
#include "emulator/store/table.h"

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
};

#define REPLY_HEADERS_MAX 8

struct reply_header {
	char name[32];
	char value[128];
};

struct reply {
	int status;
	const char *type;
	struct buf body;
	/* Or an object's bytes, when has_object: the body stays empty. */
	bool has_object;
	row_t object; /* a reference */
	uint64_t offset;
	uint64_t len;
	struct reply_header headers[REPLY_HEADERS_MAX];
	int header_count;
	enum fault_kind fault; /* FAULT_RESET, _CUT and _STALL */
};

/* uri is copied. 0 or -ENOMEM. */
int request_new(const char *uri, struct request **ret_request);
void request_free(struct request *request);

/* Find kind, table and id from method-independent path. 0 or -ENOMEM. */
int request_route(struct request *request);

bool request_is_storage(const struct request *request);

void reply_init(struct reply *reply);
void reply_done(struct reply *reply);

void reply_add_header(struct reply *reply, const char *name, const char *format,
    ...) __attribute__((format(printf, 3, 4)));

/* An error in the shape in force; what the body held is dropped. code is as
 * in the first shape ("data/not-found"), the other shapes' is made from it. */
void reply_error(struct reply *reply, const struct request *request, int status,
    const char *code, const char *message);

/* 500, for errno-style errors of our own; returns at once when r >= 0. */
void reply_failure(struct reply *reply, const struct request *request, int r);

/* Open and close the envelope in force around what is added between. */
int reply_begin(struct reply *reply, const struct request *request);
int reply_end(struct reply *reply, const struct request *request);

#endif
