/*
 * A table's spec, which stands in slot 0 of its listing: fetched with each
 * pass, beside the first page.
 *
 * Loop thread only. The pass has one.
 */
#ifndef SYNC_LISTING_SPEC_H
#define SYNC_LISTING_SPEC_H

#include <stdbool.h>
#include <stdint.h>

#include "replica/replica.h"

struct core;
struct folder;
struct spec;

/* done: it is in the replica, or there is none (err 0); or it failed, and is to
 * be wanted again. The folder is borrowed. NULL: out of memory. */
struct spec *spec_new(struct core *core, const struct folder *folder,
    void (*done)(void *ctx, int err), void *ctx);

/* NULL is fine. */
void spec_free(struct spec *spec);

/* A pass begins: it has none yet. */
void spec_begin(struct spec *spec);

/* See to it that it comes to its place, which is asked for now, or was alone
 * since that moment; no-op where that is under way, or done. 0 or -errno. */
int spec_want(struct spec *spec, const struct replica_place *in, int64_t since);

/* Ask no more. What is done stays so. */
void spec_stop(struct spec *spec);

/* It is in the replica, or there is none. */
bool spec_is_done(const struct spec *spec);

#endif
