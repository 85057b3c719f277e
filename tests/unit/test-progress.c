/* The line that tells how far something has got. */
#include "unit.h"

#include "command/progress.h"

static void assert_line(const struct progress_state *state, int width, int bar,
    const char *expected)
{
	char line[256];
	progress_line(state, width, bar, line, sizeof(line));
	assert_string_equal(line, expected);
}

static void what_is_not_known_is_not_said(void **state)
{
	(void)state;
	const struct progress_state posts = {
	    .what = "posts", .unit = "records", .items = 7, .all_items = -1};
	assert_line(&posts, 0, 1, "posts  7 records");
}

static void bytes_have_a_rate_and_a_time_left(void **state)
{
	(void)state;
	struct progress_state files = {.what = "storage",
	    .unit = "files",
	    .items = 2,
	    .all_items = 4,
	    .bytes = 5000000,
	    .all_bytes = 20000000,
	    .elapsed_ms = 5000};
	assert_line(&files, 0, 0,
	    "storage  2 of 4 files, 5.0 MB of 20.0 MB, 1.0 MB/s, 00:15 left");
	files.bytes = 21000000; /* the claims were too low */
	assert_line(
	    &files, 43, 1, "storage [####################]  2 of 4 fil");
}

static void a_line_never_wraps(void **state)
{
	(void)state;
	const struct progress_state posts = {
	    .what = "posts", .unit = "records", .items = 7, .all_items = -1};
	assert_line(&posts, 8, 1, "posts  ");
	assert_line(&posts, 1, 1, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_not_known_is_not_said),
	    cmocka_unit_test(bytes_have_a_rate_and_a_time_left),
	    cmocka_unit_test(a_line_never_wraps),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
