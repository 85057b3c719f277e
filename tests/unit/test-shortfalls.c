#include "unit.h"

#include <string.h>

#include "api/shortfalls.h"

static struct shortfalls *shortfalls;

static int setup(void **state)
{
	(void)state;
	shortfalls = shortfalls_new();
	return shortfalls ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	shortfalls_free(shortfalls);
	return 0;
}

static void assert_missing(const char *table, const char *words)
{
	char out[64] = "untouched";
	assert_true(shortfalls_find(shortfalls, table, out, sizeof(out)));
	assert_string_equal(out, words);
}

static void assert_whole(const char *table)
{
	char out[64] = "untouched";
	assert_false(shortfalls_find(shortfalls, table, out, sizeof(out)));
	assert_string_equal(out, "untouched");
}

static void nothing_is_missing_of_what_nobody_spoke_of(void **state)
{
	(void)state;
	assert_whole("posts");
	assert_whole(NULL);
	assert_int_equal(shortfalls_tell(shortfalls, "posts", ""), 0);
	assert_whole("posts");
}

static void what_is_missing_is_news_once(void **state)
{
	(void)state;
	assert_int_equal(shortfalls_tell(shortfalls, "posts", "page 2"), 1);
	assert_int_equal(shortfalls_tell(shortfalls, "posts", "page 2"), 0);
	assert_missing("posts", "page 2");
	assert_int_equal(shortfalls_tell(shortfalls, "posts", "page 3"), 1);
	assert_missing("posts", "page 3");
}

/* One table's word says nothing of the next, nor of the files. */
static void each_listing_is_told_of_by_itself(void **state)
{
	(void)state;
	assert_int_equal(shortfalls_tell(shortfalls, "posts", "page 2"), 1);
	assert_whole("users");
	assert_whole(NULL);
	assert_int_equal(shortfalls_tell(shortfalls, NULL, "files"), 1);
	assert_int_equal(shortfalls_tell(shortfalls, "users", "page 9"), 1);
	assert_missing("posts", "page 2");
	assert_missing("users", "page 9");
	assert_missing(NULL, "files");
}

static void a_page_without_words_makes_it_whole_again(void **state)
{
	(void)state;
	assert_int_equal(shortfalls_tell(shortfalls, "posts", "page 2"), 1);
	assert_int_equal(shortfalls_tell(shortfalls, NULL, "files"), 1);
	assert_int_equal(shortfalls_tell(shortfalls, "posts", ""), 0);
	assert_whole("posts");
	assert_missing(NULL, "files");
	assert_int_equal(shortfalls_tell(shortfalls, "posts", "page 2"), 1);
	assert_missing("posts", "page 2");
}

static void long_words_are_cut_to_fit(void **state)
{
	(void)state;
	char out[5];
	assert_int_equal(shortfalls_tell(shortfalls, "posts", "page 2"), 1);
	assert_true(shortfalls_find(shortfalls, "posts", out, sizeof(out)));
	assert_string_equal(out, "page");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(nothing_is_missing_of_what_nobody_spoke_of),
	    TEST(what_is_missing_is_news_once),
	    TEST(each_listing_is_told_of_by_itself),
	    TEST(a_page_without_words_makes_it_whole_again),
	    TEST(long_words_are_cut_to_fit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
