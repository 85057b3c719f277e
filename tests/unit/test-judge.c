/* What is believed: facts in, a verdict out. */
#include "sync/listing/judge.h"

#include "unit.h"

/* ---- probes ---- */

static const struct replica_listing known = {
    .base = 1,
    .end = 2,
    .count = 10,
    .newest_ms = 5000,
    .created_ms = 4000,
};

static enum probe_verdict probe(
    unsigned flags, enum date_field field, struct probe_facts facts)
{
	struct replica_listing listing = known;
	listing.flags = flags;
	return judge_probe(&listing, field, &facts);
}

/* total, records that came, newest date, whether it is known just so */
#define PROBE(...) probe(0, DATE_UPDATED, (struct probe_facts){__VA_ARGS__})
#define PROBE_BY(field, ...) probe(0, field, (struct probe_facts){__VA_ARGS__})

static void as_many_and_the_same_newest_prove_a_listing(void **state)
{
	(void)state;
	assert_int_equal(PROBE(10, 1, 5000, true), PROBE_PROVEN);
	assert_int_equal(
	    PROBE_BY(DATE_CREATED, 10, 1, 4000, true), PROBE_PROVEN);
	assert_int_equal(
	    PROBE_BY(DATE_CREATED, 10, 1, 5000, true), PROBE_CHANGED);
	assert_int_equal(PROBE_BY(DATE_UPDATED, 10, 1, 4000, true), PROBE_ANEW);
}

static void without_a_total_nothing_is_proven(void **state)
{
	(void)state;
	assert_int_equal(PROBE(-1, 1, 5000, true), PROBE_ANEW);
	/* Nor by one that what came does not bear out. */
	assert_int_equal(PROBE(10, 0, NO_DATE, true), PROBE_ANEW);
	assert_int_equal(PROBE(0, 1, 5000, true), PROBE_ANEW);
	assert_int_equal(PROBE(10, 0, 5000, true), PROBE_ANEW);
	/* Also where as many are known as it says. */
	const struct replica_listing none = {
	    .end = 1, .newest_ms = NO_DATE, .created_ms = NO_DATE};
	const struct probe_facts facts = {0, 1, NO_DATE, true};
	assert_int_equal(judge_probe(&none, DATE_UPDATED, &facts), PROBE_ANEW);
}

/* Whatever order they came in. */
static void all_that_there_is_needs_no_order(void **state)
{
	(void)state;
	assert_int_equal(PROBE(10, 10, 5000, true), PROBE_WHOLE);
	assert_int_equal(PROBE(10, 10, 5000, true, .rises = true), PROBE_WHOLE);
	assert_int_equal(PROBE(10, 10, 5000, true, .twice = true), PROBE_ANEW);
	assert_int_equal(PROBE(10, 9, 5000, true), PROBE_PROVEN);
	assert_int_equal(PROBE(10, 9, 5000, true, .rises = true), PROBE_ANEW);
	assert_int_not_equal(PROBE(10, 10, 5000, false), PROBE_WHOLE);
	assert_int_not_equal(PROBE(11, 11, 5000, true), PROBE_WHOLE);
}

static void one_record_is_judged_as_many_are(void **state)
{
	(void)state;
	assert_int_equal(PROBE(1, 1, 5000, true), PROBE_GONE);
	struct replica_listing one = known;
	one.count = 1;
	/* It is all that there is. */
	struct probe_facts facts = {1, 1, 5000, true};
	assert_int_equal(judge_probe(&one, DATE_UPDATED, &facts), PROBE_WHOLE);
	facts = (struct probe_facts){1, 1, 5001, false};
	assert_int_equal(
	    judge_probe(&one, DATE_UPDATED, &facts), PROBE_CHANGED);
	facts = (struct probe_facts){2, 1, 5001, false};
	assert_int_equal(
	    judge_probe(&one, DATE_UPDATED, &facts), PROBE_CHANGED);
}

static void what_is_newer_has_changed(void **state)
{
	(void)state;
	for (int64_t total = 8; total <= 12; total++)
		assert_int_equal(PROBE(total, 1, 5001, false), PROBE_CHANGED);
	/* At the same time as the newest one that was known. */
	assert_int_equal(PROBE(10, 1, 5000, false), PROBE_CHANGED);
}

static void fewer_are_gone(void **state)
{
	(void)state;
	assert_int_equal(PROBE(9, 1, 5000, true), PROBE_GONE);
	assert_int_equal(PROBE(9, 1, 4999, true), PROBE_GONE);
	/* The dates of creation are not learnt anew. */
	assert_int_equal(PROBE_BY(DATE_CREATED, 9, 1, 3999, true), PROBE_ANEW);
	assert_int_equal(PROBE_BY(DATE_CREATED, 9, 1, 4000, true), PROBE_GONE);
}

static void a_newest_date_that_went_back_is_not_believed(void **state)
{
	(void)state;
	assert_int_equal(PROBE(10, 1, 4999, true), PROBE_ANEW);
	assert_int_equal(PROBE(11, 1, 4999, true), PROBE_ANEW);
}

static void more_that_are_not_newer_are_not_believed(void **state)
{
	(void)state;
	assert_int_equal(PROBE(11, 1, 5000, true), PROBE_ANEW);
	assert_int_equal(PROBE(11, 1, 5000, false), PROBE_ANEW);
}

static void where_all_dates_are_one_the_order_is_in_doubt(void **state)
{
	(void)state;
	struct probe_facts facts = {10, 1, 5000, true};
	assert_int_equal(
	    probe(LISTING_LEVEL, DATE_UPDATED, facts), PROBE_LEVEL);
	facts.total = 9;
	assert_int_equal(probe(LISTING_LEVEL, DATE_UPDATED, facts), PROBE_GONE);
	facts.newest_ms = 5001;
	assert_int_equal(
	    probe(LISTING_LEVEL, DATE_UPDATED, facts), PROBE_CHANGED);
}

static void newer_ones_behind_the_first_are_out_of_order(void **state)
{
	(void)state;
	assert_int_equal(PROBE(10, 3, 5000, true, false), PROBE_PROVEN);
	assert_int_equal(PROBE(10, 3, 5000, true, true), PROBE_ANEW);
	assert_int_equal(PROBE(9, 3, 5000, true, true), PROBE_ANEW);
	assert_int_equal(PROBE(10, 3, 5001, false, true), PROBE_ANEW);
}

static void none_at_all_is_proven_by_none(void **state)
{
	(void)state;
	struct replica_listing none = {
	    .end = 1, .newest_ms = NO_DATE, .created_ms = NO_DATE};
	struct probe_facts facts = {0, 0, NO_DATE, true};
	assert_int_equal(
	    judge_probe(&none, DATE_UPDATED, &facts), PROBE_PROVEN);
	assert_int_equal(PROBE(0, 0, NO_DATE, true), PROBE_ANEW);
	facts = (struct probe_facts){1, 1, 5000, false};
	assert_int_equal(judge_probe(&none, DATE_UPDATED, &facts), PROBE_ANEW);
}

static void without_dates_the_record_itself_counts(void **state)
{
	(void)state;
	struct replica_listing dateless = known;
	dateless.newest_ms = NO_DATE;
	struct probe_facts facts = {10, 1, NO_DATE, true};
	assert_int_equal(
	    judge_probe(&dateless, DATE_UPDATED, &facts), PROBE_PROVEN);
	facts.known = false;
	assert_int_equal(
	    judge_probe(&dateless, DATE_UPDATED, &facts), PROBE_ANEW);
	facts = (struct probe_facts){9, 1, NO_DATE, true};
	assert_int_equal(
	    judge_probe(&dateless, DATE_UPDATED, &facts), PROBE_ANEW);
	facts = (struct probe_facts){10, 1, 5000, true};
	assert_int_equal(
	    judge_probe(&dateless, DATE_UPDATED, &facts), PROBE_ANEW);
	assert_int_equal(PROBE(10, 1, NO_DATE, true), PROBE_ANEW);
}

/* ---- rounds ---- */

/* Ten records in two answers, which add up; they were created long ago. */
static struct evidence sound(enum round_kind kind, unsigned number)
{
	struct evidence evidence = {
	    .threshold_ms = 9000,
	    .unique = 10,
	    .facts = FACTS_INIT,
	    .round = {.kind = kind,
		.number = number,
		.total = 10,
		.most_total = 10,
		.quiet = true,
		.facts = FACTS_INIT,
		.answers = 2,
		.in_ranges = 10},
	};
	evidence.round.facts.count = 10;
	evidence.round.facts.ids = 77;
	evidence.round.facts.created_ms = 8999;
	evidence.round.facts.strings = true;
	evidence.previous = evidence.round;
	evidence.previous.number = number - 1;
	return evidence;
}

static void assert_verdict(
    const struct evidence *evidence, enum round_verdict verdict)
{
	assert_int_equal(judge_round(evidence), verdict);
}

static void pages_that_add_up_are_sure(void **state)
{
	(void)state;
	struct evidence evidence = sound(ROUND_PAGES, 0);
	assert_verdict(&evidence, ROUND_PROVEN);
}

static void pages_of_nothing_are_sure(void **state)
{
	(void)state;
	struct evidence evidence = sound(ROUND_PAGES, 0);
	evidence.round.facts = FACTS_INIT;
	evidence.round.total = evidence.unique = 0;
	assert_verdict(&evidence, ROUND_PROVEN);
}

static void pages_are_looked_at_again_where_anything_is_off(void **state)
{
	(void)state;
	struct evidence evidence = sound(ROUND_PAGES, 0);
	evidence.round.quiet = false;
	assert_verdict(&evidence, ROUND_AGAIN);
	evidence = sound(ROUND_PAGES, 0);
	evidence.round.total = -1;
	assert_verdict(&evidence, ROUND_AGAIN);
	evidence = sound(ROUND_PAGES, 0);
	evidence.round.facts.count = 9;
	assert_verdict(&evidence, ROUND_AGAIN);
	evidence = sound(ROUND_PAGES, 0);
	evidence.unique = 9;
	assert_verdict(&evidence, ROUND_AGAIN);
	evidence = sound(ROUND_PAGES, 0);
	evidence.round.facts.created_ms = 9000;
	assert_verdict(&evidence, ROUND_AGAIN);
	evidence = sound(ROUND_PAGES, 0);
	evidence.round.facts.newest_ms = 8999;
	assert_verdict(&evidence, ROUND_PROVEN);
	evidence.round.facts.newest_ms = 9000;
	assert_verdict(&evidence, ROUND_AGAIN);
	evidence = sound(ROUND_PAGES, 0);
	evidence.round.facts.uncreated = true;
	assert_verdict(&evidence, ROUND_AGAIN);
	evidence = sound(ROUND_PAGES, 0);
	evidence.round.torn = true;
	assert_verdict(&evidence, ROUND_AGAIN);
	evidence = sound(ROUND_PAGES, 0);
	evidence.round.facts.twice = true;
	assert_verdict(&evidence, ROUND_AGAIN);
}

/* What pages of two servers say, of which one is behind. */
static void what_was_known_is_let_go_of_only_where_nobody_writes(void **state)
{
	(void)state;
	struct evidence evidence = sound(ROUND_PAGES, 0);
	evidence.known = evidence.held = 12;
	assert_verdict(&evidence, ROUND_PROVEN);
	evidence.held = 11;
	assert_verdict(&evidence, ROUND_AGAIN);
	evidence.round.facts.created_ms = 9000 - SERVERS_LAG_MS;
	assert_verdict(&evidence, ROUND_AGAIN);
	evidence.round.facts.created_ms--;
	assert_verdict(&evidence, ROUND_PROVEN);
	evidence.round.facts.newest_ms = 9000 - SERVERS_LAG_MS;
	assert_verdict(&evidence, ROUND_AGAIN);
	/* Ranges are answered at one moment each. */
	evidence = sound(ROUND_RANGES, 1);
	evidence.known = 12;
	evidence.held = 9;
	assert_verdict(&evidence, ROUND_PROVEN);
	/* So is a listing of one answer. */
	evidence = sound(ROUND_PAGES, 0);
	evidence.known = 12;
	evidence.round.answers = 1;
	assert_verdict(&evidence, ROUND_PROVEN);
}

/* What one of several servers that has lost its data says. */
static void most_of_what_was_found_is_not_gone(void **state)
{
	(void)state;
	static const enum round_kind kinds[] = {
	    ROUND_PAGES, ROUND_RANGES, ROUND_CHAIN};
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct evidence evidence = sound(kinds[i], 1);
		evidence.previous = (struct look){.kind = kinds[i],
		    .total = 4,
		    .quiet = true,
		    .facts = {.count = 4, .ids = 77, .strings = true}};
		evidence.round.total = evidence.round.facts.count = 4;
		evidence.round.in_ranges = 4;
		evidence.round.answers = 1;
		evidence.unique = 9;
		assert_verdict(&evidence, ROUND_AGAIN);
		evidence.round.number = ROUNDS_MAX - 1;
		assert_verdict(&evidence, ROUND_RESTLESS);
		evidence.unique = 8;
		assert_verdict(&evidence, ROUND_PROVEN);
	}
}

static void most_of_what_was_known_is_gone_when_three_rounds_say_so(
    void **state)
{
	(void)state;
	struct evidence evidence = sound(ROUND_PAGES, 0);
	evidence.round.facts.created_ms -= SERVERS_LAG_MS;
	evidence.known = 21;
	assert_verdict(&evidence, ROUND_AGAIN);
	evidence.round.number = 1;
	assert_verdict(&evidence, ROUND_AGAIN);
	evidence.round.number = 2;
	assert_verdict(&evidence, ROUND_PROVEN);
	evidence.round.number = 0;
	evidence.known = 20;
	assert_verdict(&evidence, ROUND_PROVEN);
}

static void nothing_is_nothing_only_when_it_is_said_to_be_all(void **state)
{
	(void)state;
	struct evidence evidence = sound(ROUND_PAGES, 0);
	evidence.round.facts = FACTS_INIT;
	evidence.round.answers = 1;
	evidence.round.total = evidence.unique = 0;
	assert_verdict(&evidence, ROUND_PROVEN);
	evidence.round.mute = true;
	evidence.round.total = -1;
	assert_verdict(&evidence, ROUND_AGAIN);
	for (unsigned number = 1; number < 5; number++) {
		evidence.previous = evidence.round;
		evidence.round.number = number;
		assert_verdict(&evidence, number < 2 ? ROUND_AGAIN : ROUND_BAD);
	}
	/* What comes behind the last page may be so. */
	evidence.unique = evidence.round.facts.count = 7;
	evidence.previous = evidence.round;
	assert_verdict(&evidence, ROUND_PROVEN);
}

/* The first round has none before it, whatever stands there. */
static void only_two_rounds_can_contradict_themselves_twice(void **state)
{
	(void)state;
	struct evidence evidence = sound(ROUND_PAGES, 0);
	evidence.round.torn = evidence.previous.torn = true;
	assert_verdict(&evidence, ROUND_AGAIN);
	evidence = sound(ROUND_PAGES, 1);
	evidence.round.torn = true;
	assert_verdict(&evidence, ROUND_AGAIN);
	evidence.previous.torn = true;
	assert_verdict(&evidence, ROUND_BAD);
}

static void one_answer_is_one_moment(void **state)
{
	(void)state;
	struct evidence evidence = sound(ROUND_PAGES, 0);
	evidence.round.answers = 1;
	evidence.round.total = -1;
	evidence.round.facts.created_ms = 9000;
	assert_verdict(&evidence, ROUND_PROVEN);
	evidence.round.facts.twice = true;
	assert_verdict(&evidence, ROUND_AGAIN);
}

static void two_rounds_of_pages_have_to_agree(void **state)
{
	(void)state;
	struct evidence evidence = sound(ROUND_PAGES, 1);
	assert_verdict(&evidence, ROUND_PROVEN);
	evidence = sound(ROUND_PAGES, 2);
	assert_verdict(&evidence, ROUND_PROVEN);
	evidence.previous.facts.ids = 78;
	assert_verdict(&evidence, ROUND_AGAIN);
	evidence = sound(ROUND_PAGES, 2);
	evidence.previous.facts.count = 11;
	assert_verdict(&evidence, ROUND_AGAIN);
	evidence = sound(ROUND_PAGES, 2);
	evidence.previous.total = 11;
	assert_verdict(&evidence, ROUND_AGAIN);
	evidence = sound(ROUND_PAGES, 2);
	evidence.previous.quiet = false;
	assert_verdict(&evidence, ROUND_AGAIN);
	evidence = sound(ROUND_PAGES, 2);
	evidence.previous.kind = ROUND_CHAIN;
	assert_verdict(&evidence, ROUND_AGAIN);
	evidence = sound(ROUND_PAGES, 2);
	evidence.unique = 9;
	assert_verdict(&evidence, ROUND_AGAIN);
}

static void rounds_that_agree_on_what_cannot_be_are_not_believed(void **state)
{
	(void)state;
	struct evidence evidence = sound(ROUND_PAGES, 2);
	evidence.round.doubled = true;
	assert_verdict(&evidence, ROUND_BAD);
	evidence = sound(ROUND_PAGES, 2);
	evidence.round.total = evidence.previous.total = 11;
	assert_verdict(&evidence, ROUND_BAD);
	evidence = sound(ROUND_PAGES, 2);
	evidence.round.torn = evidence.previous.torn = true;
	assert_verdict(&evidence, ROUND_BAD);
	evidence = sound(ROUND_RANGES, 1);
	evidence.round.facts.twice = evidence.previous.facts.twice = true;
	assert_verdict(&evidence, ROUND_BAD);
}

static void ranges_prove_unless_the_filter_is_in_doubt(void **state)
{
	(void)state;
	struct evidence evidence = sound(ROUND_RANGES, 1);
	assert_verdict(&evidence, ROUND_PROVEN);
	evidence.round.in_ranges = 9;
	assert_verdict(&evidence, ROUND_PROVEN);
	evidence.round.in_ranges = 8;
	assert_verdict(&evidence, ROUND_AGAIN);
	evidence = sound(ROUND_RANGES, 1);
	evidence.previous.most_total = 11;
	assert_verdict(&evidence, ROUND_AGAIN);
	evidence = sound(ROUND_RANGES, 1);
	evidence.facts.numbers = true;
	assert_verdict(&evidence, ROUND_AGAIN);
	evidence = sound(ROUND_RANGES, 1);
	evidence.round.facts.numbers = true;
	assert_verdict(&evidence, ROUND_AGAIN);
}

static void ranges_have_to_find_nine_of_ten(void **state)
{
	(void)state;
	struct evidence evidence = sound(ROUND_RANGES, 1);
	evidence.previous.facts.count = 100;
	evidence.round.in_ranges = 90;
	assert_verdict(&evidence, ROUND_PROVEN);
	evidence.round.in_ranges = 89;
	assert_verdict(&evidence, ROUND_AGAIN);
}

static void windows_prove_what_they_count(void **state)
{
	(void)state;
	struct evidence evidence = sound(ROUND_CHAIN, 2);
	assert_verdict(&evidence, ROUND_PROVEN);
	evidence.round.total = 11;
	assert_verdict(&evidence, ROUND_AGAIN);
	evidence.previous = evidence.round;
	assert_verdict(&evidence, ROUND_BAD);
	evidence = sound(ROUND_CHAIN, 2);
	evidence.round.total = -1;
	assert_verdict(&evidence, ROUND_PROVEN);
}

static void what_never_rests_ends(void **state)
{
	(void)state;
	struct evidence evidence = sound(ROUND_PAGES, ROUNDS_MAX - 2);
	evidence.round.quiet = false;
	assert_verdict(&evidence, ROUND_AGAIN);
	evidence.round.number = ROUNDS_MAX - 1;
	assert_verdict(&evidence, ROUND_RESTLESS);
}

static void the_surest_way_that_is_left_comes_next(void **state)
{
	(void)state;
	struct evidence evidence = sound(ROUND_PAGES, 0);
	evidence.orders = 1;
	assert_int_equal(judge_next_kind(&evidence), ROUND_RANGES);
	evidence.no_filters = true;
	assert_int_equal(judge_next_kind(&evidence), ROUND_CHAIN);
	evidence.no_chain = true;
	assert_int_equal(judge_next_kind(&evidence), ROUND_PAGES);
	evidence.no_chain = false;
	evidence.orders = 0;
	assert_int_equal(judge_next_kind(&evidence), ROUND_PAGES);
	evidence = sound(ROUND_PAGES, 0);
	evidence.orders = 1;
	evidence.facts.numbers = true;
	assert_int_equal(judge_next_kind(&evidence), ROUND_CHAIN);
}

/* ---- clocks ---- */

static void clocks_that_agree_are_believed_but_for_what_clocks_are(void **state)
{
	(void)state;
	assert_int_equal(
	    judge_threshold(1000000, 1000000), 1000000 - CLOCKS_DIFFER_MS);
}

static void clocks_that_differ_are_both_held_to_be_wrong(void **state)
{
	(void)state;
	int64_t threshold = 900000 - CLOCKS_DIFFER_MS;
	assert_int_equal(judge_threshold(1000000, 1100000), threshold);
	assert_int_equal(judge_threshold(1100000, 1000000), threshold);
}

static void without_a_date_our_own_clock_may_be_minutes_ahead(void **state)
{
	(void)state;
	assert_int_equal(judge_threshold(-1, 1000000), 700000);
	assert_int_equal(judge_threshold(0, 1000000), 700000);
	/* However odd, that is a date. */
	assert_int_equal(judge_threshold(1, 1), 1 - CLOCKS_DIFFER_MS);
	assert_int_equal(
	    judge_latest(1000000, 1100000), 1100000 + CLOCKS_DIFFER_MS);
	assert_int_equal(
	    judge_latest(1100000, 1000000), 1100000 + CLOCKS_DIFFER_MS);
	assert_int_equal(judge_latest(0, 1000000), 1300000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(as_many_and_the_same_newest_prove_a_listing),
	    cmocka_unit_test(without_a_total_nothing_is_proven),
	    cmocka_unit_test(all_that_there_is_needs_no_order),
	    cmocka_unit_test(one_record_is_judged_as_many_are),
	    cmocka_unit_test(what_is_newer_has_changed),
	    cmocka_unit_test(fewer_are_gone),
	    cmocka_unit_test(a_newest_date_that_went_back_is_not_believed),
	    cmocka_unit_test(more_that_are_not_newer_are_not_believed),
	    cmocka_unit_test(where_all_dates_are_one_the_order_is_in_doubt),
	    cmocka_unit_test(newer_ones_behind_the_first_are_out_of_order),
	    cmocka_unit_test(none_at_all_is_proven_by_none),
	    cmocka_unit_test(without_dates_the_record_itself_counts),
	    cmocka_unit_test(pages_that_add_up_are_sure),
	    cmocka_unit_test(pages_of_nothing_are_sure),
	    cmocka_unit_test(pages_are_looked_at_again_where_anything_is_off),
	    cmocka_unit_test(
		what_was_known_is_let_go_of_only_where_nobody_writes),
	    cmocka_unit_test(most_of_what_was_found_is_not_gone),
	    cmocka_unit_test(
		most_of_what_was_known_is_gone_when_three_rounds_say_so),
	    cmocka_unit_test(nothing_is_nothing_only_when_it_is_said_to_be_all),
	    cmocka_unit_test(only_two_rounds_can_contradict_themselves_twice),
	    cmocka_unit_test(one_answer_is_one_moment),
	    cmocka_unit_test(two_rounds_of_pages_have_to_agree),
	    cmocka_unit_test(
		rounds_that_agree_on_what_cannot_be_are_not_believed),
	    cmocka_unit_test(ranges_prove_unless_the_filter_is_in_doubt),
	    cmocka_unit_test(ranges_have_to_find_nine_of_ten),
	    cmocka_unit_test(windows_prove_what_they_count),
	    cmocka_unit_test(what_never_rests_ends),
	    cmocka_unit_test(the_surest_way_that_is_left_comes_next),
	    cmocka_unit_test(
		clocks_that_agree_are_believed_but_for_what_clocks_are),
	    cmocka_unit_test(clocks_that_differ_are_both_held_to_be_wrong),
	    cmocka_unit_test(without_a_date_our_own_clock_may_be_minutes_ahead),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
