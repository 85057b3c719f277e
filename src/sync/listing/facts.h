/*
 * Inside sync/: what answers told of the records of a listing, added up. Pure.
 */
#ifndef SYNC_FACTS_H
#define SYNC_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "api/record.h"

/* No record has such a date. */
#define NO_DATE INT64_MIN

struct ids;

struct facts {
	int64_t count; /* records, also those that came twice */
	uint64_t ids;  /* which ones, in whatever order: a sum of hashes */
	/* Milliseconds since the epoch, the server's clock. */
	int64_t newest_ms; /* of updatedAt */
	int64_t oldest_ms;
	int64_t created_ms;	  /* the newest createdAt ... */
	int64_t first_created_ms; /* ... and the oldest */
	int64_t dateless;	  /* records with neither */
	unsigned updated_form;	  /* of all updatedAt: date_form.h */
	unsigned created_form;
	bool undated;	/* some record has no updatedAt */
	bool uncreated; /* some has no createdAt */
	bool numbers;	/* some id is a number ... */
	bool strings;	/* ... some is not */
	bool twice;	/* one answer held one id twice */
};

#define FACTS_INIT                                                             \
	((struct facts){.newest_ms = NO_DATE,                                  \
	    .oldest_ms = INT64_MAX,                                            \
	    .created_ms = NO_DATE,                                             \
	    .first_created_ms = INT64_MAX})

/* One more record came, and its id into ids. 0 or -ENOMEM. */
int facts_record(
    struct facts *facts, struct ids *ids, const struct record *record);

/* And what is known of more records, besides. */
void facts_add(struct facts *facts, const struct facts *more);

/* For replica_listing.flags, as far as they follow from the facts. */
unsigned facts_flags(const struct facts *facts);

/* The flags of a listing that more records came to: the form of its dates.
 * Where one that the listing is checked by is none that all have, a server that
 * compares texts cannot tell the newest: it is LISTING_LOOSE. */
unsigned facts_add_forms(unsigned flags, const struct facts *more);

/* The form of a listing's updatedAt, or of its createdAt, by its flags. */
unsigned facts_form(unsigned flags, bool updated);

#endif
