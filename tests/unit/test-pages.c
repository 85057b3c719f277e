/* Pages by their number: how many there are, and which was the last. */
#include "sync/listing/pages.h"

#include "sync/listing/judge.h"
#include "sync/listing/part.h"
#include "unit.h"

static struct pages pages;
static struct look look;
static unsigned asked; /* records to a page */

static void begin(void)
{
	pages_begin(&pages);
	asked = 100;
	look = (struct look){.total = -1};
	assert_int_equal(pages.last, 1);
}

/* What tells nothing of others. */
static struct part_answer answer_of(int64_t page, int64_t count)
{
	return (struct part_answer){
	    .page = page,
	    .count = count,
	    .unique = count,
	    .info = {.total = -1, .total_pages = -1, .has_next = -1},
	};
}

/* Its records are counted before, as the round does. */
static enum pages_verdict absorb(struct part_answer answer)
{
	look.answers++;
	look.facts.count += answer.count;
	if (look.answers == 1)
		look.total = answer.info.total;
	return pages_absorb(&pages, &look, &answer, asked, look.facts.count);
}

static void as_many_as_are_told_are_asked_for(void **state)
{
	(void)state;
	struct part_answer answer = answer_of(1, 100);
	begin();
	answer.info.total_pages = 7;
	assert_int_equal(absorb(answer), PAGES_GO_ON);
	assert_int_equal(pages.last, 7);
	/* By the total, and the size that was asked for. */
	begin();
	answer = answer_of(1, 100);
	answer.info.total = 200;
	assert_int_equal(absorb(answer), PAGES_GO_ON);
	assert_int_equal(pages.last, 2);
	begin();
	answer.info.total = 201;
	assert_int_equal(absorb(answer), PAGES_GO_ON);
	assert_int_equal(pages.last, 3);
	/* Or that which the server has. */
	begin();
	answer.info.limit = 50;
	assert_int_equal(absorb(answer), PAGES_GO_ON);
	assert_int_equal(pages.last, 5);
	/* Of a size that nobody knows there may be any number. */
	begin();
	asked = 0;
	answer.info.limit = -1;
	assert_int_equal(absorb(answer), PAGES_GO_ON);
	assert_int_equal(pages.last, 2);
}

static void fewer_than_were_told_once_is_no_news(void **state)
{
	(void)state;
	struct part_answer answer = answer_of(1, 100);
	begin();
	answer.info.total_pages = 7;
	absorb(answer);
	answer = answer_of(2, 100);
	answer.info.total_pages = 2;
	assert_int_equal(absorb(answer), PAGES_GO_ON);
	assert_int_equal(pages.last, 7);
}

static void where_nothing_is_told_an_empty_one_is_the_end(void **state)
{
	(void)state;
	begin();
	for (int64_t page = 1; page <= 3; page++) {
		assert_int_equal(absorb(answer_of(page, 100)), PAGES_GO_ON);
		assert_int_equal(pages.last, page + 1);
	}
	assert_int_equal(absorb(answer_of(4, 0)), PAGES_OVER);
}

static void the_last_one_says_so(void **state)
{
	(void)state;
	struct part_answer answer = answer_of(1, 30);
	begin();
	answer.info.has_next = 0;
	assert_int_equal(absorb(answer), PAGES_OVER);
	/* Or has all that is counted. */
	begin();
	answer = answer_of(1, 30);
	answer.info.total = 30;
	assert_int_equal(absorb(answer), PAGES_OVER);
	/* Or counts none at all, and has none. */
	begin();
	answer = answer_of(1, 0);
	answer.info.total = answer.info.total_pages = 0;
	assert_int_equal(absorb(answer), PAGES_OVER);
}

static void who_says_that_there_is_more_is_asked(void **state)
{
	(void)state;
	struct part_answer answer = answer_of(1, 30);
	begin();
	answer.info.total = 30;
	answer.info.has_next = 1;
	assert_int_equal(absorb(answer), PAGES_GO_ON);
	assert_int_equal(pages.last, 2);
	/* More, of which there is nothing. */
	answer = answer_of(2, 0);
	answer.info.has_next = 1;
	assert_int_equal(absorb(answer), PAGES_TORN);
}

static void a_single_one_holds_what_it_counts(void **state)
{
	(void)state;
	struct part_answer answer = answer_of(1, 30);
	begin();
	answer.info.total = 31;
	answer.info.has_next = 0;
	assert_int_equal(absorb(answer), PAGES_TORN);
	begin();
	answer.info.total = 30;
	answer.info.has_next = -1;
	assert_int_equal(absorb(answer), PAGES_OVER);
}

static void what_comes_again_and_again_is_no_listing(void **state)
{
	(void)state;
	struct part_answer again = answer_of(2, 100);
	begin();
	again.unique = 0;
	again.info.total_pages = 1000;
	look.facts.count = 150;
	look.answers = 1;
	assert_int_equal(
	    pages_absorb(&pages, &look, &again, 100, 75), PAGES_GO_ON);
	look.facts.count = 151;
	assert_int_equal(
	    pages_absorb(&pages, &look, &again, 100, 75), PAGES_TORN);
	again.unique = 1;
	assert_int_equal(
	    pages_absorb(&pages, &look, &again, 100, 75), PAGES_GO_ON);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(as_many_as_are_told_are_asked_for),
	    cmocka_unit_test(fewer_than_were_told_once_is_no_news),
	    cmocka_unit_test(where_nothing_is_told_an_empty_one_is_the_end),
	    cmocka_unit_test(the_last_one_says_so),
	    cmocka_unit_test(who_says_that_there_is_more_is_asked),
	    cmocka_unit_test(a_single_one_holds_what_it_counts),
	    cmocka_unit_test(what_comes_again_and_again_is_no_listing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
