/*
 * A small model of the service, with the one table posts, that answers what is
 * asked for when it is told to.
 */
#ifndef SERVICE_FIXTURE_H
#define SERVICE_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "fake-http.h"

#define SERVED_MAX 4096

/* The service's clock when the transport's stands at 0:
 * 2026-04-13T09:30:00Z. */
#define WALL_BEGIN_MS INT64_C(1776072600000)

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
	bool tells_title;	/* one that is in no order by id */
	bool ignores_sort;	/* by date: they come by id, either way */
	bool ignores_direction; /* the oldest first, by whatever date */
	bool dateless[SERVED_MAX];	  /* by id */
	bool undated[SERVED_MAX];	  /* by id: has no updatedAt */
	const char *id_texts[SERVED_MAX]; /* by id, as JSON; NULL: "r0001" */
	void (*write_date)(struct buf *out, int64_t ms); /* NULL: as usual */
	bool compares_texts;  /* dates, for order and filter, as they stand */
	bool repeats;	      /* every page is the first one, and more */
	bool refuses_filters; /* 400 */
	int numbers_end;      /* what a filter by a number ends with: a status,
				 or -errno; 0: records */
	bool ignores_filters; /* and answers as if there were none */
	bool ignores_ids;     /* in a filter; but not other fields */
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

#endif
