/*
 * Inside sync/: what is believed. Pure: facts in, a verdict out.
 */
#ifndef SYNC_JUDGE_H
#define SYNC_JUDGE_H

#include "sync/listing/lister.h"

/* Of a probe. */
enum probe_verdict {
	PROBE_PROVEN,  /* the listing is what the server has */
	PROBE_CHANGED, /* something came or changed; it is dated */
	PROBE_GONE,    /* nothing came, something went */
	PROBE_LEVEL,   /* as proven, if there is nothing newer */
	PROBE_ANEW,    /* only a whole listing can tell */
};

enum probe_verdict judge_probe(const struct replica_listing *listing,
    enum date_field field, const struct probe_facts *probe);

/* Of a round of a pass. */
enum round_verdict {
	ROUND_PROVEN,  /* whatever was there throughout is in */
	ROUND_AGAIN,   /* something may be missing: look again */
	ROUND_BAD,     /* the server contradicts itself time and again */
	ROUND_RESTLESS /* it changes faster than it can be read */
};

enum round_verdict judge_round(const struct pass *pass);

/* How the next round looks. */
enum round_kind judge_next_kind(const struct pass *pass);

#endif
