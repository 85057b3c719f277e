/*
 * Whether a server sorts, where its answers to a check would not tell: one
 * question, once a mount at most, behind a listing of several pages that is in
 * one order by id and by date. It asks for a few records in the order of
 * another field that is in neither; who sorts by that sorts by date.
 *
 * Loop thread only. Each lister has one.
 */
#ifndef SYNC_LISTING_SORT_TRIAL_H
#define SYNC_LISTING_SORT_TRIAL_H

struct core;
struct folder;
struct replica_listing;
struct sort_trial;

/* sorts: the server does, as sorting.h tells from now on. All is borrowed.
 * NULL: out of memory. */
struct sort_trial *sort_trial_new(struct core *core,
    const struct folder *folder, void (*sorts)(void *ctx), void *ctx);

/* NULL is fine. */
void sort_trial_free(struct sort_trial *trial);

/* The listing was just found whole: ask, if that is worth a request. Nobody
 * waits for it, and it may fail unnoticed. */
void sort_trial_begin(
    struct sort_trial *trial, const struct replica_listing *listing);

#endif
