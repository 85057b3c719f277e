/*
 * The newest records, by one of the dates that a listing goes by: how many are
 * asked for, and what comes, as a probe (judge.h). One is enough of a server
 * that sorts; of any other, several tell of their order, or all of it are asked
 * for where they are one page.
 *
 * Loop thread only. The refresh has one.
 */
#ifndef SYNC_LISTING_NEWEST_H
#define SYNC_LISTING_NEWEST_H

#include <stdbool.h>
#include <stdint.h>

#include "sync/listing/judge.h"

struct core;
struct folder;
struct newest;

/* err: why none came; -EPROTO: the answer is none. Else facts, borrowed, and
 * the server's clock, as the answer told it; -1. */
typedef void (*newest_done_fn)(
    void *ctx, int err, const struct probe_facts *facts, int64_t date_ms);

/* The folder is borrowed. NULL: out of memory. */
struct newest *newest_new(struct core *core, const struct folder *folder,
    newest_done_fn done, void *ctx);

/* NULL is fine. */
void newest_free(struct newest *newest);

/* Ask no more. */
void newest_stop(struct newest *newest);

/* Those of a listing by that date are asked for from now on. The listing is
 * borrowed as long, and may grow. */
void newest_begin(struct newest *newest, const struct replica_listing *listing,
    enum date_field field);

/* Ask. done is called once, perhaps at once, unless it is stopped. */
void newest_ask(struct newest *newest);

/* The newest date that the listing knows; NO_DATE. */
int64_t newest_known(const struct newest *newest);

/* From when on changes may be missing in the listing, also where nothing is
 * newer. */
int64_t newest_since(const struct newest *newest);

/* Whether what comes first is the newest one. */
bool newest_is_first(const struct newest *newest);

#endif
