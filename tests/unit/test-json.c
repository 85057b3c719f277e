#include "unit.h"

#include <errno.h>

#include "json/json.h"

static int check(const char *text)
{
	return json_check(text, strlen(text));
}

static void valid_json_is_accepted(void **state)
{
	(void)state;
	static const char *const valid[] = {"{}", "[]", "null", "true", "false",
	    "0", "-0", "1.0", "1e400", "-1.5E-10", "1e+5", "0.0",
	    "12345678901234567890", "\"\"", "\"\\u0000\"", "\"\\ud800\"",
	    "\"\\udc00\\ud800\"", "\"\\ud83d\\ude00\"", "\"\x7f\"",
	    "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u12aB\"", "\"\xff\xc0\x80\"",
	    " \t\r\n1 \t\r\n", "{\"\":{\"\":[[],{}]}}", "{\"a\":1,\"a\":2}",
	    " [ 1 , 2 ] ", "{ \"a\" : 1 , \"b\" : [ ] }",
	    "[null,true,false,0,\"\",[],{}]"};
	for (size_t i = 0; i < ARRAY_SIZE(valid); i++) {
		if (check(valid[i]) != 0)
			fail_msg("refused: %s", valid[i]);
	}
}

static void invalid_json_is_refused(void **state)
{
	(void)state;
	static const char *const invalid[] = {"", " ", "{", "}", "[", "]",
	    "[1,]", "{\"a\":1,}", "[,1]", "[,]", "{,}", "[1 2]", "[1,,2]",
	    "{\"a\"}", "{\"a\":}", "{\"a\" 1}", "{\"a\"::1}", "{a:1}", "{1:1}",
	    "{'a':1}", "['a']", "{\"a\":1 \"b\":2}", "{\"a\":1;\"b\":2}",
	    "{null:1}", "{\"a\":1]", "[1}", "[[]", "{}}", "1 2", "{}{}", "[] ,",
	    "NaN", "Infinity", "-Infinity", "undefined", "True", "nul", "nulll",
	    "truefalse", "tru", "01", "-01", "00", "+1", "1.", ".5", "-.5", "-",
	    "1e", "1e+", "1.e5", "1.5.5", "0x10", "1_000", "--1", "1-", "- 1",
	    "1 .5", "\"", "\"abc", "\"\\", "\"\\\"", "\"\\u", "\"\\u12",
	    "\"\\u123\"", "\"\\u12g4\"", "\"\\x41\"", "\"\\a\"", "\"\\'\"",
	    "\"\\U0041\"", "\"\n\"", "\"\t\"", "\"\x01\"", "\"\x1f\"", "\"\"\"",
	    "\xef\xbb\xbf{}", "\xc2\xa0{}", "\f1", "\v1", "// c\n1", "/**/1",
	    "[1]#", "\"a\" \"b\"", ":", ",", "\"a\":1", "\\u0031"};
	for (size_t i = 0; i < ARRAY_SIZE(invalid); i++) {
		if (check(invalid[i]) != -EPROTO)
			fail_msg("accepted: %s", invalid[i]);
	}
}

static void nul_bytes_are_no_json(void **state)
{
	(void)state;
	assert_int_equal(json_check(TEXT("\0")), -EPROTO);
	assert_int_equal(json_check(TEXT("1\0")), -EPROTO);
	assert_int_equal(json_check(TEXT("\0001")), -EPROTO);
	assert_int_equal(json_check(TEXT("[\0]")), -EPROTO);
	assert_int_equal(json_check(TEXT("{\0}")), -EPROTO);
	assert_int_equal(json_check(TEXT("\"\0\"")), -EPROTO);
	assert_int_equal(json_check(TEXT("\"\\\0\"")), -EPROTO);
	assert_int_equal(json_check(NULL, 0), -EPROTO);
}

/* Text is read eight or sixteen bytes at a time: a byte that ends or breaks a
 * string must be seen wherever it stands in a word. */
static void string_ends_are_seen_at_every_offset(void **state)
{
	(void)state;
	char text[64];
	for (size_t len = 0; len < 40; len++) {
		memset(text, 'x', sizeof(text));
		text[0] = text[len + 1] = '"';
		assert_int_equal(json_check(text, len + 2), 0);
		assert_int_equal(json_check(text, len + 1), -EPROTO);
		assert_int_equal(json_check(text, len + 3), -EPROTO);
		for (size_t i = 1; i <= len; i++) {
			static const char bad[] = "\x1f\"\\\n";
			for (size_t k = 0; k < sizeof(bad); k++) {
				text[i] = bad[k];
				assert_int_equal(
				    json_check(text, len + 2), -EPROTO);
			}
			static const char good[] = "\x20!#[]\x7f\x80\xa2\xdc";
			for (size_t k = 0; k + 1 < sizeof(good); k++) {
				text[i] = good[k];
				assert_int_equal(json_check(text, len + 2), 0);
			}
			text[i] = 'x';
		}
	}
}

/* Nothing behind the given length may count. */
static void text_ends_at_its_length(void **state)
{
	(void)state;
	static const char text[] = "{\"a\":[true,-1.5e+10,\"\\u0041\\n\"]}";
	for (size_t len = 0; len < sizeof(text) - 1; len++) {
		char *copy = malloc(len ? len : 1);
		assert_non_null(copy);
		memcpy(copy, text, len);
		assert_int_equal(json_check(copy, len), -EPROTO);
		free(copy);
	}
	assert_int_equal(json_check(TEXT("{\"a\":[true,-1.5e+10]}")), 0);
	assert_int_equal(json_check("12x", 2), 0);
	assert_int_equal(json_check("truex", 4), 0);
}

static void nest(struct buf *buf, const char *open, const char *close, int n)
{
	buf_clear(buf);
	for (int i = 0; i < n; i++)
		assert_int_equal(buf_adds(buf, open), 0);
	assert_int_equal(buf_adds(buf, "0"), 0);
	for (int i = 0; i < n; i++)
		assert_int_equal(buf_adds(buf, close), 0);
}

static void nesting_is_accepted_up_to_the_limit(void **state)
{
	(void)state;
	static const char *const forms[][2] = {
	    {"[", "]"}, {"{\"a\":", "}"}, {"[{\"a\":", "}]"}};
	CLEANUP_BUF struct buf buf;
	buf_init(&buf, BUF_MAX_DEFAULT);
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		int levels = strlen(forms[i][1]) == 2 ? 2 : 1;
		int most = JSON_DEPTH_MAX / levels;
		nest(&buf, forms[i][0], forms[i][1], most);
		assert_int_equal(json_check(buf.data, buf.len), 0);
		nest(&buf, forms[i][0], forms[i][1], most + 1);
		assert_int_equal(json_check(buf.data, buf.len), -EPROTO);
		nest(&buf, forms[i][0], forms[i][1], 1000000);
		assert_int_equal(json_check(buf.data, buf.len), -EPROTO);
	}
}

/* Each level remembers its own kind. */
static void brackets_must_match_at_every_level(void **state)
{
	(void)state;
	char text[2 * 200 + 1];
	for (size_t wrong = 0; wrong <= 200; wrong++) {
		for (size_t i = 0; i < 200; i++) {
			text[i] = '[';
			text[399 - i] = i == wrong ? '}' : ']';
		}
		assert_int_equal(
		    json_check(text, 400), wrong == 200 ? 0 : -EPROTO);
	}
}

static const char *const wanted[] = {"id", "updatedAt", "none"};

#define assert_span(span, literal)                                             \
	assert_text((span).text, (span).len, literal, sizeof(literal) - 1)

static void members_are_found_with_their_token_text(void **state)
{
	(void)state;
	struct json_span spans[3];
	assert_int_equal(
	    json_members(
		TEXT(" { \"x\" : [ {\"id\":0} ] , \"id\" : \"7\\u0041\""
		     " ,\"updatedAt\":{ \"id\" : [1] } , \"z\":1 } "),
		wanted, 3, spans),
	    0);
	assert_span(spans[0], "\"7\\u0041\"");
	assert_span(spans[1], "{ \"id\" : [1] }");
	assert_null(spans[2].text);
	assert_int_equal(spans[2].len, 0);
}

static void members_of_every_kind_are_found(void **state)
{
	(void)state;
	static const char *const names[] = {"a", "b", "c", "d", "e", "f", ""};
	struct json_span spans[7];
	assert_int_equal(
	    json_members(TEXT("{\"a\":[],\"b\":{},\"c\":-1.50e+3,\"d\":null,"
			      "\"e\":true ,\"f\":[1, [2]] , \"\":\"\"}"),
		names, 7, spans),
	    0);
	assert_span(spans[0], "[]");
	assert_span(spans[1], "{}");
	assert_span(spans[2], "-1.50e+3");
	assert_span(spans[3], "null");
	assert_span(spans[4], "true");
	assert_span(spans[5], "[1, [2]]");
	assert_span(spans[6], "\"\"");
}

static void keys_are_compared_after_decoding(void **state)
{
	(void)state;
	static const char *const names[] = {"id", "a\"b", "\xf0\x9f\x98\x80"};
	struct json_span spans[3];
	assert_int_equal(json_members(TEXT("{\"\\u0069d\":1,\"a\\\"b\":2,"
					   "\"\\ud83d\\ude00\":3}"),
			     names, 3, spans),
	    0);
	assert_span(spans[0], "1");
	assert_span(spans[1], "2");
	assert_span(spans[2], "3");
}

static void similar_keys_are_not_taken(void **state)
{
	(void)state;
	struct json_span spans[3];
	assert_int_equal(
	    json_members(TEXT("{\"ID\":1,\"i\":2,\"idd\":3,\"id\\u0000\":4,"
			      "\"\":5,\"\\\\u0069d\":6,\"_id\":{\"id\":7},"
			      "\"v\":\"id\"}"),
		wanted, 3, spans),
	    0);
	assert_null(spans[0].text);
}

static void the_last_of_a_repeated_key_counts(void **state)
{
	(void)state;
	struct json_span spans[3];
	assert_int_equal(
	    json_members(TEXT("{\"id\":1,\"id\":[2],\"\\u0069\\u0064\":3}"),
		wanted, 3, spans),
	    0);
	assert_span(spans[0], "3");
}

static void one_name_may_be_asked_for_twice(void **state)
{
	(void)state;
	static const char *const names[] = {"id", "id"};
	struct json_span spans[2];
	assert_int_equal(json_members(TEXT("{\"id\":1}"), names, 2, spans), 0);
	assert_span(spans[0], "1");
	assert_span(spans[1], "1");
}

static void members_need_an_object(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "[]", "1", "\"{}\"", "null",
	    "{\"id\":1", "{\"id\":1}}", "{\"id\":1}1", "{\"id\":01}",
	    "{\"id\":1,}", "{\"x\":[{\"id\":1,}]}"};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct json_span spans[3] = {{"x", 1}, {"x", 1}, {"x", 1}};
		int r = json_members(bad[i], strlen(bad[i]), wanted, 3, spans);
		if (r != -EPROTO)
			fail_msg("accepted: %s", bad[i]);
		assert_null(spans[0].text); /* nothing half-valid is left */
	}
	struct json_span none;
	assert_int_equal(json_members(TEXT("{}"), NULL, 0, &none), 0);
}

static struct json_span span(const char *text)
{
	return (struct json_span){text, strlen(text)};
}

static void kinds_follow_from_the_token(void **state)
{
	(void)state;
	struct json_span none = {0};
	assert_true(json_is_string(span("\"\"")));
	assert_true(json_is_number(span("-0")));
	assert_true(json_is_number(span("9e9")));
	assert_true(json_is_number(span("0")));
	assert_false(json_is_number(span("/")));
	assert_false(json_is_number(span(":")));
	assert_true(json_is_object(span("{}")));
	assert_true(json_is_array(span("[]")));
	assert_true(json_is_true(span("true")));
	assert_false(json_is_true(span("false")));
	assert_false(json_is_true(span("\"true\"")));
	assert_false(json_is_number(span("null")));
	assert_false(json_is_number(span("\"1\"")));
	assert_false(json_is_string(none) || json_is_number(none) ||
		     json_is_object(none) || json_is_array(none) ||
		     json_is_true(none));
}

static void assert_int64(const char *text, int64_t expected)
{
	int64_t value = -1;
	assert_int_equal(json_int64(span(text), &value), 0);
	assert_true(value == expected);
}

static void plain_integers_are_read(void **state)
{
	(void)state;
	assert_int64("0", 0);
	assert_int64("20", 20);
	assert_int64("9223372036854775807", INT64_MAX);
	assert_int64("\"0\"", 0);
	assert_int64("\"1048576\"", 1048576);
}

static void other_numbers_are_no_integers(void **state)
{
	(void)state;
	static const char *const bad[] = {"-1", "-0", "12.0", "1e3",
	    "9223372036854775808", "99999999999999999999999", "\"\"", "\"",
	    "\"-1\"", "\"007\"", "\"1 \"", "\"1.0\"", "\"abc\"", "null", "true",
	    "{}", "[1]", "1\"", "\"1"};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		int64_t value = -7;
		if (json_int64(span(bad[i]), &value) != -EPROTO)
			fail_msg("accepted: %s", bad[i]);
		assert_true(value == -7);
	}
	int64_t value;
	assert_int_equal(json_int64((struct json_span){0}, &value), -EPROTO);
}

static void a_hash_follows_tokens_and_not_their_layout(void **state)
{
	(void)state;
	uint64_t hash = 0, other = 0;
	assert_int_equal(
	    json_hash(TEXT("{\"a\":[1,2.0,\"x y\"],\"b\":{}}"), &hash), 0);
	assert_int_equal(
	    json_hash(
		TEXT(" {\"a\" :\n[1 , 2.0,\t\"x y\"],\"b\":{ }}\r\n"), &other),
	    0);
	assert_true(hash == other);
	static const char *const others[] = {"{\"a\":[1,2.0,\"xy\"],\"b\":{}}",
	    "{\"a\":[12.0,\"x y\"],\"b\":{}}", "{\"a\":[1,2,\"x y\"],\"b\":{}}",
	    "{\"a\":[1,2.0,\"x y\"],\"b\":[]}",
	    "{\"b\":{},\"a\":[1,2.0,\"x y\"]}", "{\"a\":[1,[2.0],\"x y\"]}",
	    "{}"};
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		assert_int_equal(
		    json_hash(others[i], strlen(others[i]), &other), 0);
		assert_true(hash != other);
	}
	other = 42;
	assert_int_equal(json_hash(TEXT("{\"a\""), &other), -EPROTO);
	assert_true(other == 42);
}

static void tell_member(
    void *ctx, struct json_span name, struct json_span value)
{
	assert_int_equal(buf_printf(ctx, "%.*s=%.*s ", (int)name.len, name.text,
			     (int)value.len, value.text),
	    0);
}

static void plain_members_are_told_in_order(void **state)
{
	(void)state;
	CLEANUP_BUF struct buf told;
	buf_init(&told, 1000);
	assert_int_equal(json_plain_members(TEXT("{\"a\":1,\"o\":{\"in\":2},"
						 "\"l\":[3,\"x\"],\"n\":null,"
						 "\"b\":\"\",\"t\":true,"
						 "\"a\":-1e9}"),
			     tell_member, &told),
	    0);
	assert_string_equal(buf_str(&told), "\"a\"=1 \"b\"=\"\" \"a\"=-1e9 ");
	assert_int_equal(
	    json_plain_members(TEXT("[1]"), tell_member, &told), -EPROTO);
	assert_int_equal(
	    json_plain_members(TEXT("{\"a\":1,}"), tell_member, &told),
	    -EPROTO);
	assert_int_equal(
	    json_plain_members(TEXT("{} {}"), tell_member, &told), -EPROTO);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(plain_members_are_told_in_order),
	    cmocka_unit_test(valid_json_is_accepted),
	    cmocka_unit_test(invalid_json_is_refused),
	    cmocka_unit_test(nul_bytes_are_no_json),
	    cmocka_unit_test(string_ends_are_seen_at_every_offset),
	    cmocka_unit_test(text_ends_at_its_length),
	    cmocka_unit_test(nesting_is_accepted_up_to_the_limit),
	    cmocka_unit_test(brackets_must_match_at_every_level),
	    cmocka_unit_test(members_are_found_with_their_token_text),
	    cmocka_unit_test(members_of_every_kind_are_found),
	    cmocka_unit_test(keys_are_compared_after_decoding),
	    cmocka_unit_test(similar_keys_are_not_taken),
	    cmocka_unit_test(the_last_of_a_repeated_key_counts),
	    cmocka_unit_test(one_name_may_be_asked_for_twice),
	    cmocka_unit_test(members_need_an_object),
	    cmocka_unit_test(kinds_follow_from_the_token),
	    cmocka_unit_test(plain_integers_are_read),
	    cmocka_unit_test(other_numbers_are_no_integers),
	    cmocka_unit_test(a_hash_follows_tokens_and_not_their_layout),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
