#include "unit.h"

#include "base/activity.h"
#include "base/timestamp.h"

int64_t __wrap_timestamp_mono_ms(void);

static int64_t now;
static struct activities *board;
static struct activity reading;
static struct activity_part parts[3];

int64_t __wrap_timestamp_mono_ms(void)
{
	return now;
}

static int setup(void **state)
{
	(void)state;
	now = 1000000;
	board = activities_new();
	reading = (struct activity){0};
	memset(parts, 0, sizeof(parts));
	return board ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	activity_over(&reading);
	activities_free(board);
	return 0;
}

static void assert_said(const char *expected)
{
	CLEANUP_BUF struct buf out;
	size_t count;
	buf_init(&out, BUF_MAX_DEFAULT);
	assert_int_equal(activities_print(board, "doing: ", &out, &count), 0);
	assert_string_equal(buf_str(&out), expected);
	assert_int_equal(count, *expected ? 1 : 0);
}

static void what_is_under_way_is_told_with_its_age(void **state)
{
	(void)state;
	assert_said("");
	activity_say(board, &reading, "reading %s", "x");
	now += 1999;
	assert_said("doing: reading x, for 1 s\n");
	now += 1;
	assert_said("doing: reading x, for 2 s, without news for 2 s\n");
	activity_say(board, &reading, "reading more");
	assert_said("doing: reading more, for 2 s\n");
	activity_over(&reading);
	assert_said("");
	activity_over(&reading);
}

static void text_of_others_cannot_turn_the_line(void **state)
{
	(void)state;
	activity_say(board, &reading, "reading \xe2\x80\xaegpj\x1b[2J\n");
	assert_said(
	    "doing: reading \\xe2\\x80\\xaegpj\\x1b[2J\\x0a, for 0 s\n");
}

static void parts_that_stand_still_are_counted(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		activity_part_begin(board, &reading, "ranges", &parts[i]);
	assert_said(""); /* nobody waits for them */
	now += 2000;
	activity_part_news(&parts[1]);
	activity_say(board, &reading, "reading x");
	assert_said("doing: reading x, for 0 s, 2 of 3 ranges stalled\n");
	activity_part_over(&parts[0]);
	assert_said("doing: reading x, for 0 s, 1 of 2 ranges stalled\n");
	activity_part_news(&parts[2]);
	assert_said("doing: reading x, for 0 s\n");
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		activity_part_over(&parts[i]);
	now += 2000;
	assert_said("doing: reading x, for 2 s, without news for 2 s\n");
}

static void without_a_board_nothing_is_kept(void **state)
{
	(void)state;
	activity_say(NULL, &reading, "reading x");
	activity_part_begin(NULL, &reading, "ranges", &parts[0]);
	activity_part_news(&parts[0]);
	activity_part_over(&parts[0]);
	assert_said("");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(what_is_under_way_is_told_with_its_age),
	    TEST(text_of_others_cannot_turn_the_line),
	    TEST(parts_that_stand_still_are_counted),
	    TEST(without_a_board_nothing_is_kept),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
