/* Built with -Db_sanitize=thread, the last test also shows that no bytes are
 * read while they are written. */
#include "unit.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/slab.h"
#include "sync/object/ready.h"

#define NODE 700
#define LEN 4096

static struct ready ready;

static struct ready_range *range_new(int64_t node, int64_t first, size_t len)
{
	struct ready_range *range = calloc(1, sizeof(*range));
	assert_non_null(range);
	range->node = node;
	range->first = first;
	range->blob = blob_new(len, NULL);
	assert_non_null(range->blob);
	for (size_t i = 0; i < len; i++)
		range->blob->data[i] = (char)((first + (int64_t)i) * 7);
	return range;
}

static void range_free(struct ready_range *range)
{
	ready_hide(&ready, range);
	blob_unref(range->blob);
	free(range);
}

static int setup(void **state)
{
	(void)state;
	ready_init(&ready);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	ready_done(&ready);
	return 0;
}

/* Whether it is there; whether the loop is to be told goes to ret_wake. */
static bool take(int64_t node, int64_t offset, int64_t end, bool *ret_wake)
{
	const char *data = NULL;
	struct blob *blob =
	    ready_take(&ready, node, offset, end, true, &data, ret_wake);
	if (!blob) {
		assert_false(*ret_wake);
		return false;
	}
	for (int64_t pos = offset; pos < end; pos++)
		assert_int_equal(data[pos - offset], (char)(pos * 7));
	blob_unref(blob);
	return true;
}

static bool has(int64_t node, int64_t offset, int64_t end)
{
	bool wake;
	return take(node, offset, end, &wake);
}

static bool wakes(int64_t offset, int64_t end)
{
	bool wake;
	assert_true(take(NODE, offset, end, &wake));
	return wake;
}

static void no_more_notes(void)
{
	struct ready_use use;
	assert_null(ready_note(&ready, &use));
}

static void only_what_is_shown_is_handed_out(void **state)
{
	(void)state;
	struct ready_range *range = range_new(NODE, 1000, LEN);
	assert_false(has(NODE, 1000, 1001));
	ready_show(&ready, range, 100);
	assert_true(has(NODE, 1000, 1100));
	assert_true(has(NODE, 1099, 1100));
	assert_true(has(NODE, 1050, 1050));
	assert_false(has(NODE, 999, 1001));
	assert_false(has(NODE, 1000, 1101));
	assert_false(has(NODE, 1100, 1101));
	ready_show(&ready, range, LEN);
	assert_true(has(NODE, 1000, 1000 + LEN));
	assert_false(has(NODE, 1000, 1001 + LEN));
	ready_hide(&ready, range);
	assert_false(has(NODE, 1000, 1001));
	ready_hide(&ready, range); /* once more is fine */
	ready_show(&ready, range, 10);
	assert_true(has(NODE, 1000, 1010));
	assert_false(has(NODE, 1000, 1011));
	range_free(range);
}

static void nodes_that_share_a_list_are_told_apart(void **state)
{
	(void)state;
	struct ready_range *one = range_new(NODE, 0, LEN);
	struct ready_range *two = range_new(NODE + READY_LISTS, LEN, LEN);
	struct ready_range *more = range_new(NODE, 2 * LEN, LEN);
	ready_show(&ready, one, LEN);
	ready_show(&ready, two, LEN);
	ready_show(&ready, more, LEN);
	assert_true(has(NODE, 0, LEN));
	assert_false(has(NODE + READY_LISTS, 0, 1));
	assert_true(has(NODE + READY_LISTS, LEN, 2 * LEN));
	assert_false(has(NODE, LEN, LEN + 1));
	assert_true(has(NODE, 2 * LEN, 3 * LEN));
	assert_false(has(NODE + 1, 0, 1));
	/* Two ranges that touch are two. */
	ready_hide(&ready, two);
	two->node = NODE;
	ready_show(&ready, two, LEN);
	assert_true(has(NODE, LEN, 2 * LEN));
	assert_false(has(NODE, LEN - 1, LEN + 1));
	range_free(one);
	range_free(two);
	range_free(more);
}

static void bytes_outlive_their_range(void **state)
{
	(void)state;
	struct slab *slab = slab_new(LEN, 0);
	const char *data;
	bool wake;
	struct ready_range *range = range_new(NODE, 0, LEN);
	blob_unref(range->blob);
	range->blob = blob_new(LEN, slab);
	memset(range->blob->data, 'x', LEN);
	ready_show(&ready, range, LEN);
	struct blob *blob =
	    ready_take(&ready, NODE, 10, 20, true, &data, &wake);
	range_free(range);
	assert_int_equal(*slab_account(slab), LEN);
	assert_memory_equal(data, "xxxxxxxxxx", 10);
	blob_unref(blob);
	assert_int_equal(*slab_account(slab), 0);
	slab_free(slab);
}

static void notes_add_up_until_they_are_taken(void **state)
{
	(void)state;
	struct ready_use use;
	struct ready_range *one = range_new(NODE, 100, LEN);
	struct ready_range *two = range_new(NODE, 100 + LEN, LEN);
	ready_show(&ready, one, LEN);
	ready_show(&ready, two, LEN);
	no_more_notes();
	has(NODE, 200, 300);
	has(NODE, 150, 160);
	has(NODE, 100 + LEN, 101 + LEN);
	has(NODE, 250, 260);
	assert_ptr_equal(ready_note(&ready, &use), one);
	assert_int_equal(use.bytes, 120);
	assert_int_equal(use.end, 300);
	assert_false(use.from_begin);
	/* What comes meanwhile is a note of its own. */
	has(NODE, 100, 105);
	assert_ptr_equal(ready_note(&ready, &use), two);
	assert_int_equal(use.bytes, 1);
	assert_int_equal(use.end, 101 + LEN);
	assert_ptr_equal(ready_note(&ready, &use), one);
	assert_int_equal(use.bytes, 5);
	assert_int_equal(use.end, 105);
	no_more_notes();
	range_free(one);
	range_free(two);
}

static void what_is_hidden_leaves_no_note(void **state)
{
	(void)state;
	struct ready_range *range = range_new(NODE, 0, LEN);
	ready_show(&ready, range, LEN);
	assert_true(wakes(0, 10));
	ready_hide(&ready, range);
	no_more_notes();
	ready_show(&ready, range, LEN);
	/* The loop has looked: the next one wakes it again. */
	assert_true(wakes(0, 10));
	range_free(range);
	no_more_notes();
}

static void the_loop_is_woken_once_and_not_for_every_read(void **state)
{
	(void)state;
	const int64_t mib = 1 << 20;
	struct ready_use use;
	struct ready_range *range = range_new(NODE, mib, (size_t)mib);
	ready_show(&ready, range, mib);
	int64_t pos = mib;
	int reads = 0;
	while (!wakes(pos, pos + LEN)) {
		pos += LEN;
		reads++;
	}
	/* Often enough to stay ahead of one who reads in order. */
	assert_in_range(reads, 16, 128);
	assert_false(wakes(pos + LEN, pos + 2 * LEN)); /* it knows */
	assert_ptr_equal(ready_note(&ready, &use), range);
	/* Still about to look again: no need. */
	assert_false(wakes(2 * mib - 1, 2 * mib));
	assert_ptr_equal(ready_note(&ready, &use), range);
	no_more_notes();
	assert_false(wakes(mib + 5, mib + 6));
	assert_true(wakes(2 * mib - 1, 2 * mib)); /* the last byte */
	range_free(range);
	no_more_notes();
}

static void who_takes_ahead_of_a_reader_is_none(void **state)
{
	(void)state;
	struct ready_use use;
	const char *data;
	bool wake;
	struct ready_range *range = range_new(NODE, 0, LEN);
	ready_show(&ready, range, LEN);
	blob_unref(ready_take(&ready, NODE, 0, LEN, false, &data, &wake));
	assert_true(wake); /* the whole of it is used up */
	assert_ptr_equal(ready_note(&ready, &use), range);
	assert_int_equal(use.bytes, LEN);
	assert_false(use.from_begin);
	no_more_notes();
	range_free(range);
}

static void the_first_byte_and_all_that_is_there_wake_the_loop(void **state)
{
	(void)state;
	struct ready_use use;
	struct ready_range *begin = range_new(NODE, 0, LEN);
	ready_show(&ready, begin, LEN);
	assert_true(wakes(0, 1));
	assert_ptr_equal(ready_note(&ready, &use), begin);
	assert_true(use.from_begin);
	no_more_notes();
	assert_false(wakes(1, 2));
	range_free(begin);
	/* Cut short: what came is all there is. */
	struct ready_range *cut = range_new(NODE, LEN, LEN);
	ready_show(&ready, cut, 100);
	assert_false(wakes(LEN, LEN + 50));
	assert_true(wakes(LEN + 50, LEN + 100));
	range_free(cut);
	no_more_notes();
}

/* ---- threads ---- */

#define RANGES 8
#define RANGE_LEN 65536
#define ROUNDS 150

struct reading {
	_Atomic bool stop;
	_Atomic int64_t taken; /* bytes */
	_Atomic int64_t wakes;
	_Atomic int wrong;
};

static void *read_along(void *ctx)
{
	struct reading *reading = ctx;
	uint64_t dice = (uintptr_t)&ctx;
	while (!reading->stop) {
		const char *data;
		bool wake;
		dice = dice * 6364136223846793005u + 1442695040888963407u;
		int64_t offset = (int64_t)(dice >> 33) % (RANGES * RANGE_LEN);
		int64_t len = 1 + (int64_t)(dice >> 20) % 4096;
		struct blob *blob = ready_take(
		    &ready, NODE, offset, offset + len, true, &data, &wake);
		reading->wakes += wake;
		if (!blob)
			continue;
		for (int64_t i = 0; i < len; i++)
			reading->wrong += data[i] != (char)((offset + i) * 7);
		reading->taken += len;
		blob_unref(blob);
	}
	return NULL;
}

static void fill(struct ready_range *range, int64_t from, int64_t to)
{
	for (int64_t i = from; i < to; i++)
		range->blob->data[i] = (char)((range->first + i) * 7);
	ready_show(&ready, range, to);
}

static int64_t take_notes(void)
{
	struct ready_use use;
	int64_t bytes = 0;
	while (ready_note(&ready, &use)) {
		assert_true(use.bytes > 0);
		assert_in_range(use.end, 1, RANGES * RANGE_LEN);
		bytes += use.bytes;
	}
	return bytes;
}

static void threads_take_while_the_loop_fills_and_lets_go(void **state)
{
	(void)state;
	enum { READERS = 4 };
	static struct reading reading;
	pthread_t threads[READERS];
	int64_t noted = 0;
	for (size_t i = 0; i < READERS; i++)
		assert_int_equal(
		    pthread_create(&threads[i], NULL, read_along, &reading), 0);
	for (int round = 0; round < ROUNDS || !reading.wakes; round++) {
		assert_true(round < 1000 * ROUNDS);
		struct ready_range *ranges[RANGES];
		for (int64_t i = 0; i < RANGES; i++) {
			ranges[i] = calloc(1, sizeof(*ranges[i]));
			ranges[i]->node = NODE;
			ranges[i]->first = i * RANGE_LEN;
			ranges[i]->blob = blob_new(RANGE_LEN, NULL);
		}
		for (int64_t to = 0; to < RANGE_LEN; to += RANGE_LEN / 4) {
			for (size_t i = 0; i < RANGES; i++)
				fill(ranges[i], to, to + RANGE_LEN / 4);
			noted += take_notes();
		}
		for (size_t i = 0; i < RANGES; i++)
			range_free(ranges[i]);
	}
	reading.stop = true;
	for (size_t i = 0; i < READERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(reading.wrong, 0);
	assert_true(reading.taken > 0);
	assert_true(reading.wakes > 0);
	assert_true(noted <= reading.taken);
	no_more_notes();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(only_what_is_shown_is_handed_out),
	    TEST(nodes_that_share_a_list_are_told_apart),
	    TEST(bytes_outlive_their_range),
	    TEST(notes_add_up_until_they_are_taken),
	    TEST(what_is_hidden_leaves_no_note),
	    TEST(the_loop_is_woken_once_and_not_for_every_read),
	    TEST(who_takes_ahead_of_a_reader_is_none),
	    TEST(the_first_byte_and_all_that_is_there_wake_the_loop),
	    TEST(threads_take_while_the_loop_fills_and_lets_go),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
