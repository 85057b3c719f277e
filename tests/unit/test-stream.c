#include "unit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "stream-fixture.h"
#include "sync/object/reader.h"

/* ---- ranges ---- */

static void a_read_is_answered_by_a_range(void **state)
{
	(void)state;
	int64_t node = stored_file("1000");
	struct ask *read = ask_read(node, 0, 4096);
	give_url();
	struct http_call *call = request(GET_LINE "1");
	assert_range(call, 0, RANGE_SMALL - 1);
	assert_string_equal(fake_header(call, "Accept-Encoding"), "identity");
	assert_int_equal(fake_header_count(call), 2); /* and nothing else */
	assert_waits(read);
	serve_range(call, 1000, ETAG);
	assert_bytes(read, 0, 1000);
	assert_int_equal(sent(), 2);
	assert_int_equal(name_changes, 0);
	assert_true(current().proven);
	assert_int_equal(current().size, 1000);
	assert_int_equal(current().id, node);
}

static void a_read_at_the_end_gets_nothing(void **state)
{
	(void)state;
	int64_t node = stored_file("1000");
	ask_read(node, 0, 500);
	serve_store(1000);
	sent();
	assert_bytes(ask_read(node, 500, 4096), 500, 500);
	struct ask *read = ask_read(node, 1000, 4096);
	serve_store(1000);
	assert_bytes(read, 1000, 0);
	read = ask_read(node, 999999, 1);
	serve_store(1000);
	assert_bytes(read, 999999, 0);
}

static void reads_within_a_range_wait_only_for_their_bytes(void **state)
{
	(void)state;
	int64_t node = stored_file("1000");
	struct ask *first = ask_read(node, 0, 100);
	struct ask *last = ask_read(node, 900, 100);
	struct ask *same = ask_read(node, 0, 100);
	give_url();
	struct http_call *call = request(GET_LINE "1");
	char *data = bytes(0, 1000);
	fake_begin_answer(call, &(struct fake_answer){.status = 206,
				    .body = data,
				    .len = 500,
				    .etag = ETAG,
				    .range = true,
				    .range_start = 0,
				    .range_end = 999,
				    .range_total = 1000});
	assert_bytes(first, 0, 100);
	assert_bytes(same, 0, 100);
	assert_waits(last);
	assert_int_equal(sent(), 2); /* one URL, one range, for all three */
	ANSWER(call, .status = 206, .body = data + 500, .len = 500);
	assert_bytes(last, 900, 100);
	free(data);
}

static void a_size_is_measured_with_one_small_range(void **state)
{
	(void)state;
	static const char *const claims[] = {"null", "0", "-1"};
	for (size_t i = 0; i < ARRAY_SIZE(claims); i++) {
		int64_t node = stored_file(claims[i]);
		struct node shown = current();
		assert_false(sync_size_is_known(sync_under_test, &shown));
		struct ask *measure = ask_measure(node);
		struct ask *second = ask_measure(node);
		give_url();
		assert_range(request(GET_LINE), 0, RANGE_SMALL - 1);
		serve_range(request(GET_LINE), 3000, ETAG);
		assert_ended(measure, 0);
		assert_ended(second, 0);
		assert_int_equal(measure->op.node.size, 3000);
		assert_true(measure->op.node.proven);
		assert_int_equal(measure->op.node.id, node);
		assert_int_equal(sent(), 2);
		shown = current();
		assert_true(sync_size_is_known(sync_under_test, &shown));
		/* What came with it is not asked for again. */
		assert_bytes(ask_read(node, 0, 4096), 0, 3000);
		assert_ended(ask_measure(node), 0);
		assert_int_equal(sent(), 0);
		void *unused = NULL;
		assert_int_equal(fixture_teardown(&unused), 0);
		assert_int_equal(fixture_setup(&unused), 0);
	}
	fixture_start();
}

static void a_claim_is_believed_unless_told_to_verify(void **state)
{
	(void)state;
	stored_file("1000");
	struct node node = current();
	assert_true(sync_size_is_known(sync_under_test, &node));
	fixture_stop();
	settings.verify_sizes = true;
	fixture_start();
	assert_false(sync_size_is_known(sync_under_test, &node));
	node.proven = true;
	assert_true(sync_size_is_known(sync_under_test, &node));
}

static void a_wrong_claim_fails_one_read_and_is_right_then(void **state)
{
	(void)state;
	static const char *const claims[] = {"1000", "5000"};
	for (size_t i = 0; i < ARRAY_SIZE(claims); i++) {
		int64_t node = stored_file(claims[i]);
		struct ask *read = ask_read(node, 0, 4096);
		serve_store(3000);
		assert_ended(read, -EIO);
		/* The old node is never read again; the name leads to a new
		 * one, with what came already. */
		assert_int_equal(name_changes, 1);
		assert_string_equal(name_changed_name, NAME);
		int64_t fresh = current().id;
		assert_true(fresh > node);
		assert_int_equal(current().size, 3000);
		assert_true(current().proven);
		char expected[128];
		snprintf(expected, sizeof(expected),
		    "the size was given as %s, but the object has 3000 bytes",
		    claims[i]);
		assert_non_null(strstr(errors_text(), expected));
		assert_non_null(strstr(errors_text(), "\tstorage/" NAME "\t"));
		assert_null(strstr(errors_text(), "sig="));
		assert_bytes(ask_read(fresh, 0, 4096), 0, 3000);
		assert_int_equal(name_changes, 1);
		/* Who still thinks it is the old one, is told again. */
		assert_ended(ask_read(node, 0, 4096), -EIO);
		assert_int_equal(name_changes, 2);
		read = ask_read(fresh, 2000, 4096);
		serve_store(3000);
		assert_bytes(read, 2000, 1000);
		void *unused = NULL;
		assert_int_equal(fixture_teardown(&unused), 0);
		assert_int_equal(fixture_setup(&unused), 0);
	}
	fixture_start();
}

static void an_object_of_many_ranges_comes_whole(void **state)
{
	(void)state;
	int64_t size = 9 * MIB + 12345, step = 131072;
	int64_t node = stored_file("9449529");
	for (int64_t pos = 0; pos < size; pos += step) {
		struct ask *read = ask_read(node, (uint64_t)pos, (size_t)step);
		serve_store(size);
		assert_bytes(read, pos, size - pos < step ? size - pos : step);
	}
	/* Each byte was asked for once. */
	int64_t asked = 0;
	for (size_t i = 0; i < fake_count(fake); i++) {
		struct http_call *call = fake_call(fake, i);
		int64_t first, last;
		const char *range = fake_header(call, "Range");
		if (range && sscanf(range, "bytes=%" SCNd64 "-%" SCNd64, &first,
				 &last) == 2)
			asked += last - first + 1;
	}
	assert_int_equal(asked, size);
	/* Handed out once, it is not kept. */
	assert_int_equal(streams_count(sync_streams(sync_under_test)), 0);
}

static void reads_here_and_there_stay_small(void **state)
{
	(void)state;
	int64_t size = 200 * MIB;
	int64_t node = stored_file("209715200");
	static const int64_t places[] = {150 * MIB, 30 * MIB, 90 * MIB};
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		struct ask *read = ask_read(node, (uint64_t)places[i], 4096);
		if (i == 0)
			give_url();
		assert_int_equal(fake_open_count(fake), 1);
		assert_range(
		    request(GET_LINE), places[i], places[i] + RANGE_SMALL - 1);
		serve_range(request(GET_LINE), size, ETAG);
		assert_bytes(read, places[i], 4096);
	}
}

static int64_t bytes_held(void)
{
	return *streams_account(sync_streams(sync_under_test));
}

static void a_reader_that_waits_gets_more_at_once_but_bounded(void **state)
{
	(void)state;
	int64_t size = 1000 * MIB, step = 131072;
	int64_t node = stored_file("1048576000");
	size_t most = 0;
	for (int64_t pos = 0; pos < 80 * MIB; pos += step) {
		struct ask *read = ask_read(node, (uint64_t)pos, (size_t)step);
		if (fake_find(fake, URL_LINE))
			give_url();
		size_t open = fake_open_count(fake);
		most = open > most ? open : most;
		assert_true(open <= 16);
		assert_true(bytes_held() <=
			    AHEAD_MAX + RANGE_LARGEST * 2 + OUT_OF_ORDER);
		/* A slow store: nothing comes before it is waited for. */
		while (!read->count) {
			fake_advance(fake, 50);
			serve_range(fake_open(fake, 0), size, ETAG);
		}
		assert_bytes(read, pos, step);
	}
	assert_true(most >= 4);
	serve_store(size);
}

/* One who jumps about leaves most of each range unread. */
static void what_jumping_about_leaves_is_bounded_and_in_nobodys_way(
    void **state)
{
	(void)state;
	int64_t size = 1000 * MIB, step = 131072;
	int64_t node = stored_file("1048576000");
	for (int64_t i = 0; i < 800; i++) {
		int64_t pos = (i * 377 % 997) * MIB;
		struct ask *read = ask_read(node, (uint64_t)pos, 4096);
		serve_store(size);
		assert_bytes(read, pos, 4096);
		assert_true(bytes_held() <= HELD_MAX + RANGE_LARGEST);
	}
	/* Reading on in order then asks for nothing twice. */
	size_t before = fake_count(fake);
	int64_t from = 500 * MIB + 65536;
	for (int64_t pos = from; pos < from + 64 * MIB; pos += step) {
		struct ask *read = ask_read(node, (uint64_t)pos, (size_t)step);
		serve_store(size);
		assert_bytes(read, pos, step);
	}
	assert_true(fake_count(fake) - before <= 64 + 64 + 40);
}

/* How many ranges were asked for. */
static size_t ranges_asked(void)
{
	size_t count = 0;
	for (size_t i = 0; i < fake_count(fake); i++)
		count += fake_header(fake_call(fake, i), "Range") != NULL;
	return count;
}

static void a_quick_store_is_read_in_pieces_of_a_mib(void **state)
{
	(void)state;
	int64_t size = 64 * MIB, step = 131072;
	int64_t node = stored_file("67108864");
	for (int64_t pos = 0; pos < size; pos += step) {
		struct ask *read = ask_read(node, (uint64_t)pos, (size_t)step);
		serve_store(size);
		assert_bytes(read, pos, step);
	}
	assert_in_range(ranges_asked(), 16, 66);
}

static void a_slow_store_is_read_in_pieces_of_a_mib_and_more(void **state)
{
	(void)state;
	int64_t size = 128 * MIB, step = 131072;
	int64_t node = stored_file("134217728");
	for (int64_t pos = 0; pos < size; pos += step) {
		struct ask *read = ask_read(node, (uint64_t)pos, (size_t)step);
		if (fake_find(fake, URL_LINE))
			give_url();
		/* Nothing comes before it is waited for. */
		while (!read->count)
			serve_range(fake_open(fake, 0), size, ETAG);
		assert_bytes(read, pos, step);
	}
	assert_in_range(ranges_asked(), 32, 150);
}

/* How many bytes the ranges are that are under way. */
static int64_t under_way(void)
{
	int64_t sum = 0;
	for (size_t i = 0; i < fake_open_count(fake); i++) {
		int64_t first, last;
		if (range_of(fake_open(fake, i), &first, &last))
			sum += last + 1 - first;
	}
	return sum;
}

/* Serve what is asked for, each answer after a while: no store next to us. */
static void serve_far_store(int64_t size)
{
	while (fake_open_count(fake)) {
		fake_advance(fake, 50);
		if (fake_find(fake, URL_LINE))
			give_url();
		else
			serve_range(fake_open(fake, 0), size, ETAG);
	}
}

/* Read on in order until one has to wait for ranges; what is under way then. */
static int64_t read_on(int64_t node, int64_t size, int64_t *pos)
{
	int64_t step = 131072;
	for (;;) {
		struct ask *read = ask_read(node, (uint64_t)*pos, (size_t)step);
		int64_t sum = read->count ? 0 : under_way();
		if (!read->count)
			serve_far_store(size);
		assert_bytes(read, *pos, step);
		*pos += step;
		if (sum)
			return sum;
	}
}

/* Each wait is a round trip: after the first range there are two. */
static void who_has_waited_twice_has_all_the_room(void **state)
{
	(void)state;
	int64_t size = 256 * MIB, pos = 0;
	int64_t node = stored_file("268435456");
	assert_in_range(read_on(node, size, &pos), 8 * MIB, 10 * MIB);
	assert_in_range(read_on(node, size, &pos), AHEAD_MAX / 2, AHEAD_MAX);
}

static void a_read_beyond_a_proven_end_costs_nothing(void **state)
{
	(void)state;
	int64_t node = stored_file("1000");
	struct ask *read = ask_read(node, 0, 1000);
	serve_store(1000);
	assert_bytes(read, 0, 1000);
	sent();
	assert_bytes(ask_read(node, 1000, 4096), 1000, 0);
	assert_bytes(ask_read(node, 999999, 1), 999999, 0);
	assert_int_equal(sent(), 0);
}

/* ---- another object under the same name ---- */

static void assert_changed(int64_t old)
{
	struct node node = {0};
	assert_int_equal(name_changes, 1);
	assert_string_equal(name_changed_name, NAME);
	assert_true(current().id > old);
	assert_int_equal(current().size, -1);
	assert_int_equal(replica_get(replica, old, &node), 0);
	assert_true(node.spoiled);
	assert_non_null(
	    strstr(errors_text(), "the object changed while it was read"));
	/* Never again a byte of the old one; and whoever still thinks that its
	 * name leads there is told once more. */
	name_changed_name[0] = '\0';
	assert_ended(ask_read(old, 0, 10), -EIO);
	assert_string_equal(name_changed_name, NAME);
	int64_t fresh = current().id;
	struct ask *measure = ask_measure(fresh);
	serve_store(77);
	assert_ended(measure, 0);
	assert_int_equal(measure->op.node.size, 77);
	assert_bytes(ask_read(fresh, 0, 100), 0, 77);
}

static void another_etag_is_eio_and_a_new_node(void **state)
{
	(void)state;
	int64_t node;
	struct ask *read = read_begun(&node);
	serve_range(request(GET_LINE), 3 * MIB, "\"two\"");
	serve_range(asked_again(read), 3 * MIB, "\"two\"");
	assert_ended(read, -EIO);
	assert_changed(node);
}

static void another_size_is_eio_and_a_new_node(void **state)
{
	(void)state;
	int64_t node;
	struct ask *read = read_begun(&node);
	serve_range(request(GET_LINE), 3 * MIB + 1, ETAG);
	serve_range(asked_again(read), 3 * MIB + 1, ETAG);
	assert_ended(read, -EIO);
	assert_changed(node);
}

static void a_whole_new_object_for_a_range_is_eio_and_a_new_node(void **state)
{
	(void)state;
	int64_t node;
	struct ask *read = read_begun(&node);
	/* What If-Range makes of it. */
	ANSWER(request(GET_LINE), .status = 200, .body = "new",
	    .length_told = true, .etag = "\"two\"");
	ANSWER(asked_again(read), .status = 200, .body = "new",
	    .length_told = true, .etag = "\"two\"");
	assert_ended(read, -EIO);
	assert_changed(node);
}

static void the_first_etag_lasts_over_a_remount(void **state)
{
	(void)state;
	int64_t node = stored_file("3145728");
	struct ask *read = ask_read(node, 0, 4096);
	give_url();
	serve_range(request(GET_LINE), 3 * MIB, ETAG);
	assert_bytes(read, 0, 4096);
	fixture_stop();
	fixture_start();
	read = ask_read(node, MIB, 4096);
	give_url();
	assert_string_equal(fake_header(request(GET_LINE), "If-Range"), ETAG);
	serve_range(request(GET_LINE), 3 * MIB, "\"two\"");
	serve_range(asked_again(read), 3 * MIB, "\"two\"");
	assert_ended(read, -EIO);
	assert_changed(node);
}

/* ---- readers that come and go ---- */

static void a_read_can_be_interrupted(void **state)
{
	(void)state;
	int64_t node = stored_file("1000");
	struct ask *first = ask_read(node, 0, 100);
	struct ask *second = ask_read(node, 100, 100);
	give_url();
	sync_interrupt(sync_under_test, first->op.id);
	fake_run(fake);
	assert_ended(first, -EINTR);
	assert_waits(second);
	serve_range(request(GET_LINE), 1000, ETAG);
	assert_bytes(second, 100, 100);
}

static void with_its_last_reader_a_transfer_ends(void **state)
{
	(void)state;
	int64_t node = stored_file("1000");
	struct ask *read = ask_read(node, 0, 100);
	sync_interrupt(sync_under_test, read->op.id);
	fake_run(fake);
	assert_ended(read, -EINTR);
	assert_int_equal(fake_open_count(fake), 0);
	read = ask_read(node, 0, 100);
	give_url();
	ANSWER(request(GET_LINE), .status = 503);
	sync_interrupt(sync_under_test, read->op.id);
	fake_run(fake);
	assert_ended(read, -EINTR);
	fake_advance(fake, RETRY_MS);
	assert_int_equal(fake_open_count(fake), 0);
	read = ask_read(node, 0, 100);
	serve_store(1000);
	assert_bytes(read, 0, 100);
}

static void a_stream_that_nobody_reads_is_given_up(void **state)
{
	(void)state;
	int64_t node = stored_file("209715200");
	struct ask *read = ask_read(node, 0, 4096);
	serve_store(200 * MIB);
	assert_bytes(read, 0, 4096);
	assert_int_equal(streams_count(sync_streams(sync_under_test)), 1);
	fake_advance(fake, STREAM_IDLE_MS * 2);
	assert_int_equal(streams_count(sync_streams(sync_under_test)), 0);
	assert_int_equal(fake_timer_count(fake), 0);
	/* And is there again when somebody comes back. */
	read = ask_read(node, 4096, 4096);
	serve_store(200 * MIB);
	assert_bytes(read, 4096, 4096);
}

/* While somebody reads, what was read makes room for more; not afterwards. */
static void an_idle_mount_keeps_no_memory(void **state)
{
	(void)state;
	const int64_t size = 100 * MIB, step = 131072;
	int64_t node = stored_file("104857600");
	struct streams *streams = sync_streams(sync_under_test);
	size_t most = 0;
	for (int64_t pos = 0; pos < size; pos += step) {
		struct ask *read = ask_read(node, (uint64_t)pos, (size_t)step);
		serve_store(size);
		assert_bytes(read, pos, step);
		size_t spare = streams_spare(streams);
		most = spare > most ? spare : most;
	}
	assert_int_equal(streams_count(streams), 0);
	assert_int_equal(bytes_held(), 0);
	assert_in_range(most, RANGE_LARGEST, RANGES_KEPT);
	fake_advance(fake, STREAM_IDLE_MS);
	assert_int_equal(streams_spare(streams), 0);
	assert_int_equal(fake_timer_count(fake), 0);
}

static void an_unmount_ends_what_is_read(void **state)
{
	(void)state;
	int64_t node = stored_file("209715200");
	struct ask *waiting = ask_read(node, 0, 4096);
	give_url();
	struct fake_answer answer = partial(request(GET_LINE), 200 * MIB, ETAG);
	answer.len = 1000;
	fake_begin_answer(request(GET_LINE), &answer);
	free((char *)answer.body);
	fixture_stop();
	assert_ended(waiting, -EIO);
	assert_int_equal(fake_open_count(fake), 0);
	fixture_start();
}

static void offline_no_object_can_be_read(void **state)
{
	(void)state;
	int64_t node = stored_file("1000");
	fixture_stop();
	fixture_start_offline();
	struct node shown = current();
	assert_true(sync_size_is_known(sync_under_test, &shown));
	assert_ended(ask_read(node, 0, 100), -ENODATA);
	assert_ended(ask_measure(node), -ENODATA);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_read_is_answered_by_a_range),
	    TEST(a_read_at_the_end_gets_nothing),
	    TEST(reads_within_a_range_wait_only_for_their_bytes),
	    TEST(a_size_is_measured_with_one_small_range),
	    TEST(a_claim_is_believed_unless_told_to_verify),
	    TEST(a_wrong_claim_fails_one_read_and_is_right_then),
	    TEST(an_object_of_many_ranges_comes_whole),
	    TEST(reads_here_and_there_stay_small),
	    TEST(a_reader_that_waits_gets_more_at_once_but_bounded),
	    TEST(what_jumping_about_leaves_is_bounded_and_in_nobodys_way),
	    TEST(a_quick_store_is_read_in_pieces_of_a_mib),
	    TEST(a_slow_store_is_read_in_pieces_of_a_mib_and_more),
	    TEST(who_has_waited_twice_has_all_the_room),
	    TEST(a_read_beyond_a_proven_end_costs_nothing),
	    TEST(another_etag_is_eio_and_a_new_node),
	    TEST(another_size_is_eio_and_a_new_node),
	    TEST(a_whole_new_object_for_a_range_is_eio_and_a_new_node),
	    TEST(the_first_etag_lasts_over_a_remount),
	    TEST(a_read_can_be_interrupted),
	    TEST(with_its_last_reader_a_transfer_ends),
	    TEST(a_stream_that_nobody_reads_is_given_up),
	    TEST(an_idle_mount_keeps_no_memory),
	    TEST(an_unmount_ends_what_is_read),
	    TEST(offline_no_object_can_be_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
