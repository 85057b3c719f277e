/* What a listing is asked for. A plain value; everything in it is borrowed. */
#ifndef EMULATOR_LISTING_QUERY_H
#define EMULATOR_LISTING_QUERY_H

#include "emulator/query/columns.h"
#include "emulator/query/filter.h"

struct listing_query {
	int64_t page; /* from 1 */
	int64_t limit;
	const char *sort_by; /* a dotted path; NULL: id */
	bool ascending;
	const char *search;	  /* NULL or "": none */
	const char *search_field; /* a dotted path; NULL: all */
	struct filter *filter;	  /* may be NULL */
	/* Of whoever asks: both may be NULL. */
	struct filter *rows;
	const struct columns *columns;
};

#endif
