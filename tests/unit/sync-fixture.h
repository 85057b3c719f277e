/*
 * A sync over a scripted transport, a replica in a directory of its own, and a
 * small model of the service that answers what is asked for when it is told
 * to. All clocks are the transport's.
 */
#ifndef SYNC_FIXTURE_H
#define SYNC_FIXTURE_H

#include "fake-http.h"
#include "sync/core/core.h"
#include "sync/listing/lister.h"
#include "sync/parts.h"
#include "sync/object/limits.h"
#include "sync/object/streams.h"
#include "sync/sync.h"

#define TTL_MS 60000
#define RETRY_MS 20000
#define SERVED_MAX 4096

/* The service's clock when the transport's stands at 0:
 * 2026-04-13T09:30:00Z. */
#define WALL_BEGIN_MS INT64_C(1776072600000)

extern struct fake *fake;
extern struct failures *failures;
extern struct api *api;
extern struct replica *replica;
extern struct sync *sync_under_test;
extern int64_t posts; /* the directory of the named table */

/* To be changed before fixture_start. */
extern struct sync_config settings;

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

/* ---- operations ---- */

struct ask {
	struct sync_op op;
	int count; /* how often it ended */
	int err;
	char name[300];
	char *data;
};

/* Each is begun when it returns, as far as that goes without an answer. */
struct ask *ask_lookup(int64_t dir, const char *name);
struct ask *ask_open(int64_t dir);
struct ask *ask_wait(
    int64_t dir, const struct sync_dir *open_dir, int64_t after);
struct ask *ask_measure(int64_t node);
struct ask *ask_read(int64_t node, uint64_t offset, size_t len);

void assert_waits_at(const struct ask *ask, const char *file, int line);
void assert_ended_at(
    const struct ask *ask, int err, const char *file, int line);
#define assert_waits(ask) assert_waits_at(ask, __FILE__, __LINE__)
#define assert_ended(ask, err) assert_ended_at(ask, err, __FILE__, __LINE__)

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

/* ---- the service ---- */

struct service {
	int ids[SERVED_MAX]; /* in the order of the pages */
	size_t count;
	int versions[SERVED_MAX];	/* by id; a change makes it newer */
	int64_t created_ms[SERVED_MAX]; /* by id; 0: yesterday */
	int64_t changed_ms[SERVED_MAX]; /* by id; 0: by its version */
	unsigned limit_max;		/* records a page, at most */
	int64_t total_bias;		/* added to the total that is told */
	bool no_totals;		/* pages tell only whether there are more */
	const char *total_text; /* told for the total, with no more than
				   whether there are more; NULL: a number */
	int64_t empty_page;	/* holds nothing, whatever it tells; 0: none */
	bool ignores_direction; /* the oldest first, by whatever date */
	bool dateless[SERVED_MAX];	  /* by id */
	const char *id_texts[SERVED_MAX]; /* by id, as JSON; NULL: "r0001" */
	void (*write_date)(struct buf *out, int64_t ms); /* NULL: as usual */
	bool repeats;	      /* every page is the first one, and more */
	bool refuses_filters; /* 400 */
	bool ignores_filters; /* and answers as if there were none */
	bool finds_nothing;   /* whatever the filter says */
	bool descends;	      /* whatever the direction asked for */
	bool heeds_times;     /* filters by updatedAt as well */
	bool tells_date;      /* answers carry a Date, in seconds */
	const char *spec;     /* NULL: 404 */
};
extern struct service service;

/* Records 1 to count, r0001 and so on. */
void service_fill(size_t count);
void service_delete(int id);
void service_create(int id);

/* One that stands in the order of the ids, whenever it is created. */
void service_insert(int id);

int64_t service_now_ms(void);

/* Change a record now. */
void service_change(int id);

/* When it changed last, as served. */
int64_t service_updated_ms(int id);

/* Answer a request from the service as it is now. */
void serve(struct http_call *call);

/* Answer all that is asked, the oldest first, until nothing is. */
void serve_all(void);

/* ---- listings ---- */

/* The names of an open directory, "a b c", as far as they may be read now. */
const char *names_of(int64_t dir, const struct sync_dir *open_dir);

/* Open and read a directory to its end, served as it goes. How that ended. */
int list_all(int64_t dir, char *ret_names, size_t size);

/* "r0001.json r0002.json …" for first to last. */
const char *names_from_to(int first, int last);

#endif
