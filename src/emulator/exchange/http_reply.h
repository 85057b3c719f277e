/* The answer to a request, as the handlers put it together. Belongs to one
 * connection's thread. */
#ifndef EMULATOR_HTTP_REPLY_H
#define EMULATOR_HTTP_REPLY_H

#include "emulator/exchange/http_request.h"
#include "emulator/store/row.h"

#define REPLY_HEADERS_MAX 16

struct reply_header {
	char name[40];
	char value[640]; /* a policy that names an origin is the longest */
};

struct reply {
	int status;
	const char *type;
	char own_type[128]; /* what type points to where it is made */
	struct buf body;
	/* Or an object's bytes, when has_object: the body stays empty. */
	bool has_object;
	row_t object; /* a reference */
	uint64_t offset;
	uint64_t len;
	struct buf location; /* where to go instead; empty: nowhere */
	struct reply_header headers[REPLY_HEADERS_MAX];
	int header_count;
	bool own_origin_only;  /* no page from elsewhere may read it */
	enum fault_kind fault; /* FAULT_RESET and what follows it */
	bool early;	       /* the request came before its Retry-After */
};

/* 200, application/json, with nothing in it. */
void reply_init(struct reply *reply);
/* Free what it holds. */
void reply_done(struct reply *reply);

/* Set Content-Type to a copy of type, if it is fit for a header (type/subtype,
 * and what may follow); else to application/octet-stream. */
void reply_set_type(struct reply *reply, const char *type);

/* Append a header. More than there is room for are dropped. */
void reply_add_header(struct reply *reply, const char *name, const char *format,
    ...) __attribute__((format(printf, 3, 4)));

/* An error in the shape in force; what the body held is dropped. code is as
 * in the first shape ("data/not-found"), the other shapes' is made from it. */
void reply_error(struct reply *reply, const struct request *request, int status,
    const char *code, const char *message);

/* 500, for errno-style errors of our own; returns at once when r >= 0. */
void reply_failure(struct reply *reply, const struct request *request, int r);

/* Open the envelope in force around what is added from here on. 0, -ENOMEM or
 * -EMSGSIZE. */
int reply_begin(struct reply *reply, const struct request *request);

/* Close what reply_begin opened. 0, -ENOMEM or -EMSGSIZE. */
int reply_end(struct reply *reply, const struct request *request);

#endif
