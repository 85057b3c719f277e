#include "unit.h"

#include "fs/words.h"

static void assert_said(const char *const *parts, const char *expected)
{
	struct words words = {0};
	for (; *parts; parts++)
		words_add(&words, *parts);
	assert_string_equal(words.text, expected);
}

#define SAID(...) ((const char *const[]){__VA_ARGS__, NULL})

static void fragments_are_put_together(void **state)
{
	(void)state;
	assert_said(
	    SAID("fuse: unknown option(s): `", "-o ", "lazytime", "'\n"),
	    "fuse: unknown option(s): `-o lazytime'");
}

static void lines_are_parted(void **state)
{
	(void)state;
	assert_said(SAID("one\n", "two\nthree", " and more\n\n", "\nfour\n\n"),
	    "one; two; three and more; four");
	assert_said(SAID("\n\n", "one"), "one");
}

static void nothing_said_is_nothing(void **state)
{
	(void)state;
	assert_said(SAID(""), "");
	assert_said(SAID("\n", "\n"), "");
}

static void too_many_words_are_cut(void **state)
{
	(void)state;
	struct words words = {0};
	for (int i = 0; i < WORDS_SIZE; i++)
		words_add(&words, i % 3 ? "ab" : "c\n");
	assert_int_equal(strlen(words.text), WORDS_SIZE - 1);
	assert_memory_equal(words.text, "c; ababc; ", 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(fragments_are_put_together),
	    cmocka_unit_test(lines_are_parted),
	    cmocka_unit_test(nothing_said_is_nothing),
	    cmocka_unit_test(too_many_words_are_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
