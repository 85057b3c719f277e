/*
 * What an answer to a range of ids (ranges.h) proves of it. Pure. The round
 * asks.
 */
#ifndef SYNC_LISTING_RANGE_ANSWER_H
#define SYNC_LISTING_RANGE_ANSWER_H

struct buf;
struct part_answer;
struct part_sizes;

enum range_answer_verdict {
	RANGE_ANSWER_WHOLE, /* all of the range came */
	RANGE_ANSWER_SPLIT, /* there is more: ask in two parts */
	RANGE_ANSWER_NONE,  /* nobody can tell: the server has no ranges */
};

/* What it is. sizes: of the answers so far. RANGE_ANSWER_SPLIT sets *ret_at,
 * which is borrowed from the answer: the id to split the range at. */
enum range_answer_verdict range_answer_judge(const struct part_answer *answer,
    const struct part_sizes *sizes, const struct buf **ret_at);

#endif
