#include "unit.h"

#include <errno.h>

#include "base/number.h"

static void digits_are_a_number(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t number;
	} cases[] = {{"0", 0}, {"7", 7}, {"007", 7}, {"100", 100},
	    {"9223372036854775807", INT64_MAX}};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int64_t number = -1;
		assert_int_equal(
		    number_parse(cases[i].text, 0, INT64_MAX, &number), 0);
		assert_int_equal(number, cases[i].number);
	}
}

static void anything_else_is_none(void **state)
{
	(void)state;
	static const char *const bad[] = {"", " 1", "1 ", "+1", "-1", "1.0",
	    "1k", "0x1", "one", "9223372036854775808"};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		int64_t number = -7;
		assert_int_equal(
		    number_parse(bad[i], 0, INT64_MAX, &number), -EINVAL);
		assert_int_equal(number, -7);
	}
}

static void the_bounds_belong_to_it(void **state)
{
	(void)state;
	int64_t number;
	assert_int_equal(number_parse("2", 2, 4, &number), 0);
	assert_int_equal(number_parse("4", 2, 4, &number), 0);
	assert_int_equal(number_parse("1", 2, 4, &number), -EINVAL);
	assert_int_equal(number_parse("5", 2, 4, &number), -EINVAL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(digits_are_a_number),
	    cmocka_unit_test(anything_else_is_none),
	    cmocka_unit_test(the_bounds_belong_to_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
