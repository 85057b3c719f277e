/* The cache's waits and ages over a wall clock that is set. */
#include "content-fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "unit.h"

/* How far the wall clock is ahead, and how much less than it seems is waited
 * for, so that the test need not wait. */
static _Atomic time_t wall_ahead_s;
static _Atomic time_t waits_less_s;

int __wrap_clock_gettime(clockid_t id, struct timespec *ret);
int __real_clock_gettime(clockid_t id, struct timespec *ret);

int __wrap_clock_gettime(clockid_t id, struct timespec *ret)
{
	int r = __real_clock_gettime(id, ret);
	if (id == CLOCK_REALTIME)
		ret->tv_sec += wall_ahead_s;
	else if (id == CLOCK_MONOTONIC)
		ret->tv_sec -= waits_less_s;
	return r;
}

/* A cache that waits, just full, beside a database that grows: which has to be
 * seen though nothing more is kept. */
static void a_clock_that_is_set_back_does_not_stop_it(void **state)
{
	(void)state;
	const struct timespec nap = {0, 5000000};
	int64_t first = put_objects(10, MIB);
	for (int64_t i = 0; i < 10; i++)
		keep_whole(first + i, MIB);
	settle();
	int64_t full = disk_usage(cache_dir);
	cache_close();
	/* What is waited for is worked out before the clock is set. */
	wall_ahead_s = 3600;
	waits_less_s = 4;
	cache_open(full + MIB);
	put_objects(20000, MIB);
	for (int i = 0; i < 4000 && totals().removed == 0; i++)
		nanosleep(&nap, NULL);
	assert_true(totals().removed > 0);
	wall_ahead_s = waits_less_s = 0;
}

/* What is used goes last, also if a clock that was ahead said when before. */
static void a_use_counts_by_the_clock_as_it_is_set_now(void **state)
{
	(void)state;
	char path[256];
	struct stat st;
	int64_t node = put_objects(1, MIB);
	keep_whole(node, MIB);
	settle();
	struct timespec when = {time(NULL) + 86400, 0};
	segment_file(node, 0, path);
	assert_int_equal(utimensat(AT_FDCWD, path,
			     (const struct timespec[2]){when, when}, 0),
	    0);
	assert_kept(node, MIB, 5, 10);
	assert_int_equal(stat(path, &st), 0);
	/* time() may be some milliseconds behind what a file's date is from. */
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	assert_true(st.st_mtim.tv_sec <= now.tv_sec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_clock_that_is_set_back_does_not_stop_it),
	    TEST(a_use_counts_by_the_clock_as_it_is_set_now),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
