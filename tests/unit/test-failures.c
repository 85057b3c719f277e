#include "unit.h"

#include <errno.h>
#include <stdio.h>

#include "base/failures.h"

static struct failures *failures;
static struct buf text;

static int setup(void **state)
{
	(void)state;
	failures = failures_new();
	buf_init(&text, BUF_MAX_DEFAULT);
	return failures ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	failures_free(failures);
	buf_done(&text);
	return 0;
}

static const char *print(void)
{
	buf_clear(&text);
	assert_int_equal(failures_print(failures, &text), 0);
	return buf_str(&text);
}

/* What follows the time of the line that begins at line. */
static const char *after_time(const char *line)
{
	const char *tab = strchr(line, '\t');
	assert_non_null(tab);
	assert_int_equal(tab - line, strlen("2026-04-13T09:30:00.123Z"));
	return tab + 1;
}

static void nothing_failed_at_first(void **state)
{
	(void)state;
	assert_string_equal(print(), "");
	assert_int_equal(failures_count(failures), 0);
}

static void a_failure_is_one_line(void **state)
{
	(void)state;
	failures_add(failures, "posts/5f.json", "GET /v1/data/posts/5f", 403,
	    -EACCES, "data/permission-denied", "not yours");
	assert_string_equal(after_time(print()),
	    "posts/5f.json\tGET /v1/data/posts/5f\t403\tEACCES\t"
	    "data/permission-denied\tnot yours\n");
}

static void missing_texts_are_empty(void **state)
{
	(void)state;
	failures_add(failures, NULL, NULL, 0, -EIO, NULL, NULL);
	assert_string_equal(after_time(print()), "\t\t0\tEIO\t\t\n");
}

static void server_text_cannot_break_the_line(void **state)
{
	(void)state;
	failures_add(failures, "a\tb\nc", "GET /\x1b[31m", 500, -EIO,
	    "\xff\xc2\x9b", "\xed\xa0\x80 \xec\x95\x88\r\x7f");
	assert_string_equal(after_time(print()),
	    "a\\x09b\\x0ac\tGET /\\x1b[31m\t500\tEIO\t\\xff\\xc2\\x9b\t"
	    "\\xed\\xa0\\x80 \xec\x95\x88\\x0d\\x7f\n");
}

static void long_texts_are_cut_between_characters(void **state)
{
	(void)state;
	struct buf longer;
	buf_init(&longer, BUF_MAX_DEFAULT);
	for (int i = 0; i < 1000; i++)
		buf_adds(&longer, "\xec\x95\x88");
	failures_add(failures, buf_str(&longer), buf_str(&longer), 1, -EIO,
	    buf_str(&longer), buf_str(&longer));
	const char *line = after_time(print());
	size_t path = strcspn(line, "\t");
	assert_true(path < 1000 && path % 3 == 0);
	assert_null(strstr(line, "\\x"));
	assert_int_equal(line[strlen(line) - 1], '\n');
	buf_done(&longer);
}

static void the_last_hundred_are_kept_oldest_first(void **state)
{
	(void)state;
	for (int i = 0; i < FAILURES_MAX + 7; i++)
		failures_add(failures, "p", "r", i, -EIO, "", "");
	assert_int_equal(failures_count(failures), FAILURES_MAX + 7);
	const char *line = print();
	for (int i = 7; i < FAILURES_MAX + 7; i++) {
		char expected[64];
		snprintf(expected, sizeof(expected), "p\tr\t%d\tEIO\t\t\n", i);
		assert_memory_equal(
		    after_time(line), expected, strlen(expected));
		line = strchr(line, '\n') + 1;
	}
	assert_string_equal(line, "");
}

static void freeing_nothing_is_fine(void **state)
{
	(void)state;
	failures_free(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(nothing_failed_at_first),
	    TEST(a_failure_is_one_line),
	    TEST(missing_texts_are_empty),
	    TEST(server_text_cannot_break_the_line),
	    TEST(long_texts_are_cut_between_characters),
	    TEST(the_last_hundred_are_kept_oldest_first),
	    cmocka_unit_test(freeing_nothing_is_fine),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
