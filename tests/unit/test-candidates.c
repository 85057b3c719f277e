#include "unit.h"

#include <errno.h>
#include <stdio.h>

#include "mcp/candidates.h"

static struct candidates *candidates;

static int setup(void **state)
{
	(void)state;
	candidates = candidates_new();
	return candidates ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	candidates_free(candidates);
	return 0;
}

static void add(const char *group, const char *name)
{
	assert_int_equal(candidates_add(candidates, group, name), 0);
}

static void add_many(const char *group, const char *stem, int count)
{
	char name[32];
	for (int i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "%s%d", stem, i);
		add(group, name);
	}
}

/* Try all that comes; a name is there if it begins so. How many were tried. */
static size_t try_all(const char *there)
{
	size_t tried = 0, index;
	while (candidates_next(candidates, &index)) {
		const char *name = candidates_name(candidates, index);
		candidates_tell(candidates, index,
		    strncmp(name, there, strlen(there)) == 0
			? CANDIDATES_THERE
			: CANDIDATES_ABSENT);
		tried++;
	}
	return tried;
}

static size_t count_there(void)
{
	size_t count = 0;
	for (size_t i = 0; i < candidates_count(candidates); i++)
		count += candidates_is_there(candidates, i);
	return count;
}

static void of_other_projects_a_few_are_tried(void **state)
{
	(void)state;
	add_many("foreign", "foreign", 30);
	add_many("ours", "ours", 30);
	add_many("other", "other", 2);
	assert_int_equal(try_all("ours"), CANDIDATES_SAMPLE + 30 + 2);
	assert_int_equal(count_there(), 30);
}

static void a_name_of_two_groups_is_tried_once(void **state)
{
	(void)state;
	add_many("dev", "ours", 20);
	add_many("prod", "ours", 10);
	add("dev", "ours1");
	assert_int_equal(candidates_count(candidates), 20);
	assert_int_equal(try_all("ours"), 20);
}

static void the_only_group_is_tried_whole(void **state)
{
	(void)state;
	add_many("a", "gone", 10);
	add("a", "here");
	assert_int_equal(try_all("here"), 11);
	assert_int_equal(count_there(), 1);
}

static void where_nothing_is_there_all_are_tried(void **state)
{
	(void)state;
	add_many("a", "gone", 10);
	add_many("b", "lost", 10);
	add("b", "here");
	assert_int_equal(try_all("here"), 21);
	assert_int_equal(count_there(), 1);
}

/* Several at once: no more of a group than its sample, before one is there. */
static void those_that_are_being_tried_count(void **state)
{
	(void)state;
	size_t first[2 * CANDIDATES_SAMPLE], index;
	add_many("a", "a", 9);
	add_many("b", "b", 9);
	for (size_t i = 0; i < 2 * CANDIDATES_SAMPLE; i++)
		assert_true(candidates_next(candidates, &first[i]));
	assert_false(candidates_next(candidates, &index));
	candidates_tell(candidates, first[0], CANDIDATES_UNKNOWN);
	assert_false(candidates_next(candidates, &index));
	candidates_tell(candidates, first[1], CANDIDATES_THERE);
	assert_true(candidates_next(candidates, &index));
	assert_string_equal(candidates_name(candidates, index), "a3");
}

static void what_can_be_no_table_is_passed_over(void **state)
{
	(void)state;
	static const char too_long[] =
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "aa";
	static const char *const bad[] = {"", "..", "../etc", "a/b", "_system",
	    "9a", "a\nb", "files", "caf\xc3\xa9", ".bkendfs", too_long};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		add("a", bad[i]);
	assert_int_equal(candidates_count(candidates), 0);
	add("a", "storage");
	assert_int_equal(candidates_count(candidates), 1);
}

static void there_is_an_end_to_what_is_kept(void **state)
{
	(void)state;
	char text[32];
	add_many("a", "a", CANDIDATES_NAMES_MAX);
	assert_int_equal(candidates_add(candidates, "a", "b"), -ENOSPC);
	add("a", "a7");
	for (int i = 1; i < CANDIDATES_GROUPS_MAX; i++) {
		snprintf(text, sizeof(text), "group%d", i);
		add(text, "a7");
	}
	assert_int_equal(candidates_add(candidates, "b", "a7"), -ENOSPC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		of_other_projects_a_few_are_tried, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		a_name_of_two_groups_is_tried_once, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		the_only_group_is_tried_whole, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		where_nothing_is_there_all_are_tried, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		those_that_are_being_tried_count, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		what_can_be_no_table_is_passed_over, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		there_is_an_end_to_what_is_kept, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
