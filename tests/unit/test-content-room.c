/* How much the content cache takes up, what goes first, and a disk that does
 * not take any more. */
#include "content-fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/slab.h"
#include "unit.h"

/* More than a failed write's pause. */
#define PAUSE_OVER_MS 60000

/* When a segment was used: so many seconds ago. */
static void set_used(int64_t node, int64_t seconds_ago)
{
	char path[256];
	struct timespec when = {time(NULL) - seconds_ago, 0};
	struct timespec times[2] = {when, when};
	segment_file(node, 0, path);
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* Close the cache, and see the most that all took up until then. */
static int64_t most_used_until_drained(void)
{
	const struct timespec nap = {0, 2000000};
	int64_t most = 0;
	uint64_t still = 0;
	struct content_totals last = totals();
	while (still < 100) {
		int64_t now = disk_usage(cache_dir);
		most = now > most ? now : most;
		nanosleep(&nap, NULL);
		struct content_totals next = totals();
		still = next.bytes == last.bytes && next.removed == last.removed
			    ? still + 1
			    : 0;
		last = next;
	}
	cache_close();
	int64_t now = disk_usage(cache_dir);
	return now > most ? now : most;
}

/* ---- the limit ---- */

static void what_is_kept_stays_within_the_limit(void **state)
{
	(void)state;
	const int64_t limit = 12 * MIB;
	int64_t first = put_objects(60, MIB);
	cache_close();
	cache_open(limit);
	for (int64_t i = 0; i < 60; i++)
		keep_whole(first + i, MIB);
	assert_true(most_used_until_drained() <= limit);
	cache_open(limit);
	assert_kept(first + 59, MIB, 0, MIB); /* the newest stays */
	int kept = 0;
	for (int64_t i = 0; i < 60; i++)
		kept += content_has(content, first + i, MIB);
	assert_in_range(kept, 5, 12);
}

/* Tables, and what is left of a disk's last block, count as well. */
static void small_files_count_as_what_they_take_up(void **state)
{
	(void)state;
	const int64_t limit = 4 * MIB;
	int64_t first = put_objects(1500, 100);
	cache_close();
	cache_open(limit);
	for (int64_t i = 0; i < 1500; i++)
		keep_whole(first + i, 100);
	assert_true(most_used_until_drained() <= limit);
	cache_open(limit);
	assert_kept(first + 1499, 100, 0, 100);
}

static void what_an_earlier_mount_kept_counts_from_the_start(void **state)
{
	(void)state;
	enum { BEFORE = 8, AFTER = 30 };
	const int64_t limit = 10 * MIB;
	struct blob *blobs[AFTER];
	int64_t first = put_objects(BEFORE, MIB);
	int64_t next = put_objects(AFTER, MIB);
	cache_close();
	cache_open(limit);
	for (int64_t i = 0; i < BEFORE; i++)
		keep_whole(first + i, MIB);
	for (int64_t i = 0; i < AFTER; i++) {
		char *data = object_bytes(next + i, 0, MIB);
		blobs[i] = blob_new((size_t)MIB, NULL);
		memcpy(blobs[i]->data, data, (size_t)MIB);
		free(data);
	}
	settle();
	/* All at once, before there was time to look around. */
	for (int64_t i = 0; i < AFTER; i++) {
		struct node object = proven(next + i, MIB);
		content_keep(content, &object, 0, blobs[i], MIB);
		blob_unref(blobs[i]);
	}
	assert_true(most_used_until_drained() <= limit);
	cache_open(limit);
	assert_kept(next + AFTER - 1, MIB, 0, MIB);
}

static void a_smaller_limit_holds_from_the_start(void **state)
{
	(void)state;
	const struct timespec nap = {0, 5000000};
	int64_t first = put_objects(10, MIB);
	for (int64_t i = 0; i < 10; i++)
		keep_whole(first + i, MIB);
	cache_close();
	cache_open(4 * MIB);
	for (int i = 0; i < 2000 && totals().removed < 6; i++)
		nanosleep(&nap, NULL);
	assert_true(disk_usage(cache_dir) <= 4 * MIB);
	assert_true(totals().removed >= 6);
}

static void of_a_file_larger_than_the_limit_a_part_is_kept(void **state)
{
	(void)state;
	const int64_t limit = 20 * MIB, size = 64 * MIB;
	int64_t node = put_objects(1, size);
	cache_close();
	cache_open(limit);
	for (int64_t pos = 0; pos < size; pos += MIB)
		keep(node, size, pos, MIB);
	assert_true(most_used_until_drained() <= limit);
	cache_open(limit);
	assert_false(content_has(content, node, size));
	assert_kept(node, size, size - MIB, MIB);
	for (int64_t pos = 0; pos < size; pos += BLOCK)
		try_read(node, size, pos, BLOCK); /* right, or not there */
	assert_int_equal(totals().damaged, 0);
}

static void a_limit_below_the_database_keeps_nothing(void **state)
{
	(void)state;
	static const int64_t limits[] = {1, 4096, 64 * KIB};
	int64_t node = put_objects(4, MIB);
	keep_whole(node, MIB);
	settle();
	assert_true(content_has(content, node, MIB));
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		cache_close();
		cache_open(limits[i]);
		keep_whole(node + 1, MIB);
		keep_whole(node + 2, 1);
		settle();
		for (int64_t n = 0; n < 4; n++)
			assert_int_equal(
			    content_segment(content, node + n, 0), 0);
		assert_int_equal(totals().limit, limits[i]);
	}
}

/* ---- what goes first ---- */

static void the_longest_unused_go_first(void **state)
{
	(void)state;
	enum { COUNT = 12 };
	int64_t first = put_objects(COUNT + 1, MIB);
	for (int64_t i = 0; i < COUNT; i++)
		keep_whole(first + i, MIB);
	settle();
	/* The i-th was used (i * 7 % COUNT) minutes ago, and some. */
	for (int64_t i = 0; i < COUNT; i++)
		set_used(first + i, 60 * (1 + i * 7 % COUNT));
	/* All but the one that is used now. */
	int64_t oldest = 0;
	for (int64_t i = 0; i < COUNT; i++)
		oldest = i * 7 % COUNT == COUNT - 1 ? i : oldest;
	assert_kept(first + oldest, MIB, 5, 10);
	cache_close();
	cache_open(9 * MIB);
	keep_whole(first + COUNT, MIB);
	settle();
	assert_true(content_has(content, first + COUNT, MIB));
	assert_true(content_has(content, first + oldest, MIB));
	/* Of all others: the later used, the rather there. */
	bool gone = false;
	int count = 0;
	for (int64_t ago = 0; ago < COUNT - 1; ago++) {
		for (int64_t i = 0; i < COUNT; i++) {
			if (i * 7 % COUNT != ago)
				continue;
			bool has = content_has(content, first + i, MIB);
			assert_false(gone && has);
			gone = gone || !has;
			count += has;
		}
	}
	assert_in_range(count, 3, 8);
}

static void contents_of_nobody_go_first_of_all(void **state)
{
	(void)state;
	int64_t first = put_objects(7, MIB);
	int64_t nobody = first + 1000;
	struct node spoiled;
	for (int64_t i = 0; i < 6; i++)
		keep_whole(first + i, MIB);
	keep_whole(nobody, MIB);
	settle();
	for (int64_t i = 0; i < 6; i++)
		set_used(first + i, 3600 - 60 * i);
	set_used(nobody, 2);
	/* Nor can anybody read what is another object by now. */
	set_used(first + 5, 2);
	assert_int_equal(replica_begin(replica), 0);
	assert_int_equal(replica_get(replica, first + 5, &spoiled), 0);
	assert_int_equal(
	    replica_renew_object(replica, &spoiled, -1, "", &spoiled), 0);
	assert_int_equal(replica_commit(replica), 0);
	int64_t limit = disk_usage(cache_dir) - 100 * KIB;
	cache_close();
	cache_open(limit);
	keep_whole(first + 6, MIB);
	settle();
	assert_false(content_has(content, nobody, MIB));
	assert_false(content_has(content, first + 5, MIB));
	assert_true(content_has(content, first + 4, MIB));
	assert_true(content_has(content, first + 6, MIB));
}

/* Until it is another version: then it is worth no more than others. */
static void what_is_pinned_stays(void **state)
{
	(void)state;
	struct node renewed, old;
	int64_t first = put_objects(2, MIB);
	keep_whole(first, MIB);
	keep_whole(first + 1, MIB);
	settle();
	assert_int_equal(replica_begin(replica), 0);
	assert_int_equal(replica_pin_objects(replica), 0);
	assert_int_equal(replica_commit(replica), 0);
	assert_int_equal(replica_get(replica, first + 1, &old), 0);
	assert_true(old.pinned);
	assert_int_equal(replica_begin(replica), 0);
	assert_int_equal(
	    replica_renew_object(replica, &old, MIB, "", &renewed), 0);
	assert_int_equal(replica_commit(replica), 0);
	assert_int_equal(replica_get(replica, renewed.id, &renewed), 0);
	assert_false(renewed.pinned);
	set_used(first, 1000);
	int64_t others = put_objects(40, MIB);
	cache_close();
	cache_open(8 * MIB);
	for (int64_t i = 0; i < 40; i++)
		keep_whole(others + i, MIB);
	settle();
	assert_kept(first, MIB, 0, MIB);
	assert_false(content_has(content, first + 1, MIB));
	assert_false(content_has(content, others, MIB));
}

/* What cannot be removed must not keep the cache from ending. */
static void what_cannot_be_removed_is_left(void **state)
{
	(void)state;
	char parent[256], path[300];
	int64_t first = put_objects(6, MIB);
	keep_whole(first, MIB);
	settle();
	segment_file(first, 0, parent);
	strrchr(parent, '/')[0] = '\0';
	for (int64_t i = 1; i < 4; i++) {
		snprintf(path, sizeof(path), "%s/%x-%x", parent,
		    (unsigned)first, (unsigned)i);
		assert_int_equal(mkdir(path, 0700), 0);
	}
	cache_close();
	cache_open(256 * KIB);
	keep_whole(first + 1, MIB);
	settle();
	assert_false(content_has(content, first, MIB));
	assert_false(content_has(content, first + 1, MIB));
}

/* ---- a disk that is full ---- */

/* No file may get longer than that: the kernel itself refuses. */
static void set_longest_file(rlim_t bytes)
{
	struct rlimit limit;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void a_write_that_fails_leaves_nothing_wrong(void **state)
{
	(void)state;
	const int64_t size = 6 * BLOCK + 3;
	int64_t node = put_objects(3, size);
	keep(node, size, 0, 2 * BLOCK);
	keep_whole(node + 2, size);
	settle();
	/* In the middle of the fifth block. */
	set_longest_file((rlim_t)(SEGMENT_DATA + 4 * BLOCK + 999));
	keep_whole(node, size);
	keep_whole(node + 1, size);
	settle();
	set_longest_file(RLIM_INFINITY);
	for (int64_t n = node; n < node + 3; n++) {
		for (int64_t pos = 0; pos < size; pos++) {
			int64_t len = size - pos < BLOCK ? size - pos : BLOCK;
			try_read(n, size, pos, len);
			pos += len - 1;
		}
	}
	assert_int_equal(totals().damaged, 0);
	assert_absent(node + 1, size, 4 * BLOCK, 1);
	/* And all is well again with the disk. */
	keep_whole(node, size);
	keep_whole(node + 1, size);
	settle();
	assert_kept(node, size, 0, size);
	assert_kept(node + 1, size, 0, size);
	assert_int_equal(totals().damaged, 0);
}

static void after_a_failure_keeping_pauses_and_goes_on(void **state)
{
	(void)state;
	const int64_t size = 3 * BLOCK;
	int64_t node = put_objects(5, size);
	keep_whole(node, size);
	await_kept(node, size);
	set_longest_file((rlim_t)(SEGMENT_DATA + BLOCK));
	keep_whole(node + 1, size);
	keep_whole(node + 2, BLOCK);
	/* A failure makes some room as well. */
	for (int i = 0; i < 4000 && !totals().removed; i++)
		usleep(5000);
	assert_true(totals().removed > 0);
	usleep(100000);
	set_longest_file(RLIM_INFINITY);
	keep_whole(node + 3, size);
	usleep(50000);
	assert_false(content_has(content, node + 1, size));
	assert_false(content_has(content, node + 2, BLOCK));
	assert_false(content_has(content, node + 3, size));
	clock_ahead_ms = PAUSE_OVER_MS;
	keep_whole(node + 4, size);
	await_kept(node + 4, size);
	keep_whole(node + 1, size);
	await_kept(node + 1, size);
	assert_kept(node + 1, size, 0, size);
	assert_int_equal(totals().damaged, 0);
}

/* More than the disk takes at once is not piled up in memory. */
static void what_waits_to_be_written_is_bounded(void **state)
{
	(void)state;
	struct slab *slab = slab_new((size_t)MIB, 0);
	assert_non_null(slab);
	_Atomic int64_t *held = slab_account(slab);
	const int64_t size = 400 * MIB;
	int64_t node = put_objects(1, size), most = 0;
	for (int64_t pos = 0; pos < size; pos += 4 * MIB) {
		struct blob *blob = blob_new(4 * (size_t)MIB, slab);
		memset(blob->data, (int)(pos / MIB), 4 * (size_t)MIB);
		struct node object = proven(node, size);
		content_keep(content, &object, pos, blob, 4 * MIB);
		blob_unref(blob);
		most = *held > most ? *held : most;
	}
	assert_true(most <= 130 * MIB);
	cache_close();
	assert_int_equal(*held, 0);
	slab_free(slab);
	cache_open(AMPLE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(what_is_kept_stays_within_the_limit),
	    TEST(small_files_count_as_what_they_take_up),
	    TEST(what_an_earlier_mount_kept_counts_from_the_start),
	    TEST(a_smaller_limit_holds_from_the_start),
	    TEST(of_a_file_larger_than_the_limit_a_part_is_kept),
	    TEST(a_limit_below_the_database_keeps_nothing),
	    TEST(the_longest_unused_go_first),
	    TEST(contents_of_nobody_go_first_of_all),
	    TEST(what_is_pinned_stays),
	    TEST(what_cannot_be_removed_is_left),
	    TEST(a_write_that_fails_leaves_nothing_wrong),
	    TEST(after_a_failure_keeping_pauses_and_goes_on),
	    TEST(what_waits_to_be_written_is_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
