#include "unit.h"

#include <errno.h>
#include <stdio.h>

#include "json/json.h"

/* Lay text out, and see that the size foretold is the size made. */
static void assert_pretty(const char *text, const char *expected)
{
	CLEANUP_BUF struct buf out;
	uint64_t size = 0;
	buf_init(&out, BUF_MAX_DEFAULT);
	assert_int_equal(json_pretty(text, strlen(text), &out), 0);
	assert_string_equal(buf_str(&out), expected);
	assert_int_equal(json_pretty_size(text, strlen(text), &size), 0);
	assert_int_equal(size, strlen(expected));
}

static void a_record_is_laid_out(void **state)
{
	(void)state;
	assert_pretty("{\"id\":\"1\",\"tags\":[\"a\",\"b\"],"
		      "\"nested\":{\"x\":[[1],[]],\"y\":{}},\"z\":null}",
	    "{\n"
	    "  \"id\": \"1\",\n"
	    "  \"tags\": [\n"
	    "    \"a\",\n"
	    "    \"b\"\n"
	    "  ],\n"
	    "  \"nested\": {\n"
	    "    \"x\": [\n"
	    "      [\n"
	    "        1\n"
	    "      ],\n"
	    "      []\n"
	    "    ],\n"
	    "    \"y\": {}\n"
	    "  },\n"
	    "  \"z\": null\n"
	    "}\n");
}

static void an_array_of_objects_is_laid_out(void **state)
{
	(void)state;
	assert_pretty("[{\"a\":1},{\"a\":2},{}]", "[\n"
						  "  {\n"
						  "    \"a\": 1\n"
						  "  },\n"
						  "  {\n"
						  "    \"a\": 2\n"
						  "  },\n"
						  "  {}\n"
						  "]\n");
}

static void empty_containers_and_scalars_take_one_line(void **state)
{
	(void)state;
	assert_pretty("{}", "{}\n");
	assert_pretty(" { \n } ", "{}\n");
	assert_pretty("[\t]", "[]\n");
	assert_pretty("\r\n true ", "true\n");
	assert_pretty("\"a b\"", "\"a b\"\n");
}

static void foreign_white_space_is_replaced(void **state)
{
	(void)state;
	assert_pretty("{\r\n\t\"a\" :\t1 ,\"b\"\n:[ 1 ,\n\n2 ]\r}\n\n",
	    "{\n"
	    "  \"a\": 1,\n"
	    "  \"b\": [\n"
	    "    1,\n"
	    "    2\n"
	    "  ]\n"
	    "}\n");
}

static void white_space_within_strings_stays(void **state)
{
	(void)state;
	assert_pretty("{\"a  b\":\"  c : , [ ] { }  \"}",
	    "{\n  \"a  b\": \"  c : , [ ] { }  \"\n}\n");
}

static void pretty_text_stays_as_it_is(void **state)
{
	(void)state;
	static const char text[] = "{\n  \"a\": [\n    1,\n    {}\n  ]\n}\n";
	assert_pretty(text, text);
}

static void big_integers_survive(void **state)
{
	(void)state;
	assert_pretty("12345678901234567890", "12345678901234567890\n");
	assert_pretty("[9007199254740993]", "[\n  9007199254740993\n]\n");
}

static void numbers_survive_as_written(void **state)
{
	(void)state;
	static const char *const numbers[] = {"1.0", "1e400", "-0", "-0.0",
	    "1E+2", "1e-400", "0.10",
	    "12345678901234567890123456789012345678901234567890123456789012"};
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		char expected[80];
		snprintf(expected, sizeof(expected), "%s\n", numbers[i]);
		assert_pretty(numbers[i], expected);
	}
}

static void strings_survive_as_written(void **state)
{
	(void)state;
	static const char *const strings[] = {"\"\\u0000\"", "\"a\\u0000b\"",
	    "\"\\ud800\"", "\"\\udfff\\ud800\"", "\"\\uD83D\\uDE00\"",
	    "\"\xf0\x9f\x98\x80\"", "\"\\/\"", "\"/\"", "\"\\u0041\"",
	    "\"\xff\xfe\"", "\"\xed\xa0\x80\"", "\"e\xcc\x81\xc3\xa9\""};
	for (size_t i = 0; i < ARRAY_SIZE(strings); i++) {
		char expected[64];
		snprintf(expected, sizeof(expected), "%s\n", strings[i]);
		assert_pretty(strings[i], expected);
	}
}

static void repeated_keys_and_their_order_survive(void **state)
{
	(void)state;
	assert_pretty("{\"b\":1,\"a\":2,\"b\":3,\"\\u0062\":4}",
	    "{\n  \"b\": 1,\n  \"a\": 2,\n  \"b\": 3,\n"
	    "  \"\\u0062\": 4\n}\n");
}

static void output_is_appended(void **state)
{
	(void)state;
	CLEANUP_BUF struct buf out;
	buf_init(&out, 100);
	assert_int_equal(buf_adds(&out, "x"), 0);
	assert_int_equal(json_pretty(TEXT("[]"), &out), 0);
	assert_int_equal(json_pretty(TEXT("1"), &out), 0);
	assert_buf(&out, "x[]\n1\n");
}

static void invalid_json_leaves_nothing_behind(void **state)
{
	(void)state;
	static const char *const bad[] = {
	    "", "{", "[1,]", "{\"a\":1}x", "[1,2", "{\"a\":01}"};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		CLEANUP_BUF struct buf out;
		uint64_t size = 42;
		buf_init(&out, 100);
		assert_int_equal(buf_adds(&out, "x"), 0);
		assert_int_equal(
		    json_pretty(bad[i], strlen(bad[i]), &out), -EPROTO);
		assert_buf(&out, "x");
		assert_int_equal(
		    json_pretty_size(bad[i], strlen(bad[i]), &size), -EPROTO);
		assert_int_equal(size, 42);
	}
}

static void a_cap_is_kept_to_the_byte(void **state)
{
	(void)state;
	CLEANUP_BUF struct buf out;
	buf_init(&out, 8); /* [\n  1\n]\n has 8 bytes */
	assert_int_equal(json_pretty(TEXT("[1]"), &out), 0);
	assert_buf(&out, "[\n  1\n]\n");
	buf_clear(&out);
	assert_int_equal(json_pretty(TEXT("[12]"), &out), -EMSGSIZE);
	assert_buf(&out, "");
}

static void the_deepest_nesting_is_indented(void **state)
{
	(void)state;
	char text[2 * JSON_DEPTH_MAX];
	memset(text, '[', JSON_DEPTH_MAX);
	memset(text + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
	uint64_t size;
	assert_int_equal(json_pretty_size(text, sizeof(text), &size), 0);
	CLEANUP_BUF struct buf out;
	buf_init(&out, BUF_MAX_DEFAULT);
	assert_int_equal(json_pretty(text, sizeof(text), &out), 0);
	assert_int_equal(out.len, size);
	/* Each of the outer n levels has a line "[" and a line "]", indented by
	 * twice its depth; the innermost is one line "[]". */
	uint64_t n = JSON_DEPTH_MAX - 1;
	assert_int_equal(size, 2 * (n * (n - 1) + n * 2) + n * 2 + 3);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_record_is_laid_out),
	    cmocka_unit_test(an_array_of_objects_is_laid_out),
	    cmocka_unit_test(empty_containers_and_scalars_take_one_line),
	    cmocka_unit_test(foreign_white_space_is_replaced),
	    cmocka_unit_test(white_space_within_strings_stays),
	    cmocka_unit_test(pretty_text_stays_as_it_is),
	    cmocka_unit_test(big_integers_survive),
	    cmocka_unit_test(numbers_survive_as_written),
	    cmocka_unit_test(strings_survive_as_written),
	    cmocka_unit_test(repeated_keys_and_their_order_survive),
	    cmocka_unit_test(output_is_appended),
	    cmocka_unit_test(invalid_json_leaves_nothing_behind),
	    cmocka_unit_test(a_cap_is_kept_to_the_byte),
	    cmocka_unit_test(the_deepest_nesting_is_indented),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
