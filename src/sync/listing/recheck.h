/*
 * Whether records that no date vouches for are still as they are listed: those
 * of one page, taken at random; those without a date; or all of a small
 * listing, whose one page tells in one question what dates tell in several.
 *
 * Loop thread only. The refresh has one.
 */
#ifndef SYNC_LISTING_RECHECK_H
#define SYNC_LISTING_RECHECK_H

#include <stdbool.h>

#include "replica/replica.h"

struct core;
struct folder;
struct recheck;

/* Which records. */
enum recheck_kind { RECHECK_PAGE, RECHECK_DATELESS, RECHECK_WHOLE };

/* same: they are what the server has, text by text, and nothing is missing
 * there. err: why nobody can tell; -EPROTO: the answer is none. */
typedef void (*recheck_done_fn)(
    void *ctx, enum recheck_kind kind, bool same, int err);

/* The folder is borrowed. NULL: out of memory. */
struct recheck *recheck_new(struct core *core, const struct folder *folder,
    recheck_done_fn done, void *ctx);

/* NULL is fine. */
void recheck_free(struct recheck *recheck);

/* Ask no more. */
void recheck_stop(struct recheck *recheck);

/* Each of these begins a check of listing, which is borrowed until its end;
 * done is called once, perhaps at once, unless it is stopped before. */

/* One page, which is any of them. */
void recheck_page(
    struct recheck *recheck, const struct replica_listing *listing);

/* Those without a date. */
void recheck_dateless(
    struct recheck *recheck, const struct replica_listing *listing);

/* All of it, where recheck_suits says so. */
void recheck_whole(
    struct recheck *recheck, const struct replica_listing *listing);

/* Whether recheck_whole tells with less than dates do: no one date vouches for
 * all records, and they are few and small. */
bool recheck_suits(
    const struct recheck *recheck, const struct replica_listing *listing);

#endif
