/* Several readers of one object, and how much is asked for ahead of them. */
#include "unit.h"

#include <stdio.h>

#include "base/cleanup.h"
#include "reader-fixture.h"
#include "sync/object/reader.h"

static void each_reader_gets_ahead_with_a_window_of_its_own(void **state)
{
	(void)state;
	static const int64_t places[] = {0, 60 * MIB, 120 * MIB};
	int64_t node = stored_file("209715200");
	object_size = 200 * MIB;
	object_etag = ETAG;
	for (int64_t done = 0; done < 24 * MIB; done += STEP) {
		for (size_t i = 0; i < ARRAY_SIZE(places); i++)
			assert_int_equal(
			    read_as_fs(node, places[i] + done, STEP), 0);
	}
	streams_read_notes(sync_streams(sync_under_test));
	serve_object();
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		int64_t pos = places[i] + 24 * MIB;
		assert_true(
		    asked_until(places[i], pos + 30 * MIB) >= pos + 3 * MIB);
	}
	/* Each byte came once, and a window's worth more. */
	assert_true(asked_since(0) >= 72 * MIB);
	assert_true(asked_since(0) <= 72 * MIB + AHEAD_ALL_MAX);
	/* In pieces of a MiB and more, for all that they alternate. */
	assert_true(fake_count(fake) < 160);
}

static void one_who_jumps_about_does_not_slow_others_down(void **state)
{
	(void)state;
	int64_t node = stored_file("209715200");
	object_size = 200 * MIB;
	object_etag = ETAG;
	size_t begun = fake_count(fake);
	for (int64_t pos = 0; pos < 32 * MIB; pos += STEP) {
		assert_int_equal(read_as_fs(node, pos, STEP), 0);
		if (pos % (4 * STEP) == 0)
			assert_int_equal(
			    read_as_fs(
				node, (50 + pos / STEP * 37 % 140) * MIB, 4096),
			    0);
	}
	/* 64 jumps with their URL, and 32 pieces and a few first ones. */
	assert_true(fake_count(fake) - begun < 64 + 32 + 24);
	assert_true(asked_until(0, 50 * MIB) >= 35 * MIB);
}

/* The largest range that was asked for from first on. */
static int64_t largest_since(int64_t first)
{
	int64_t largest = 0;
	for (size_t i = 0; i < fake_count(fake); i++) {
		const char *range = fake_header(fake_call(fake, i), "Range");
		long long from, to;
		if (range &&
		    sscanf(range, "bytes=%lld-%lld", &from, &to) == 2 &&
		    from >= first && to + 1 - from > largest)
			largest = to + 1 - from;
	}
	return largest;
}

/* All connections bring the same in the same time: how often one waits is what
 * a copy takes. */
static void one_who_keeps_up_waits_seldom(void **state)
{
	(void)state;
	int64_t size = 256 * MIB, step = 131072;
	int64_t node = stored_file("268435456");
	unsigned waits = 0;
	for (int64_t pos = 0; pos < size; pos += step) {
		struct ask *read = ask_read(node, (uint64_t)pos, (size_t)step);
		if (fake_find(fake, URL_LINE))
			give_url();
		waits += !read->count;
		while (!read->count) {
			fake_advance(fake, 50);
			for (size_t i = fake_open_count(fake); i > 0; i--)
				serve_range(fake_open(fake, 0), size, ETAG);
		}
		assert_bytes(read, pos, step);
	}
	assert_in_range(waits, 1, 10);
	assert_int_equal(largest_since(0), RANGE_LARGEST);
	assert_int_equal(largest_since(size - 8 * MIB), RANGE_FIRST);
}

static void readers_share_the_room(void **state)
{
	(void)state;
	int64_t node = stored_file("1048576000");
	object_size = 1000 * MIB;
	object_etag = ETAG;
	for (int64_t done = 0; done < 40 * MIB; done += STEP) {
		for (int64_t i = 0; i < READERS; i++)
			assert_int_equal(
			    read_as_fs(node, i * 250 * MIB + done, STEP), 0);
		assert_true(*streams_account(sync_streams(sync_under_test)) <=
			    AHEAD_ALL_MAX + READERS * RANGE_LARGEST);
	}
	streams_read_notes(sync_streams(sync_under_test));
	for (int64_t i = 0; i < READERS; i++) {
		int64_t pos = i * 250 * MIB + 40 * MIB;
		int64_t ahead = asked_until(i * 250 * MIB, pos + 200 * MIB);
		assert_in_range(
		    ahead - pos, 0, AHEAD_ALL_MAX / READERS + RANGE_LARGEST);
	}
	serve_object();
}

/* A large read that lies across blocks needs more than the least that one who
 * waits may have: it must end nevertheless. */
static void a_large_read_ends_also_when_there_is_no_room(void **state)
{
	(void)state;
	int64_t node = stored_file("10485760");
	object_size = 10 * MIB;
	object_etag = ETAG;
	assert_int_equal(read_as_fs(node, 0, 4096), 0);
	serve_object();
	*streams_account(sync_streams(sync_under_test)) += 2 * AHEAD_ALL_MAX;
	for (int64_t pos = 3 * MIB + 65536; pos < 9 * MIB; pos += 2 * MIB)
		assert_int_equal(read_as_fs(node, pos, MIB), 0);
	assert_int_equal(read_as_fs(node, 2 * MIB + 1, 4 * MIB), 0);
	*streams_account(sync_streams(sync_under_test)) -= 2 * AHEAD_ALL_MAX;
	serve_object();
}

/* Hand out bytes that are there, of which the loop does not hear yet. */
static void take_at_once(int64_t id, int64_t offset, int64_t len)
{
	struct node node = node_of(id);
	for (int64_t pos = offset; pos < offset + len; pos += STEP) {
		struct sync_bytes got;
		assert_int_equal(sync_read_now(sync_under_test, &node,
				     (uint64_t)pos, (size_t)STEP, &got),
		    0);
		sync_bytes_done(&got);
	}
}

/* The kernel reads ahead by several threads, of which the later may be the
 * first; the loop hears of both when it gets to it. What the one has read was
 * let go, and is not asked for again when it hears of the other. */
static void what_was_read_out_of_order_comes_once(void **state)
{
	(void)state;
	const int64_t size = 16 * MIB;
	int64_t node = stored_file("16777216");
	object_size = size;
	object_etag = ETAG;
	for (int64_t pos = 0; pos < 4 * MIB; pos += STEP)
		assert_int_equal(read_as_fs(node, pos, STEP), 0);
	serve_object();
	assert_true(asked_until(0, size) >= 6 * MIB);
	take_at_once(node, 5 * MIB, MIB);
	take_at_once(node, 4 * MIB, MIB);
	streams_read_notes(sync_streams(sync_under_test));
	serve_object();
	for (int64_t pos = 6 * MIB; pos < size; pos += STEP)
		assert_int_equal(read_as_fs(node, pos, STEP), 0);
	serve_object();
	assert_int_equal(asked_since(0), size);
}

/* The last block, too, which is seldom a whole one. */
static void what_comes_last_comes_once_in_any_order(void **state)
{
	(void)state;
	const int64_t size = 4 * MIB + 4321, last = 4 * MIB;
	int64_t node = stored_file("4198625");
	object_size = size;
	object_etag = ETAG;
	for (int64_t pos = 0; pos < last - 2 * STEP; pos += STEP)
		assert_int_equal(read_as_fs(node, pos, STEP), 0);
	streams_read_notes(sync_streams(sync_under_test));
	serve_object();
	for (int64_t pos = last; pos >= last - 2 * STEP; pos -= STEP) {
		take_at_once(node, pos, STEP);
		streams_read_notes(sync_streams(sync_under_test));
		serve_object();
	}
	assert_int_equal(asked_since(0), size);
}

/* Of a store that answers at once, few ranges are asked for at a time; all come
 * nevertheless, though nobody asks again for those that waited. */
static void a_store_next_door_is_asked_for_little_at_once(void **state)
{
	(void)state;
	int64_t node = kept_file(64 * MIB);
	size_t most = 0;
	for (int64_t pos = 0; pos < 40 * MIB; pos += STEP) {
		struct ask *read = ask_read(node, (uint64_t)pos, (size_t)STEP);
		while (!read->count) {
			size_t open = fake_open_count(fake);
			assert_true(open > 0); /* or it hangs */
			if (pos >= 4 * MIB && open > most)
				most = open;
			struct http_call *call = fake_open(fake, 0);
			if (strcmp(fake_line(call), URL_LINE) == 0)
				give_url();
			else
				serve_range(call, object_size, object_etag);
		}
		assert_bytes(read, pos, STEP);
	}
	assert_in_range(most, 1, 3);
}

static void what_lies_in_one_range_is_not_copied(void **state)
{
	(void)state;
	int64_t node = stored_file("3145728");
	struct ask *read = ask_read(node, 0, 4096);
	serve_store(3 * MIB);
	assert_bytes(read, 0, 4096);
	assert_null(read->op.copy);
	int64_t end = RANGE_FIRST; /* of the first range */
	read = ask_read(node, (uint64_t)end - 4096, 4096); /* up to its end */
	assert_bytes(read, end - 4096, 4096);
	assert_null(read->op.copy);
	read = ask_read(node, (uint64_t)end - 1, 2);
	serve_store(3 * MIB);
	assert_bytes(read, end - 1, 2);
	assert_non_null(read->op.copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(what_lies_in_one_range_is_not_copied),
	    TEST(each_reader_gets_ahead_with_a_window_of_its_own),
	    TEST(one_who_jumps_about_does_not_slow_others_down),
	    TEST(one_who_keeps_up_waits_seldom),
	    TEST(readers_share_the_room),
	    TEST(a_large_read_ends_also_when_there_is_no_room),
	    TEST(what_was_read_out_of_order_comes_once),
	    TEST(what_comes_last_comes_once_in_any_order),
	    TEST(a_store_next_door_is_asked_for_little_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
