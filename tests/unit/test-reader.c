/* Readers of one object: told apart, and how far to get ahead of each. */
#include "unit.h"

#include "sync/object/budget.h"
#include "sync/object/reader.h"

#define MIB (INT64_C(1) << 20)
#define STEP (128 << 10)
#define ALL INT64_MAX

static struct readers *readers;
static int64_t now_ms;

static int setup(void **state)
{
	(void)state;
	readers = readers_new();
	now_ms = 1000;
	return readers ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	readers_free(readers);
	return 0;
}

/* Wait for what is at pos, and get it. */
static void read_at(int64_t pos)
{
	struct reader *reader = readers_at(readers, pos, now_ms);
	reader_stalled(reader, pos);
	reader_moved(readers_at(readers, pos, now_ms), pos + STEP);
}

static int64_t window_at(int64_t pos)
{
	return reader_window(readers_at(readers, pos, now_ms), ALL);
}

static void a_lone_read_has_no_window(void **state)
{
	(void)state;
	read_at(100 * MIB);
	assert_false(reader_is_sequential(
	    readers_at(readers, 100 * MIB + STEP, now_ms)));
	assert_int_equal(readers_sequential(readers, now_ms), 0);
}

static void who_begins_at_the_first_byte_has_one_at_once(void **state)
{
	(void)state;
	reader_begins(readers_at(readers, 0, now_ms));
	assert_int_equal(window_at(0), RANGE_FIRST);
}

static void each_reader_has_a_window_of_its_own(void **state)
{
	(void)state;
	static const int64_t places[] = {0, 60 * MIB, 120 * MIB};
	for (int64_t done = 0; done < 24 * MIB; done += STEP) {
		for (size_t i = 0; i < ARRAY_SIZE(places); i++)
			read_at(places[i] + done);
	}
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		assert_true(window_at(places[i] + 24 * MIB) >= 4 * RANGE_FIRST);
	assert_int_equal(readers_sequential(readers, now_ms), 3);
}

static void one_who_jumps_about_takes_no_others_place(void **state)
{
	(void)state;
	for (int64_t pos = 0; pos < 32 * MIB; pos += STEP) {
		read_at(pos);
		if (pos % (4 * STEP) == 0)
			read_at((50 + pos / STEP * 37 % 140) * MIB);
	}
	assert_true(window_at(32 * MIB) >= 4 * RANGE_FIRST);
}

static void a_window_grows_to_its_most_and_once_for_what_is_waited_for(
    void **state)
{
	(void)state;
	reader_begins(readers_at(readers, 0, now_ms));
	reader_stalled(readers_at(readers, 0, now_ms), 0);
	assert_int_equal(window_at(0), 8 * RANGE_FIRST);
	reader_stalled(readers_at(readers, STEP, now_ms), STEP);
	assert_int_equal(window_at(0), 8 * RANGE_FIRST);
	for (int64_t pos = 0; pos < 200 * MIB; pos += STEP)
		read_at(pos);
	assert_int_equal(window_at(200 * MIB), AHEAD_MAX);
}

static void readers_have_their_share_until_the_others_are_gone(void **state)
{
	(void)state;
	for (int64_t done = 0; done < 40 * MIB; done += STEP) {
		for (int64_t i = 0; i < READERS; i++)
			read_at(i * 250 * MIB + done);
	}
	assert_int_equal(readers_sequential(readers, now_ms), READERS);
	const struct reader *reader = readers_at(readers, 40 * MIB, now_ms);
	int64_t share = AHEAD_ALL_MAX / READERS;
	assert_int_equal(reader_window(reader, share), share);
	assert_int_equal(reader_window(reader, 1), AHEAD_LEAST);
	now_ms += 3000;
	assert_int_equal(readers_sequential(readers, now_ms), 0);
	assert_int_equal(window_at(40 * MIB), AHEAD_MAX);
	assert_int_equal(readers_sequential(readers, now_ms), 1);
}

static void what_a_reader_is_on_the_way_to_is_expected(void **state)
{
	(void)state;
	reader_begins(readers_at(readers, 0, now_ms));
	reader_moved(readers_at(readers, 0, now_ms), 65536);
	assert_false(readers_expect(readers, 0, 65536, now_ms));
	assert_true(readers_expect(readers, 0, 65537, now_ms));
	int64_t end = 65536 + RANGE_FIRST;
	assert_true(readers_expect(readers, end - 1, end + 10, now_ms));
	assert_false(readers_expect(readers, end, end + 10, now_ms));
	assert_false(readers_expect(readers, 0, end, now_ms + 3000));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_lone_read_has_no_window),
	    TEST(who_begins_at_the_first_byte_has_one_at_once),
	    TEST(each_reader_has_a_window_of_its_own),
	    TEST(one_who_jumps_about_takes_no_others_place),
	    TEST(a_window_grows_to_its_most_and_once_for_what_is_waited_for),
	    TEST(readers_have_their_share_until_the_others_are_gone),
	    TEST(what_a_reader_is_on_the_way_to_is_expected),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
