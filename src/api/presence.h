/*
 * What is known of a listing, or of a single item, and so which answer may say
 * that there is none. rsync deletes what is missing: a proxy that has no route
 * at the moment must not look like a table that went, nor must an environment
 * that is gone. No project is without its list of files.
 *
 * Pure and thread-safe.
 */
#ifndef API_PRESENCE_H
#define API_PRESENCE_H

#include <stdbool.h>

enum api_presence {
	API_PERHAPS, /* nothing is known: any answer may */
	API_TOLD_OF, /* somebody told of it: one of the API */
	API_LISTED,  /* it was listed: one that names the table */
};

/* An answer 404, or 410. */
struct presence_miss {
	const char *code; /* the API's; "": none */
	bool is_page;	  /* it is not of the API's making */
	bool of_files;	  /* it is of the list of files */
};

/* Whether it may be believed. */
bool presence_allows(
    enum api_presence presence, const struct presence_miss *miss);

#endif
