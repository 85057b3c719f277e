/*
 * Records that are asked for only to be compared with those that are listed.
 *
 * Loop thread only. The refresh has one.
 */
#ifndef SYNC_LISTING_COMPARE_H
#define SYNC_LISTING_COMPARE_H

#include <stdbool.h>
#include <stdint.h>

#include "api/api.h"
#include "sync/listing/judge.h"

struct compare;
struct core;
struct folder;

/* What came. */
struct compared {
	int64_t total;	  /* that the answer told; -1: it did not */
	int64_t date_ms;  /* the server's clock, as it told it; -1 */
	int64_t came;	  /* records */
	int64_t known;	  /* of them, listed just as they came */
	int64_t dateless; /* of them, with neither date */
	int64_t newest_ms;
	unsigned form;	    /* of all their dates: date_form.h */
	bool rises;	    /* one is newer than one that came before it */
	bool sorted;	    /* they cannot be in any other order: sorting.h */
	bool twice;	    /* one id came twice */
	int64_t strange_ms; /* the oldest date of those not known; NO_DATE: one
			       has none; INT64_MAX: all are known */
};

/* The same as a probe tells it (judge.h), but for what takes the listing to
 * tell: strange and alien are false. Pure. */
struct probe_facts compare_facts(const struct compared *compared);

/* err: why none came; -EPROTO: the answer is none. */
typedef void (*compare_done_fn)(
    void *ctx, int err, const struct compared *compared);

/* folder is borrowed. ctx: for compare_ask's done. NULL: out of memory. */
struct compare *compare_new(
    struct core *core, const struct folder *folder, void *ctx);

/* NULL is fine. */
void compare_free(struct compare *compare);

/* Ask for records, and compare them with those of listing, and their newest
 * date by that field. done is called once, unless it is stopped. 0 or -ENOMEM.
 */
int compare_ask(struct compare *compare, const struct api_query *query,
    const struct replica_listing *listing, enum date_field field,
    compare_done_fn done);

/* Ask no more. */
void compare_stop(struct compare *compare);

#endif
