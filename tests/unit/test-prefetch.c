/* Stored files that are read in listing order, and those fetched ahead. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "stream-fixture.h"
#include "unit.h"

#define FILES 100
#define SIZE INT64_C(1000)

static int64_t files[FILES + 1];
static bool was_read[FILES + 1];

/* Files 1 to FILES of a listing, one after the other on a page. */
static void list_files(void)
{
	memset(was_read, 0, sizeof(was_read));
	fixture_start();
	assert_int_equal(replica_begin(replica), 0);
	for (int i = 1; i <= FILES; i++) {
		char key[16], name[32];
		struct node node;
		bool again;
		snprintf(key, sizeof(key), "f%d", i);
		snprintf(name, sizeof(name), "f%d_a.bin", i);
		struct replica_row row = {
		    .dir = NODE_STORAGE,
		    .kind = NODE_KIND_OBJECT,
		    .key = key,
		    .key_len = strlen(key),
		    .name = name,
		    .mtime_ms = 1000,
		    .size = SIZE,
		    .other_size = SIZE,
		};
		const struct replica_place place = {
		    .pos = (INT64_C(1) << SYNC_PAGE_BITS) + i};
		assert_int_equal(
		    replica_put(replica, &row, &place, &node, &again), 0);
		files[i] = node.id;
	}
	assert_int_equal(replica_commit(replica), 0);
}

static void serve_all_files(void)
{
	fake_run(fake);
	while (fake_open_count(fake)) {
		struct http_call *call = fake_open(fake, 0);
		if (strncmp(fake_line(call), "POST", 4) == 0)
			ANSWER(call, .status = 200,
			    .body = "{\"url\":\"" STORE "1\"}");
		else
			serve_range(call, SIZE, ETAG);
	}
}

static void read_file(int number)
{
	struct ask *read = ask_read(files[number], 0, (size_t)SIZE);
	was_read[number] = true;
	serve_all_files();
	assert_bytes(read, 0, SIZE);
}

/* Whether it was asked for, and not read. */
static bool is_ahead(int number)
{
	char line[64];
	snprintf(line, sizeof(line), "POST /v1/files/f%d/download-url", number);
	for (size_t i = 0; i < fake_count(fake); i++) {
		if (strcmp(fake_line(fake_call(fake, i)), line) == 0)
			return !was_read[number];
	}
	return false;
}

/* Files that were fetched and nobody has read, "first-last", or "" */
static const char *ahead(void)
{
	static char text[32];
	int first = 0, last = 0, count = 0;
	for (int i = 1; i <= FILES; i++) {
		if (!is_ahead(i))
			continue;
		first = first ? first : i;
		last = i;
		count++;
	}
	assert_int_equal(count, first ? last - first + 1 : 0);
	snprintf(text, sizeof(text), "%d-%d", first, last);
	return first ? text : "";
}

/* ---- tests ---- */

static void who_reads_in_order_gets_more_and_more_ahead(void **state)
{
	(void)state;
	list_files();
	read_file(1);
	assert_string_equal(ahead(), "");
	read_file(2);
	assert_string_equal(ahead(), "3-4");
	read_file(3);
	assert_string_equal(ahead(), "4-7");
	read_file(4);
	assert_string_equal(ahead(), "5-12");
}

/* The kernel may have got some of them otherwise. */
static void who_skips_what_was_fetched_goes_on(void **state)
{
	(void)state;
	list_files();
	for (int i = 1; i <= 4; i++)
		read_file(i);
	read_file(12);
	assert_true(is_ahead(13));
	assert_true(is_ahead(28));
	assert_false(is_ahead(29));
}

/* One who goes a little ahead of what was fetched is still the same. */
static void who_skips_a_few_goes_on(void **state)
{
	(void)state;
	list_files();
	read_file(1);
	read_file(4);
	assert_string_equal(ahead(), "5-6");
	read_file(10);
	assert_true(is_ahead(6));
	assert_false(is_ahead(11));
}

static void who_jumps_about_gets_nothing_ahead(void **state)
{
	(void)state;
	list_files();
	static const int jumps[] = {50, 10, 70, 30, 90, 20};
	for (size_t i = 0; i < ARRAY_SIZE(jumps); i++)
		read_file(jumps[i]);
	assert_string_equal(ahead(), "");
}

/* Two readers at two places each have their own. */
static void readers_at_two_places_are_told_apart(void **state)
{
	(void)state;
	list_files();
	read_file(1);
	read_file(50);
	read_file(2);
	read_file(51);
	assert_true(is_ahead(3) && is_ahead(4) && !is_ahead(5));
	assert_true(is_ahead(52) && is_ahead(53) && !is_ahead(54));
}

/* Where there is no room for all, each is counted once: the window is as large
 * as ever when there is. */
static void what_found_no_room_is_fetched_later_and_counted_once(void **state)
{
	(void)state;
	list_files();
	for (int i = 1; i <= 3; i++)
		read_file(i);
	assert_string_equal(ahead(), "4-7");
	/* Room for two more. */
	_Atomic int64_t *account =
	    streams_account(sync_streams(sync_under_test));
	int64_t held =
	    AHEAD_ALL_MAX - *account - RANGE_FIRST - 2 * RANGE_SMALL + 1;
	*account += held;
	for (int i = 4; i <= 6; i++) {
		read_file(i);
		assert_false(is_ahead(20));
	}
	assert_true(is_ahead(7));
	*account -= held;
	/* As many as there are connections, thrice. */
	read_file(7);
	assert_string_equal(ahead(), "8-55");
	read_file(8);
	assert_string_equal(ahead(), "9-56");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(who_reads_in_order_gets_more_and_more_ahead),
	    TEST(who_skips_what_was_fetched_goes_on),
	    TEST(who_skips_a_few_goes_on),
	    TEST(who_jumps_about_gets_nothing_ahead),
	    TEST(readers_at_two_places_are_told_apart),
	    TEST(what_found_no_room_is_fetched_later_and_counted_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
