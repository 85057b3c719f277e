#include "unit.h"

#include <errno.h>
#include <stdlib.h>

static void an_empty_buffer_is_an_empty_string(void **state)
{
	(void)state;
	CLEANUP_BUF struct buf buf;
	buf_init(&buf, 10);
	assert_null(buf.data);
	assert_string_equal(buf_str(&buf), "");
	buf_clear(&buf);
	assert_int_equal(buf.len, 0);
	assert_int_equal(buf_add(&buf, NULL, 0), 0);
	assert_string_equal(buf_str(&buf), "");
}

static void content_may_hold_nuls_and_ends_with_one(void **state)
{
	(void)state;
	CLEANUP_BUF struct buf buf;
	buf_init(&buf, 100);
	assert_int_equal(buf_add(&buf, TEXT("a\0b")), 0);
	assert_int_equal(buf_addc(&buf, '\0'), 0);
	assert_int_equal(buf_adds(&buf, "c"), 0);
	assert_buf(&buf, "a\0b\0c");
	assert_int_equal(buf.data[buf.len], '\0');
}

static void a_buffer_grows_to_its_cap_and_not_beyond(void **state)
{
	(void)state;
	for (size_t max = 0; max < 300; max++) {
		CLEANUP_BUF struct buf buf;
		buf_init(&buf, max);
		for (size_t i = 0; i < max; i++) {
			assert_int_equal(buf_addc(&buf, 'x'), 0);
			assert_int_equal(buf.data[buf.len], '\0');
		}
		assert_int_equal(buf_addc(&buf, 'x'), -EMSGSIZE);
		assert_int_equal(buf.len, max);
		assert_true(buf.cap <= max + 1);
	}
}

static void what_does_not_fit_is_not_added_in_part(void **state)
{
	(void)state;
	CLEANUP_BUF struct buf buf;
	buf_init(&buf, 5);
	assert_int_equal(buf_adds(&buf, "abc"), 0);
	assert_int_equal(buf_adds(&buf, "def"), -EMSGSIZE);
	assert_int_equal(buf_printf(&buf, "%d", 123), -EMSGSIZE);
	assert_int_equal(buf_reserve(&buf, SIZE_MAX), -EMSGSIZE);
	assert_buf(&buf, "abc");
	assert_int_equal(buf_printf(&buf, "%d", 12), 0);
	assert_buf(&buf, "abc12");
}

static void text_is_formatted_at_the_end(void **state)
{
	(void)state;
	CLEANUP_BUF struct buf buf;
	buf_init(&buf, 10000);
	assert_int_equal(buf_printf(&buf, "%s=%d", "a", 1), 0);
	assert_int_equal(buf_printf(&buf, ";%*s", 5000, "x"), 0);
	assert_int_equal(buf.len, 5004);
	assert_memory_equal(buf.data, "a=1; ", 5);
	assert_int_equal(buf.data[5003], 'x');
}

static void clearing_keeps_the_memory(void **state)
{
	(void)state;
	CLEANUP_BUF struct buf buf;
	buf_init(&buf, 100);
	assert_int_equal(buf_adds(&buf, "abc"), 0);
	const char *data = buf.data;
	buf_clear(&buf);
	assert_int_equal(buf.len, 0);
	assert_string_equal(buf_str(&buf), "");
	assert_int_equal(buf_adds(&buf, "xyz"), 0);
	assert_ptr_equal(buf.data, data);
}

static void a_stolen_string_is_the_callers(void **state)
{
	(void)state;
	CLEANUP_BUF struct buf buf;
	buf_init(&buf, 100);
	assert_int_equal(buf_adds(&buf, "abc"), 0);
	char *text = buf_steal(&buf);
	assert_string_equal(text, "abc");
	free(text);
	assert_null(buf.data);
	assert_int_equal(buf.len, 0);
	assert_int_equal(buf_adds(&buf, "again"), 0);
	assert_buf(&buf, "again");
}

static void an_empty_buffer_gives_an_empty_string(void **state)
{
	(void)state;
	CLEANUP_BUF struct buf buf;
	buf_init(&buf, 0);
	char *text = buf_steal(&buf);
	assert_string_equal(text, "");
	free(text);
}

static void a_done_buffer_can_be_used_again(void **state)
{
	(void)state;
	struct buf buf;
	buf_init(&buf, 5);
	assert_int_equal(buf_adds(&buf, "abc"), 0);
	buf_done(&buf);
	buf_done(&buf);
	buf_done(NULL);
	assert_int_equal(buf_adds(&buf, "abcdef"), -EMSGSIZE);
	assert_int_equal(buf_adds(&buf, "abcde"), 0);
	buf_done(&buf);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_empty_buffer_is_an_empty_string),
	    cmocka_unit_test(content_may_hold_nuls_and_ends_with_one),
	    cmocka_unit_test(a_buffer_grows_to_its_cap_and_not_beyond),
	    cmocka_unit_test(what_does_not_fit_is_not_added_in_part),
	    cmocka_unit_test(text_is_formatted_at_the_end),
	    cmocka_unit_test(clearing_keeps_the_memory),
	    cmocka_unit_test(a_stolen_string_is_the_callers),
	    cmocka_unit_test(an_empty_buffer_gives_an_empty_string),
	    cmocka_unit_test(a_done_buffer_can_be_used_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
