#include "unit.h"

#include "base/percent.h"

static void unreserved_characters_stay(void **state)
{
	(void)state;
	CLEANUP_BUF struct buf out;
	buf_init(&out, BUF_MAX_DEFAULT);
	static const char plain[] = "azAZ09-._~";
	assert_int_equal(percent_encode(plain, sizeof(plain) - 1, &out), 0);
	assert_buf(&out, plain);
}

static void all_others_are_escaped(void **state)
{
	(void)state;
	CLEANUP_BUF struct buf out;
	buf_init(&out, BUF_MAX_DEFAULT);
	assert_int_equal(percent_encode(TEXT("\0 %/?&+=\x7f\xff"), &out), 0);
	assert_buf(&out, "%00%20%25%2F%3F%26%2B%3D%7F%FF");
}

static void all_can_be_escaped(void **state)
{
	(void)state;
	CLEANUP_BUF struct buf out;
	buf_init(&out, BUF_MAX_DEFAULT);
	assert_int_equal(percent_escape(TEXT("a.\xff"), &out), 0);
	assert_buf(&out, "%61%2E%FF");
	assert_true(percent_is_escape(out.data, out.len));
	assert_true(percent_is_escape(TEXT("%fA")));
	assert_false(percent_is_escape(TEXT("%f")));
	assert_false(percent_is_escape(TEXT("%fg")));
	assert_false(percent_is_escape(TEXT("f%4")));
}

static void every_byte_comes_back(void **state)
{
	(void)state;
	CLEANUP_BUF struct buf text, back;
	char bytes[256];
	buf_init(&text, BUF_MAX_DEFAULT);
	buf_init(&back, BUF_MAX_DEFAULT);
	for (int i = 0; i < 256; i++)
		bytes[i] = (char)i;
	assert_int_equal(percent_encode(bytes, sizeof(bytes), &text), 0);
	assert_int_equal(percent_decode(text.data, text.len, true, &back), 0);
	assert_text(back.data, back.len, bytes, sizeof(bytes));
}

static void what_is_no_escape_stands_for_itself(void **state)
{
	(void)state;
	CLEANUP_BUF struct buf out;
	buf_init(&out, BUF_MAX_DEFAULT);
	assert_int_equal(
	    percent_decode(TEXT("%4g%%41%4a%4A+%4"), false, &out), 0);
	assert_buf(&out, "%4g%AJJ+%4");
}

static void a_plus_is_a_space_where_it_is_said(void **state)
{
	(void)state;
	CLEANUP_BUF struct buf out;
	buf_init(&out, BUF_MAX_DEFAULT);
	assert_int_equal(percent_decode(TEXT("a+b%2B"), true, &out), 0);
	assert_buf(&out, "a b+");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(unreserved_characters_stay),
	    cmocka_unit_test(all_others_are_escaped),
	    cmocka_unit_test(all_can_be_escaped),
	    cmocka_unit_test(every_byte_comes_back),
	    cmocka_unit_test(what_is_no_escape_stands_for_itself),
	    cmocka_unit_test(a_plus_is_a_space_where_it_is_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
