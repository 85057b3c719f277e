#include "unit.h"

#include <errno.h>

#include "mcp/sse.h"

static struct buf events;
static int wanted; /* what on_event returns */

static int on_event(void *ctx, const char *text, size_t len)
{
	(void)ctx;
	buf_add(&events, text, len);
	buf_addc(&events, '|');
	return wanted;
}

static int setup(void **state)
{
	(void)state;
	buf_init(&events, BUF_MAX_DEFAULT);
	wanted = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	buf_done(&events);
	return 0;
}

/* In pieces of every size, and always the same comes out. */
static void assert_events(const char *text, size_t len, const char *expected)
{
	for (size_t step = 1; step <= len; step++) {
		struct sse *sse;
		int r = 0;
		buf_clear(&events);
		assert_int_equal(sse_new(1024, on_event, NULL, &sse), 0);
		for (size_t at = 0; r == 0 && at < len; at += step)
			r = sse_feed(
			    sse, text + at, step < len - at ? step : len - at);
		sse_free(sse);
		assert_int_equal(r, 0);
		assert_string_equal(buf_str(&events), expected);
	}
}

static void events_are_their_data(void **state)
{
	(void)state;
	assert_events(TEXT("data: a\n\n"), "a|");
	assert_events(TEXT("data:a\r\n\r\ndata: b\r\rdata:  c\n\n"), "a|b| c|");
	assert_events(TEXT("\xef\xbb\xbf"
			   "data: a\ndata\ndata:b\n\n"),
	    "a\n\nb|");
	assert_events(
	    TEXT(": hello\nevent: x\nid: 7\nretry: 9\n\ndata: a\n\n"), "a|");
	assert_events(TEXT("database: a\nfoo\n\n\n\n"), "");
}

static void what_the_stream_ends_within_is_no_event(void **state)
{
	(void)state;
	assert_events(TEXT("data: a\n\ndata: b\n"), "a|");
	assert_events(TEXT("data: a\n\ndata: b"), "a|");
}

static void the_one_who_listens_may_have_heard_enough(void **state)
{
	(void)state;
	struct sse *sse;
	wanted = 1;
	assert_int_equal(sse_new(1024, on_event, NULL, &sse), 0);
	assert_int_equal(sse_feed(sse, TEXT("data: a\n\ndata: b\n\n")), 1);
	assert_string_equal(buf_str(&events), "a|");
	sse_free(sse);
}

static void what_is_too_long_is_refused(void **state)
{
	(void)state;
	static const char line[] = "data: 0123456789\n";
	struct sse *sse;
	assert_int_equal(sse_new(20, on_event, NULL, &sse), 0);
	assert_int_equal(sse_feed(sse, TEXT(line)), 0);
	assert_int_equal(sse_feed(sse, TEXT(line)), -EMSGSIZE);
	sse_free(sse);
	assert_int_equal(sse_new(5, on_event, NULL, &sse), 0);
	assert_int_equal(sse_feed(sse, TEXT(line)), -EMSGSIZE);
	sse_free(sse);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		events_are_their_data, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		what_the_stream_ends_within_is_no_event, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		the_one_who_listens_may_have_heard_enough, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		what_is_too_long_is_refused, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
