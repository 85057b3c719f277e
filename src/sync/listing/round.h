/*
 * The rounds of a pass: what its answers tell, whether they can be all, and
 * what to ask for next. Pure, but for memory: facts in, questions and a verdict
 * out. judge.h says which kinds of rounds there are.
 *
 * Loop thread only. The pass has one.
 */
#ifndef SYNC_LISTING_ROUND_H
#define SYNC_LISTING_ROUND_H

#include <stdbool.h>
#include <stdint.h>

#include "sync/listing/judge.h"
#include "sync/listing/part.h"
#include "sync/listing/ranges.h"

struct round;

/* NULL: out of memory. */
struct round *round_new(void);

/* NULL is fine. */
void round_free(struct round *round);

/* A pass begins now, by our wall clock: with pages. known: how many records the
 * listing before had; 0: there was none. */
void round_begin_first(struct round *round, int64_t wall_ms, int64_t known);

/* Another round begins, whose answers come behind that slot: of the kind that
 * is told. Of RANGES, the caller plans the ranges. */
enum round_kind round_begin_next(struct round *round, int64_t done_slot);

/* The ranges that are to be asked for; borrowed. */
struct ranges *round_ranges(struct round *round);

/* What is known of how many records an answer has; borrowed. */
const struct part_sizes *round_sizes(const struct round *round);

/* The pass is given up: its memory can go. */
void round_forget(struct round *round);

/* ---- asking ---- */

/* All that this one wants was asked for, and has come. */
bool round_is_over(const struct round *round);

/* The page that comes behind a slot, as a person counts; 0: what is asked for
 * are no pages any more. *ret_last: of how many; 0: not known. */
int64_t round_page(
    const struct round *round, int64_t done_slot, int64_t *ret_last);

/* The slot of the next question. */
int64_t round_next_slot(const struct round *round);

enum round_question {
	ROUND_ASK,	/* this, in that slot */
	ROUND_WAIT,	/* for what is under way */
	ROUND_NO_WINDOW /* round_give_up is due */
};

/* What to ask for next: sets page, limit, range (which is the caller's then)
 * and slot. any_under_way: some answer has not come yet. */
enum round_question round_next(struct round *round, bool any_under_way,
    struct part_question *ret_question);

/* Nothing is under way any more, and what came is in up to that slot: what is
 * behind it will be asked for again. */
void round_rewind(struct round *round, int64_t done_slot);

/* The server does not do what this kind of round needs: it is not tried again.
 * The next round is due. */
void round_give_up(struct round *round);

/* The server refuses the question. False: it means it. True: it may heed
 * another one. *ret_give_up: of another kind; else of its own page size, and
 * the first page is next. */
bool round_refused(struct round *round, int64_t done_slot, bool *ret_give_up);

/* How many records there are, as the answers of this round told so far; -1:
 * they did not. */
int64_t round_total(const struct round *round);

/* ---- learning ---- */

enum round_step {
	ROUND_GOES_ON,
	ROUND_GIVES_UP, /* round_give_up is due */
	ROUND_NO_MEMORY
};

/* The turn of an answer has come: learn from it. others: how many new records
 * the answers brought that are not in turn yet; alone: there is none. */
enum round_step round_absorb(struct round *round,
    const struct part_answer *answer, int64_t others, bool alone);

/* All was seen: what that is. AGAIN: the next round is due. */
enum round_verdict round_judge(struct round *round);

/* ROUND_BAD, in words. */
void round_problem(const struct round *round, char *out, size_t size);

/* ROUND_PROVEN: the listing's flags, count and dates. */
void round_describe(const struct round *round, struct replica_listing *listing);

#endif
