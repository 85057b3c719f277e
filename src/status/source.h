/* Where what is told comes from. All of it is borrowed, and outlives who tells
 * it. */
#ifndef STATUS_SOURCE_H
#define STATUS_SOURCE_H

#include <stdbool.h>

struct status_source {
	struct replica *replica;
	struct content *content; /* NULL: file contents are not kept */
	struct api *api;	 /* NULL: offline */
	struct failures *failures;
	struct activities *activities;
	const char *const *tables; /* named in the settings; NULL ends */
	const char *directory;	   /* what is mounted; NULL: */
	const char *url;
	const char *sandbox; /* what is in force, in words */
	bool raw;	     /* record text as it came */
};

#endif
