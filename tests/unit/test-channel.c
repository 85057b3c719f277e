/* The way to the kernel, at its end. */
#include <pthread.h>
#include <time.h>

#include "unit.h"

#include "fs/internal.h"

static time_t wall_ahead_s;

int __wrap_clock_gettime(clockid_t id, struct timespec *ret);
int __real_clock_gettime(clockid_t id, struct timespec *ret);

int __wrap_clock_gettime(clockid_t id, struct timespec *ret)
{
	int r = __real_clock_gettime(id, ret);
	if (id == CLOCK_REALTIME)
		ret->tv_sec += wall_ahead_s;
	return r;
}

/* Until then it would wait by a wall clock that is set back by an hour. */
static void a_write_that_is_held_up_is_waited_for_a_moment(void **state)
{
	(void)state;
	struct fs fs = {0};
	struct timespec before, after;
	assert_int_equal(pthread_rwlock_init(&fs.channel_lock, NULL), 0);
	assert_int_equal(pthread_rwlock_rdlock(&fs.channel_lock), 0);
	wall_ahead_s = 3600;
	clock_gettime(CLOCK_MONOTONIC, &before);
	channel_close(&fs);
	clock_gettime(CLOCK_MONOTONIC, &after);
	wall_ahead_s = 0;
	assert_true(fs.closing);
	assert_true(after.tv_sec - before.tv_sec < 60);
	pthread_rwlock_unlock(&fs.channel_lock);
	pthread_rwlock_destroy(&fs.channel_lock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_write_that_is_held_up_is_waited_for_a_moment),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
