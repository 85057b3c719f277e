/*
 * Inside sync/: what is believed. Pure: facts in, a verdict out.
 */
#ifndef SYNC_JUDGE_H
#define SYNC_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "replica/replica.h"
#include "sync/listing/facts.h"

/* ---- probes ---- */

/* Which date a question goes by. */
enum date_field { DATE_UPDATED, DATE_CREATED };

/* What a probe told. */
struct probe_facts {
	int64_t total;	   /* -1: not told */
	int64_t came;	   /* records */
	int64_t newest_ms; /* NO_DATE: it has none */
	bool known;	   /* the record is listed just so */
	bool rises;	   /* one is newer than one that came before it */
	bool twice;	   /* one id came twice */
	bool strange;	   /* one is not known, and too old for a look for what
			      changed to find it */
	bool alien;	   /* one's date is written in another form than the
			      listing's: what is the newest cannot be told */
};

enum probe_verdict {
	PROBE_WHOLE,   /* all that the server has came, and is listed so */
	PROBE_PROVEN,  /* the listing is what the server has, if that came as
			  asked for: the newest first */
	PROBE_CHANGED, /* something came or changed; it is dated */
	PROBE_GONE,    /* nothing came, something went */
	PROBE_LEVEL,   /* as proven, if there is nothing newer */
	PROBE_ANEW,    /* only a whole listing can tell */
};

/* Whether one answer held all that the server has, which is all that is listed,
 * and just so: one answer is one moment, so no date has to vouch for it. */
bool judge_is_whole(
    const struct replica_listing *listing, const struct probe_facts *probe);

/* What a probe says of a listing. */
enum probe_verdict judge_probe(const struct replica_listing *listing,
    enum date_field field, const struct probe_facts *probe);

/* ---- rounds of a pass ---- */

/* One pass may look at the pages so many times until it is sure. */
#define ROUNDS_MAX 12

/*
 * While pages are asked for one after the other (or several at once), a record
 * that is deleted moves all later ones forward, so that one of them may pass
 * from a page not yet asked for to one that was. So a pass is made of rounds,
 * and the listing is their union:
 *
 *   PAGES    by page number, in parallel. Sure when it was one answer; or when
 *            every page tells the same total, as many records came as that
 *            says, and none of them was created or changed since the round
 *            began.
 *   RANGES   otherwise: by ranges of ids, one answer a range. What moves about
 *            cannot leave its range, so whatever existed throughout is in.
 *            They are ranges of texts, with which servers compare no id that
 *            is a number: so one more question asks for such ids, and only an
 *            answer that has none makes the ranges whole.
 *   CHAIN    where the server cannot filter by id: in windows that overlap, one
 *            at a time. See chain.h.
 *
 * Where neither helps (no filters, and an order of its own), PAGES again, until
 * two rounds told the same or ROUNDS_MAX is reached, which fails the listing.
 */
enum round_kind { ROUND_PAGES, ROUND_RANGES, ROUND_CHAIN };

/* What one round told. */
struct look {
	enum round_kind kind;
	unsigned number;
	int64_t total;	    /* as told by the answers; -1: not told */
	int64_t most_total; /* the most that one told; -1: none did */
	bool quiet;	    /* all answers told the same */
	bool torn;	    /* an answer contradicts itself */
	bool doubled;	    /* PAGES, again: one came twice */
	bool mute;	    /* one held no record, and no word of how many there
			       are */
	struct facts facts; /* of the records that came */
	int64_t answers;
	int64_t in_ranges; /* RANGES: records of those that came whole */
};

/* What all rounds of a pass told. */
struct evidence {
	struct look round; /* the last one */
	struct look previous;
	int64_t unique; /* records found, by all of them */
	int64_t known;	/* records of the listing before; 0: there was none */
	int64_t held;	/* those of them that were found again */
	struct facts facts;   /* of the rounds before the last one */
	int64_t threshold_ms; /* what is dated from then on may have come
				 since; the server's clock */
	unsigned orders;      /* of the ids, as far as they tell: order.h */
	bool no_filters;      /* the server does not filter by id */
	bool no_chain;	      /* it gives no windows of an order that stays */
};

enum round_verdict {
	ROUND_PROVEN,  /* whatever was there throughout is in */
	ROUND_AGAIN,   /* something may be missing: look again */
	ROUND_BAD,     /* the server contradicts itself time and again */
	ROUND_RESTLESS /* it changes faster than it can be read */
};

/* Whether no record came, and an answer had no word of how many there are: no
 * answer of the API is so, that is somebody else's. */
bool judge_says_nothing(const struct evidence *evidence);

/*
 * Whether the last round makes the listing whole.
 *
 * Where pages came from two servers, of which one is behind, records of both
 * may fall between two pages, while the number is the same: as many that one
 * lacks stand in their place. Records of the listing before are not let go of
 * for that: where some of them are missing, pages are enough only if nothing
 * was written for much longer than clocks differ by.
 */
enum round_verdict judge_round(const struct evidence *evidence);

/* How the next round looks. */
enum round_kind judge_next_kind(const struct evidence *evidence);

/* ---- clocks ---- */

/* Clocks of an API and of its database may differ by so much, and so may those
 * of two who write to it. Milliseconds. */
#define CLOCKS_DIFFER_MS 30000

/*
 * One of several servers behind one name may be behind the others by so much,
 * where that would cost records: see judge_round. Milliseconds.
 */
#define SERVERS_LAG_MS (10 * 60 * 1000)

/*
 * The server's clock at a question (date_ms as the answer tells it, -1: it does
 * not; own_ms: our wall clock then) less what clocks may be wrong by: what is
 * dated earlier was there before.
 */
int64_t judge_threshold(int64_t date_ms, int64_t own_ms);

/* The same, and more what clocks may be wrong by: what is dated later than that
 * says nothing of when it was written. */
int64_t judge_latest(int64_t date_ms, int64_t own_ms);

#endif
