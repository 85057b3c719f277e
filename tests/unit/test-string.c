#include "unit.h"

#include <errno.h>
#include <stdio.h>

#include "json/json.h"

static int decode(const char *token, struct buf *out)
{
	return json_string_decode(
	    (struct json_span){token, strlen(token)}, out);
}

#define assert_decoded(token, literal)                                         \
	do {                                                                   \
		CLEANUP_BUF struct buf out;                                    \
		buf_init(&out, 100);                                           \
		assert_int_equal(decode(token, &out), 0);                      \
		assert_buf(&out, literal);                                     \
	} while (0)

static void plain_strings_are_unquoted(void **state)
{
	(void)state;
	assert_decoded("\"\"", "");
	assert_decoded("\"abc\"", "abc");
	assert_decoded("\"e\xcc\x81 \xff\"", "e\xcc\x81 \xff");
}

static void escapes_are_decoded(void **state)
{
	(void)state;
	assert_decoded("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t");
	assert_decoded("\"a\\nb\"", "a\nb");
	assert_decoded("\"\\\\n\"", "\\n");
	assert_decoded("\"\\u0041\\u00e9\\u20AC\"", "A\xc3\xa9\xe2\x82\xac");
	assert_decoded("\"\\u007f\\u0080\\u07ff\\u0800\\uffff\"",
	    "\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf");
	assert_decoded("\"a\\u0000b\"", "a\0b");
}

static void surrogate_pairs_become_one_character(void **state)
{
	(void)state;
	assert_decoded("\"\\ud83d\\ude00\"", "\xf0\x9f\x98\x80");
	assert_decoded("\"\\ud800\\udc00\"", "\xf0\x90\x80\x80");
	assert_decoded("\"\\uDBFF\\uDFFF\"", "\xf4\x8f\xbf\xbf");
}

static void lone_surrogates_become_three_bytes(void **state)
{
	(void)state;
	assert_decoded("\"\\ud800\"", "\xed\xa0\x80");
	assert_decoded("\"\\udfff\"", "\xed\xbf\xbf");
	assert_decoded("\"\\ud800x\"", "\xed\xa0\x80x");
	assert_decoded("\"\\ud800\\n\"", "\xed\xa0\x80\n");
	assert_decoded("\"\\ud800\\u0041\"", "\xed\xa0\x80"
					     "A");
	assert_decoded("\"\\u0041\\udc00\"", "A\xed\xb0\x80");
	assert_decoded("\"\\ud800\\\\udc00\"", "\xed\xa0\x80\\udc00");
	assert_decoded("\"\\ud800xudc00\"", "\xed\xa0\x80xudc00");
	assert_decoded("\"\\udc00\\ud800\"", "\xed\xb0\x80\xed\xa0\x80");
	assert_decoded(
	    "\"\\ud800\\ud800\\udc00\"", "\xed\xa0\x80\xf0\x90\x80\x80");
}

static void only_whole_string_tokens_are_decoded(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "1", "null", "\"", "\"a", "a\"",
	    "\"a\"b", "\"a\" ", " \"a\"", "\"\\\"", "\"\\x\"", "\"\\u12\"",
	    "\"\n\"", "\"a\"\"b\""};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		CLEANUP_BUF struct buf out;
		buf_init(&out, 100);
		if (decode(bad[i], &out) != -EPROTO)
			fail_msg("decoded: %s", bad[i]);
		assert_int_equal(out.len, 0);
	}
	struct buf out;
	buf_init(&out, 1);
	assert_int_equal(
	    json_string_decode((struct json_span){0}, &out), -EPROTO);
}

static void a_string_over_the_cap_leaves_nothing_behind(void **state)
{
	(void)state;
	CLEANUP_BUF struct buf out;
	buf_init(&out, 5);
	assert_int_equal(decode("\"x\"", &out), 0);
	assert_int_equal(decode("\"abc\\nd\"", &out), -EMSGSIZE);
	assert_buf(&out, "x");
	assert_int_equal(decode("\"abc\\n\"", &out), 0);
	assert_buf(&out, "xabc\n");
	assert_int_equal(json_string_encode(TEXT(""), &out), -EMSGSIZE);
	assert_buf(&out, "xabc\n");
}

#define assert_encoded(literal, token)                                         \
	do {                                                                   \
		CLEANUP_BUF struct buf out;                                    \
		buf_init(&out, 100);                                           \
		assert_int_equal(json_string_encode(TEXT(literal), &out), 0);  \
		assert_buf(&out, token);                                       \
	} while (0)

static void printable_text_is_only_quoted(void **state)
{
	(void)state;
	assert_encoded("", "\"\"");
	assert_encoded("a b/c", "\"a b/c\"");
	assert_encoded(
	    "\xc3\xa9\xf0\x9f\x98\x80", "\"\xc3\xa9\xf0\x9f\x98\x80\"");
}

static void what_json_cannot_hold_is_escaped(void **state)
{
	(void)state;
	assert_encoded("\"\\", "\"\\\"\\\\\"");
	assert_encoded("\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\"");
	assert_encoded("a\0\x01\x1b\x1f\x7f", "\"a\\u0000\\u0001\\u001b"
					      "\\u001f\\u007f\"");
	assert_encoded("\xed\xa0\x80", "\"\\ud800\"");
	assert_encoded("\xed\xbf\xbf", "\"\\udfff\"");
}

static void bytes_that_are_no_text_are_replaced(void **state)
{
	(void)state;
	assert_encoded("\xff", "\"\\ufffd\"");
	assert_encoded("\xc3", "\"\\ufffd\"");
	assert_encoded("\xed\xa0", "\"\\ufffd\\ufffd\"");
	assert_encoded("\xc0\x80", "\"\\ufffd\\ufffd\"");
}

/* Any text, even with NULs and lone surrogates, comes back. */
static void encoding_and_decoding_are_inverse(void **state)
{
	(void)state;
	CLEANUP_BUF struct buf text, token, back;
	buf_init(&text, 10);
	buf_init(&token, 100);
	buf_init(&back, 10);
	for (unsigned code = 0; code < 0x10000; code++) {
		char escape[16];
		snprintf(escape, sizeof(escape), "\"\\u%04X\"", code);
		buf_clear(&text);
		buf_clear(&token);
		buf_clear(&back);
		assert_int_equal(decode(escape, &text), 0);
		assert_int_equal(
		    json_string_encode(text.data, text.len, &token), 0);
		assert_int_equal(json_check(token.data, token.len), 0);
		assert_int_equal(decode(token.data, &back), 0);
		assert_text(back.data, back.len, text.data, text.len);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(plain_strings_are_unquoted),
	    cmocka_unit_test(escapes_are_decoded),
	    cmocka_unit_test(surrogate_pairs_become_one_character),
	    cmocka_unit_test(lone_surrogates_become_three_bytes),
	    cmocka_unit_test(only_whole_string_tokens_are_decoded),
	    cmocka_unit_test(a_string_over_the_cap_leaves_nothing_behind),
	    cmocka_unit_test(printable_text_is_only_quoted),
	    cmocka_unit_test(what_json_cannot_hold_is_escaped),
	    cmocka_unit_test(bytes_that_are_no_text_are_replaced),
	    cmocka_unit_test(encoding_and_decoding_are_inverse),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
