/*
 * A sync over a scripted transport, and a replica in a directory of its own.
 * All clocks are the transport's. What is asked of it stands in ask-fixture.h,
 * who answers in service-fixture.h, and what it lists in names-fixture.h.
 */
#ifndef SYNC_FIXTURE_H
#define SYNC_FIXTURE_H

#include "ask-fixture.h"
#include "fake-http.h"
#include "names-fixture.h"
#include "service-fixture.h"
#include "sync/core/core.h"
#include "sync/listing/lister.h"
#include "sync/object/budget.h"
#include "sync/parts.h"
#include "sync/object/streams.h"
#include "sync/sync.h"

#define TTL_MS 60000
#define RETRY_MS 20000

extern struct fake *fake;
extern struct failures *failures;
extern struct api *api;
extern struct replica *replica;
extern struct sync *sync_under_test;
extern int64_t posts; /* the directory of the named table */

/* To be changed before fixture_start. */
extern struct sync_config settings;

/* The server was not yet seen to sort by date when it is asked to: what tells
 * the newest record is in doubt. To be changed before fixture_start. */
extern bool sorting_is_unknown;

/* What the content cache and the replica may take up; 0: there is none. To be
 * changed before fixture_start. The cache is settings.content. */
extern int64_t content_limit;

/* Where it makes its directory. */
extern const char *fixture_place;

int fixture_setup(void **state);
int fixture_teardown(void **state);

/* How far our own wall clock is ahead of the service's. */
extern int64_t wall_ahead_ms;

/* Mount; the replica stays over fixture_stop. */
void fixture_start(void);
void fixture_start_offline(void);
void fixture_stop(void);

/* What sync told of names that changed. */
extern int name_changes;
extern char name_changed_name[300];

/* The text of .bkendfs/errors; borrowed until the next call. */
const char *errors_text(void);

/* ---- requests ---- */

#define PAGE_LINE(n) "GET /v1/data/posts?page=" #n "&"
#define FIRST_PAGE "GET /v1/data/posts?page=1&limit=100&sortDirection=asc"
#define PROBE_LINE                                                             \
	"GET "                                                                 \
	"/v1/data/posts?page=1&limit=1&sortBy=updatedAt&sortDirection=desc"
#define SPEC_LINE "GET /v1/data/posts/spec"

/* How many requests were sent since this was last called. */
size_t sent(void);

/* The open request that begins so; it must be there. */
struct http_call *request_at(const char *line, const char *file, int number);
#define request(line) request_at(line, __FILE__, __LINE__)

/* Answer an open request with a body, whole, that is none of the API's, each
 * time that it is asked for again. */
void answer_garbled(struct http_call *call, const char *body);

#endif
