#include "unit.h"

#include "base/utf8.h"

static void every_code_point_has_one_sequence(void **state)
{
	(void)state;
	for (uint32_t code = 0; code < 0x110000; code++) {
		char text[4];
		size_t len = code < 0x80      ? 1
			     : code < 0x800   ? 2
			     : code < 0x10000 ? 3
					      : 4;
		static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
		for (size_t i = 0; i < len; i++) {
			uint32_t bits = code >> 6 * (len - 1 - i);
			text[i] =
			    (char)(i ? 0x80 | (bits & 0x3f) : lead[len] | bits);
		}
		uint32_t found = UINT32_MAX;
		size_t n = utf8_sequence(text, len, &found);
		if (code >= 0xd800 && code < 0xe000) {
			assert_int_equal(n, 0);
			continue;
		}
		assert_int_equal(n, len);
		assert_int_equal(found, code);
		assert_int_equal(utf8_sequence(text, len - 1, NULL), 0);
	}
}

static void what_is_not_utf8_has_no_length(void **state)
{
	(void)state;
	static const char *const bad[] = {"\x80", "\xbf", "\xc0\x80",
	    "\xc1\xbf", "\xe0\x80\x80", "\xe0\x9f\xbf", "\xf0\x80\x80\x80",
	    "\xf0\x8f\xbf\xbf", "\xed\xa0\x80", "\xed\xbf\xbf",
	    "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xf8\x88\x80\x80\x80",
	    "\xfe", "\xff", "\xc3", "\xc3(", "\xe2\x82", "\xe2(\xac",
	    "\xe2\x82(", "\xf0\x9f\x98", "\xf0\x9f\x98(", "\xc3\xc3"};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		uint32_t code = 42;
		assert_int_equal(
		    utf8_sequence(bad[i], strlen(bad[i]), &code), 0);
		assert_int_equal(code, 42);
	}
}

static void only_the_first_sequence_is_taken(void **state)
{
	(void)state;
	assert_int_equal(utf8_sequence(TEXT("ab"), NULL), 1);
	assert_int_equal(utf8_sequence(TEXT("\xc3\xa9\xff"), NULL), 2);
	assert_int_equal(utf8_sequence(TEXT("\0"), NULL), 1);
	assert_int_equal(utf8_sequence("", 0, NULL), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_code_point_has_one_sequence),
	    cmocka_unit_test(what_is_not_utf8_has_no_length),
	    cmocka_unit_test(only_the_first_sequence_is_taken),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
