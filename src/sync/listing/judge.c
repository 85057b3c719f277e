#include "sync/listing/judge.h"

bool judge_is_whole(
    const struct replica_listing *listing, const struct probe_facts *probe)
{
	return probe->total == listing->count && probe->came == probe->total &&
	       probe->known && !probe->twice;
}

enum probe_verdict judge_probe(const struct replica_listing *listing,
    enum date_field field, const struct probe_facts *probe)
{
	int64_t newest =
	    field == DATE_UPDATED ? listing->newest_ms : listing->created_ms;
	bool as_many = probe->total == listing->count;
	if (probe->total < 0 || (probe->total > 0) != (probe->came > 0))
		return PROBE_ANEW;
	if (probe->total == 0 || listing->count == 0)
		return as_many ? PROBE_PROVEN : PROBE_ANEW;
	if (judge_is_whole(listing, probe))
		return PROBE_WHOLE;
	/* More came than the newest, and not in the order asked for: the first
	 * need not be the newest of all. */
	if (probe->rises || probe->alien || probe->twice || probe->strange)
		return PROBE_ANEW;
	/* Without a date there is only the record itself to go by. */
	if (newest == NO_DATE || probe->newest_ms == NO_DATE)
		return newest == probe->newest_ms && probe->known && as_many
			   ? PROBE_PROVEN
			   : PROBE_ANEW;
	/* The newest went; or a database was put back, or the order asked for
	 * is not heeded. */
	if (probe->newest_ms < newest)
		return probe->total < listing->count && field == DATE_UPDATED
			   ? PROBE_GONE
			   : PROBE_ANEW;
	if (probe->newest_ms > newest)
		return PROBE_CHANGED;
	if (probe->total < listing->count)
		return PROBE_GONE;
	if (!as_many)
		return PROBE_ANEW; /* something came that is dated earlier */
	if (!probe->known)
		return PROBE_CHANGED; /* at the very same time */
	/* Where all dates are one, the oldest looks like the newest: the order
	 * asked for may not be heeded. */
	return listing->flags & LISTING_LEVEL ? PROBE_LEVEL : PROBE_PROVEN;
}

/* ---- rounds ---- */

/* Whether a record came that may be newer in the listing than the pass: one may
 * have gone as well, so that the total was the same. An old one comes when a
 * change of it ends what hid it, such as a filter of rows. */
static bool may_have_grown(const struct evidence *evidence)
{
	const struct facts *facts = &evidence->round.facts;
	int64_t threshold_ms = evidence->threshold_ms;
	if (evidence->held < evidence->known)
		threshold_ms -= SERVERS_LAG_MS;
	return facts->uncreated || facts->created_ms >= threshold_ms ||
	       facts->newest_ms >= threshold_ms;
}

/* Pages that came one after the other, or side by side. */
static bool is_sure_by_pages(const struct evidence *evidence)
{
	const struct look *round = &evidence->round;
	if (round->answers <= 1)
		return true; /* one answer is one moment */
	return round->number == 0 && round->quiet && round->total >= 0 &&
	       round->facts.count == round->total &&
	       evidence->unique == round->total && !may_have_grown(evidence);
}

/* Whether the last two rounds told exactly the same. */
static bool rounds_agree(const struct evidence *evidence)
{
	const struct look *now = &evidence->round,
			  *before = &evidence->previous;
	return now->number > 0 && now->kind == before->kind && now->quiet &&
	       before->quiet && now->total == before->total &&
	       now->facts.count == before->facts.count &&
	       now->facts.ids == before->facts.ids &&
	       evidence->unique >= now->facts.count;
}

/* A server that always counts more than it gives is not to be believed. */
static bool is_short_of_total(const struct look *round, int64_t unique)
{
	return round->quiet && round->total > unique;
}

static enum round_verdict judge_pages(const struct evidence *evidence)
{
	if (is_sure_by_pages(evidence))
		return ROUND_PROVEN;
	if (!rounds_agree(evidence))
		return ROUND_AGAIN;
	return evidence->round.doubled ||
		       is_short_of_total(&evidence->round, evidence->unique)
		   ? ROUND_BAD
		   : ROUND_PROVEN;
}

/* A filter compares numbers with numbers, and strings with strings. */
static bool are_of_a_kind(const struct evidence *evidence)
{
	const struct facts *now = &evidence->round.facts,
			   *before = &evidence->facts;
	return !((now->numbers || before->numbers) &&
		 (now->strings || before->strings));
}

/* A filter that finds next to nothing is no filter; and one that leaves less
 * than a page counted may not know all kinds of ids, or have been asked of a
 * server that has less. */
static enum round_verdict judge_ranges(const struct evidence *evidence)
{
	const struct look *before = &evidence->previous;
	bool next_to_nothing =
	    evidence->round.in_ranges * 10 < before->facts.count * 9;
	return next_to_nothing || !are_of_a_kind(evidence) ||
		       before->most_total > evidence->unique
		   ? ROUND_AGAIN
		   : ROUND_PROVEN;
}

static enum round_verdict judge_chain(const struct evidence *evidence)
{
	if (!is_short_of_total(&evidence->round, evidence->unique))
		return ROUND_PROVEN;
	return rounds_agree(evidence) ? ROUND_BAD : ROUND_AGAIN;
}

static bool contradicts_itself(const struct look *round)
{
	return round->torn || round->facts.twice;
}

static enum round_verdict judge_kind(const struct evidence *evidence)
{
	if (contradicts_itself(&evidence->round))
		return evidence->round.number > 0 &&
			       contradicts_itself(&evidence->previous)
			   ? ROUND_BAD
			   : ROUND_AGAIN;
	switch (evidence->round.kind) {
	case ROUND_RANGES:
		return judge_ranges(evidence);
	case ROUND_CHAIN:
		return judge_chain(evidence);
	default:
		return judge_pages(evidence);
	}
}

/* So many rounds show that most of a listing is gone. */
#define ROUNDS_OF_LESS 3

static int64_t records_seen(const struct look *round)
{
	return round->kind == ROUND_RANGES ? round->in_ranges
					   : round->facts.count;
}

bool judge_says_nothing(const struct evidence *evidence)
{
	return evidence->round.mute && evidence->unique == 0;
}

/*
 * Whether a round that would be enough shows what may be. Where one of several
 * servers behind one name has lost its data, or answers before it has them,
 * some answers say that there is next to nothing. Most of what this very pass
 * has found is not gone for that; most of what an earlier one found may be,
 * where it is said time and again; and so is what says nothing.
 */
static bool is_credible(const struct evidence *evidence)
{
	const struct look *round = &evidence->round;
	int64_t twice = 2 * records_seen(round);
	if (twice < evidence->unique)
		return false;
	if (twice < evidence->known || judge_says_nothing(evidence))
		return round->number + 1 >= ROUNDS_OF_LESS;
	return true;
}

enum round_verdict judge_round(const struct evidence *evidence)
{
	enum round_verdict verdict = judge_kind(evidence);
	if (verdict == ROUND_PROVEN && !is_credible(evidence))
		verdict = ROUND_AGAIN;
	if (verdict == ROUND_PROVEN && judge_says_nothing(evidence))
		verdict = ROUND_BAD;
	if (verdict == ROUND_AGAIN && evidence->round.number + 1 >= ROUNDS_MAX)
		return ROUND_RESTLESS;
	return verdict;
}

enum round_kind judge_next_kind(const struct evidence *evidence)
{
	if (!evidence->no_filters && are_of_a_kind(evidence))
		return ROUND_RANGES;
	if (!evidence->no_chain && evidence->orders)
		return ROUND_CHAIN;
	return ROUND_PAGES;
}

/* ---- clocks ---- */

/* Ours may differ from theirs by so much, where the answers carry no date. In
 * milliseconds. */
#define OWN_CLOCK_DIFFERS_MS (5 * 60 * 1000)

int64_t judge_threshold(int64_t date_ms, int64_t own_ms)
{
	if (date_ms <= 0)
		return own_ms - OWN_CLOCK_DIFFERS_MS;
	/* Either may be wrong, and by how much they differ, perhaps both: the
	 * earlier one, less that, is on the safe side. */
	int64_t earlier = date_ms < own_ms ? date_ms : own_ms;
	int64_t later = date_ms < own_ms ? own_ms : date_ms;
	return earlier - (later - earlier) - CLOCKS_DIFFER_MS;
}

int64_t judge_latest(int64_t date_ms, int64_t own_ms)
{
	if (date_ms <= 0)
		return own_ms + OWN_CLOCK_DIFFERS_MS;
	return (date_ms < own_ms ? own_ms : date_ms) + CLOCKS_DIFFER_MS;
}
