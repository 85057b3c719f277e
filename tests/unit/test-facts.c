/* What a listing's records told, added up; and whether an id came twice. */
#include "sync/listing/facts.h"

#include "replica/replica.h"
#include "sync/listing/ids.h"
#include "unit.h"

#define NONE RECORD_NO_DATE

static struct record record_of(const char *id, int64_t created, int64_t updated)
{
	struct record record = {.created_ms = created, .updated_ms = updated};
	buf_init(&record.id, 64);
	assert_int_equal(buf_adds(&record.id, id), 0);
	return record;
}

/* Add one that was created and updated then, to facts whose ids matter not. */
static void add(
    struct facts *facts, const char *id, int64_t created, int64_t updated)
{
	struct ids ids = {0};
	struct record record = record_of(id, created, updated);
	assert_int_equal(facts_record(facts, &ids, &record), 0);
	assert_int_equal(ids.count, 1);
	buf_done(&record.id);
	ids_done(&ids);
}

static void add_form(struct facts *facts, unsigned created, unsigned updated)
{
	struct ids ids = {0};
	struct record record = record_of("form", 1, 1);
	record.created_form = created;
	record.updated_form = updated;
	assert_int_equal(facts_record(facts, &ids, &record), 0);
	buf_done(&record.id);
	ids_done(&ids);
}

/* ---- facts ---- */

static void the_newest_and_the_oldest_date_are_kept(void **state)
{
	(void)state;
	struct facts facts = FACTS_INIT;
	add(&facts, "a", 30, 300);
	add(&facts, "b", 10, 400);
	add(&facts, "c", 20, 200);
	assert_int_equal(facts.count, 3);
	assert_int_equal(facts.newest_ms, 400);
	assert_int_equal(facts.oldest_ms, 200);
	assert_int_equal(facts.created_ms, 30);
	assert_int_equal(facts.first_created_ms, 10);
	assert_int_equal(facts.dateless, 0);
	assert_false(facts.undated);
	assert_false(facts.uncreated);
}

static void a_date_that_is_missing_is_no_date(void **state)
{
	(void)state;
	struct facts facts = FACTS_INIT;
	add(&facts, "a", 5, NONE);
	assert_true(facts.undated);
	assert_false(facts.uncreated);
	assert_int_equal(facts.newest_ms, NO_DATE);
	assert_int_equal(facts.oldest_ms, INT64_MAX);
	assert_int_equal(facts.dateless, 0);
	facts = FACTS_INIT;
	add(&facts, "a", NONE, 5);
	assert_false(facts.undated);
	assert_true(facts.uncreated);
	assert_int_equal(facts.created_ms, NO_DATE);
	assert_int_equal(facts.first_created_ms, INT64_MAX);
	assert_int_equal(facts.dateless, 0);
	add(&facts, "b", NONE, NONE);
	add(&facts, "c", NONE, NONE);
	assert_true(facts.undated);
	assert_int_equal(facts.dateless, 2);
	assert_int_equal(facts.newest_ms, 5);
}

static void ids_are_numbers_or_strings_or_both(void **state)
{
	(void)state;
	struct facts facts = FACTS_INIT;
	struct ids ids = {0};
	struct record record = record_of("1", 1, 1);
	record.number = true;
	assert_int_equal(facts_record(&facts, &ids, &record), 0);
	assert_true(facts.numbers);
	assert_false(facts.strings);
	record.number = false;
	assert_int_equal(facts_record(&facts, &ids, &record), 0);
	assert_true(facts.numbers);
	assert_true(facts.strings);
	assert_true(ids_are_twice(&ids));
	buf_done(&record.id);
	ids_done(&ids);
	facts = FACTS_INIT;
	add(&facts, "1", 1, 1);
	assert_false(facts.numbers);
	assert_true(facts.strings);
}

static void the_same_ids_in_another_order_are_the_same(void **state)
{
	(void)state;
	struct facts one = FACTS_INIT, other = FACTS_INIT, third = FACTS_INIT;
	add(&one, "a", 1, 1);
	add(&one, "b", 1, 1);
	add(&other, "b", 1, 1);
	add(&other, "a", 1, 1);
	add(&third, "a", 1, 1);
	add(&third, "c", 1, 1);
	assert_true(one.ids == other.ids);
	assert_true(one.ids != third.ids);
	/* One that comes twice does not cancel itself out. */
	add(&one, "c", 1, 1);
	uint64_t before = one.ids;
	add(&one, "c", 1, 1);
	add(&one, "c", 1, 1);
	assert_true(one.ids != before);
}

/* Answers are added up as their records would have been. */
static void parts_add_up_to_the_whole(void **state)
{
	(void)state;
	static const int64_t dates[][2] = {
	    {30, 300}, {10, 400}, {20, 200}, {NONE, 500}, {40, NONE}, {5, 7}};
	for (size_t cut = 0; cut <= ARRAY_SIZE(dates); cut++) {
		struct facts whole = FACTS_INIT, first = FACTS_INIT,
			     second = FACTS_INIT;
		for (size_t i = 0; i < ARRAY_SIZE(dates); i++) {
			char id[] = {(char)('a' + i), '\0'};
			add(&whole, id, dates[i][0], dates[i][1]);
			add(i < cut ? &first : &second, id, dates[i][0],
			    dates[i][1]);
		}
		facts_add(&first, &second);
		assert_memory_equal(&first, &whole, sizeof(whole));
	}
}

static void what_is_said_of_any_part_is_said_of_the_whole(void **state)
{
	(void)state;
	const struct facts plain = FACTS_INIT;
	struct facts odd = FACTS_INIT;
	odd.numbers = odd.strings = odd.twice = true;
	odd.undated = odd.uncreated = true;
	odd.dateless = 3;
	struct facts sum = plain;
	facts_add(&sum, &odd);
	assert_true(sum.numbers && sum.strings && sum.twice);
	assert_true(sum.undated && sum.uncreated);
	assert_int_equal(sum.dateless, 3);
	facts_add(&sum, &plain);
	assert_true(sum.numbers && sum.strings && sum.twice);
	assert_true(sum.undated && sum.uncreated);
	facts_add(&sum, &odd);
	assert_int_equal(sum.dateless, 6);
}

/* ---- flags ---- */

static unsigned plain_flags(const struct facts *facts)
{
	return facts_flags(facts) & ((1U << LISTING_FORMS_BIT) - 1);
}

static void flags_say_which_dates_are_missing(void **state)
{
	(void)state;
	struct facts facts = FACTS_INIT;
	add(&facts, "a", 1, 10);
	add(&facts, "b", 2, 20);
	assert_int_equal(plain_flags(&facts), 0);
	add(&facts, "c", NONE, 30);
	assert_int_equal(plain_flags(&facts), LISTING_UNCREATED);
	add(&facts, "d", 3, NONE);
	assert_int_equal(
	    plain_flags(&facts), LISTING_UNCREATED | LISTING_UNDATED);
}

static void dates_are_level_where_all_that_is_gone_by_are_one(void **state)
{
	(void)state;
	struct facts facts = FACTS_INIT;
	add(&facts, "a", 1, 10);
	/* One record is in every order. */
	assert_int_equal(plain_flags(&facts), 0);
	add(&facts, "b", 2, 10);
	assert_int_equal(plain_flags(&facts), LISTING_LEVEL);
	add(&facts, "c", 2, 11);
	assert_int_equal(plain_flags(&facts), 0);
	/* Where some lack the one, the other is gone by. */
	facts = FACTS_INIT;
	add(&facts, "a", 1, NONE);
	add(&facts, "b", 1, 10);
	assert_int_equal(plain_flags(&facts), LISTING_UNDATED | LISTING_LEVEL);
	add(&facts, "c", 2, 10);
	assert_int_equal(plain_flags(&facts), LISTING_UNDATED);
}

static void the_form_of_either_date_is_kept(void **state)
{
	(void)state;
	struct facts facts = FACTS_INIT;
	add_form(&facts, DATE_FORM_SECONDS, DATE_FORM_DAY);
	add_form(&facts, DATE_FORM_SECONDS, DATE_FORM_DAY);
	unsigned flags = facts_flags(&facts);
	assert_int_equal(facts_form(flags, true), DATE_FORM_DAY);
	assert_int_equal(facts_form(flags, false), DATE_FORM_SECONDS);
	assert_false(flags & LISTING_LOOSE);
	/* The widest that there is. */
	unsigned widest = (1U << DATE_FORM_BITS) - 1;
	facts = FACTS_INIT;
	add_form(&facts, widest, DATE_FORM_TEXTS);
	flags = facts_flags(&facts);
	assert_int_equal(facts_form(flags, true), DATE_FORM_TEXTS);
	assert_int_equal(facts_form(flags, false), widest);
}

static void dates_of_two_forms_cannot_be_compared(void **state)
{
	(void)state;
	struct facts facts = FACTS_INIT;
	add_form(&facts, DATE_FORM_SECONDS, DATE_FORM_DAY);
	add_form(&facts, DATE_FORM_SECONDS, DATE_FORM_TEXTS);
	unsigned flags = facts_flags(&facts);
	assert_int_equal(facts_form(flags, true), DATE_FORM_MIXED);
	assert_true(flags & LISTING_LOOSE);
	/* Those of creation matter only where a listing goes by them. */
	facts = FACTS_INIT;
	add_form(&facts, DATE_FORM_SECONDS, DATE_FORM_DAY);
	add_form(&facts, DATE_FORM_DAY, DATE_FORM_DAY);
	flags = facts_flags(&facts);
	assert_int_equal(facts_form(flags, false), DATE_FORM_MIXED);
	assert_false(flags & LISTING_LOOSE);
	facts.undated = true;
	assert_true(facts_flags(&facts) & LISTING_LOOSE);
}

static void what_comes_to_a_listing_is_held_against_its_forms(void **state)
{
	(void)state;
	struct facts facts = FACTS_INIT, more = FACTS_INIT;
	add_form(&facts, DATE_FORM_SECONDS, DATE_FORM_DAY);
	unsigned flags = facts_flags(&facts) | LISTING_ORDERED;
	add_form(&more, DATE_FORM_SECONDS, DATE_FORM_DAY);
	assert_int_equal(facts_add_forms(flags, &more), flags);
	add_form(&more, DATE_FORM_SECONDS, DATE_FORM_OBJECT);
	flags = facts_add_forms(flags, &more);
	assert_true(flags & LISTING_LOOSE);
	assert_true(flags & LISTING_ORDERED);
	assert_int_equal(facts_form(flags, true), DATE_FORM_MIXED);
	assert_int_equal(facts_form(flags, false), DATE_FORM_SECONDS);
}

/* ---- ids ---- */

static void an_id_that_comes_twice_is_found_wherever_it_stands(void **state)
{
	(void)state;
	enum { COUNT = 1000 };
	for (size_t other = 0; other < COUNT; other += 111) {
		struct ids ids = {0};
		assert_false(ids_are_twice(&ids));
		for (size_t i = 0; i < COUNT; i++)
			assert_int_equal(ids_add(&ids, (i * 7919) % COUNT), 0);
		assert_int_equal(ids.count, COUNT);
		assert_false(ids_are_twice(&ids));
		assert_int_equal(ids_add(&ids, other), 0);
		assert_true(ids_are_twice(&ids));
		ids_clear(&ids);
		assert_int_equal(ids_add(&ids, other), 0);
		assert_false(ids_are_twice(&ids));
		assert_int_equal(ids_add(&ids, other), 0);
		assert_true(ids_are_twice(&ids));
		ids_done(&ids);
	}
}

static void ids_of_two_answers_are_put_together(void **state)
{
	(void)state;
	struct ids one = {0}, other = {0};
	assert_int_equal(ids_append(&one, &other), 0);
	assert_int_equal(one.count, 0);
	for (uint64_t i = 0; i < 300; i++)
		assert_int_equal(ids_add(&other, i), 0);
	assert_int_equal(ids_add(&one, 1000), 0);
	assert_int_equal(ids_append(&one, &other), 0);
	assert_int_equal(one.count, 301);
	for (uint64_t i = 0; i < 300; i++)
		assert_true(one.hashes[i + 1] == i);
	assert_false(ids_are_twice(&one));
	ids_clear(&other);
	assert_int_equal(ids_add(&other, 299), 0);
	assert_int_equal(ids_append(&one, &other), 0);
	assert_true(ids_are_twice(&one));
	ids_done(&one);
	ids_done(&other);
	assert_null(one.hashes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_newest_and_the_oldest_date_are_kept),
	    cmocka_unit_test(a_date_that_is_missing_is_no_date),
	    cmocka_unit_test(ids_are_numbers_or_strings_or_both),
	    cmocka_unit_test(the_same_ids_in_another_order_are_the_same),
	    cmocka_unit_test(parts_add_up_to_the_whole),
	    cmocka_unit_test(what_is_said_of_any_part_is_said_of_the_whole),
	    cmocka_unit_test(flags_say_which_dates_are_missing),
	    cmocka_unit_test(dates_are_level_where_all_that_is_gone_by_are_one),
	    cmocka_unit_test(the_form_of_either_date_is_kept),
	    cmocka_unit_test(dates_of_two_forms_cannot_be_compared),
	    cmocka_unit_test(what_comes_to_a_listing_is_held_against_its_forms),
	    cmocka_unit_test(
		an_id_that_comes_twice_is_found_wherever_it_stands),
	    cmocka_unit_test(ids_of_two_answers_are_put_together),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
