/*
 * What is asked of a listing, and which records that are, as the run's traits
 * have the server understand it.
 */
#ifndef MODEL_QUERY_H
#define MODEL_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "world.h"

struct cJSON;

struct query {
	int64_t page;
	int64_t limit; /* 0: not said */
	char sort_by[32];
	bool descending;
	struct cJSON *filters; /* NULL: none */
};

void query_parse(const char *url, struct query *query);
void query_done(struct query *query);

/* What the server ends such a query with: a status, or -errno of the
 * connection; 0: records. */
int query_fault(const struct query *query);

/* So many records the server gives at once, at most. */
int64_t query_largest_page(void);

/* Records a page. */
int64_t query_page_size(const struct query *query);

/* The records of all pages, in order. How many; one may come twice. */
int64_t query_records(
    struct query *query, int ret_records[WORLD_RECORDS_MAX + 1]);

/* A part of a URL, without its percent signs. */
void query_decode(const char *text, size_t len, char *out, size_t size);

#endif
