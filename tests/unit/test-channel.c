/* The way to the kernel, at its end. */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/uio.h>
#include <time.h>

#include "unit.h"

#include "fs/channel.h"

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

static sem_t written, taken_in;

ssize_t __wrap_writev(int fd, const struct iovec *iov, int count);
int __wrap_fuse_session_fd(struct fuse_session *session);

/* The kernel takes its time. */
ssize_t __wrap_writev(int fd, const struct iovec *iov, int count)
{
	(void)fd;
	(void)count;
	sem_post(&written);
	sem_wait(&taken_in);
	return (ssize_t)iov->iov_len;
}

int __wrap_fuse_session_fd(struct fuse_session *session)
{
	(void)session;
	return -1;
}

static void *write_one(void *channel)
{
	return channel_take_back_names(channel) ? channel : NULL;
}

/* Until then it would wait by a wall clock that is set back by an hour. */
static void a_write_that_is_held_up_is_waited_for_a_moment(void **state)
{
	(void)state;
	struct channel *channel = channel_new();
	struct timespec before, after;
	pthread_t thread;
	void *failed;
	assert_non_null(channel);
	assert_int_equal(sem_init(&written, 0, 0), 0);
	assert_int_equal(sem_init(&taken_in, 0, 0), 0);
	assert_int_equal(pthread_create(&thread, NULL, write_one, channel), 0);
	sem_wait(&written);
	wall_ahead_s = 3600;
	clock_gettime(CLOCK_MONOTONIC, &before);
	channel_close(channel);
	clock_gettime(CLOCK_MONOTONIC, &after);
	wall_ahead_s = 0;
	assert_true(after.tv_sec - before.tv_sec < 60);
	sem_post(&taken_in);
	assert_int_equal(pthread_join(thread, &failed), 0);
	assert_null(failed);
	assert_int_equal(channel_take_back_names(channel), -ENODEV);
	channel_free(channel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_write_that_is_held_up_is_waited_for_a_moment),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
