/* The way to the kernel, at its end. */
#include <errno.h>
#include <pthread.h>
#include <sys/uio.h>
#include <time.h>

#include "unit.h"

#include "fs/channel.h"
#include "fs/context.h"

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

/* ---- a kernel that holds a write up ---- */

static pthread_mutex_t kernel = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t news = PTHREAD_COND_INITIALIZER;
static bool is_held, may_go;

int __wrap_fuse_session_custom_io(
    struct fuse_session *session, const struct fuse_custom_io *io, int fd);
int __wrap_fuse_session_fd(struct fuse_session *session);
ssize_t __wrap_writev(int fd, const struct iovec *iov, int count);

int __wrap_fuse_session_custom_io(
    struct fuse_session *session, const struct fuse_custom_io *io, int fd)
{
	(void)session;
	(void)io;
	(void)fd;
	return 0;
}

int __wrap_fuse_session_fd(struct fuse_session *session)
{
	(void)session;
	return 0;
}

ssize_t __wrap_writev(int fd, const struct iovec *iov, int count)
{
	(void)fd;
	(void)count;
	pthread_mutex_lock(&kernel);
	is_held = true;
	pthread_cond_broadcast(&news);
	while (!may_go)
		pthread_cond_wait(&news, &kernel);
	pthread_mutex_unlock(&kernel);
	return (ssize_t)iov->iov_len;
}

static void *write_something(void *channel)
{
	channel_take_back_names(channel);
	return NULL;
}

/* Until then it would wait by a wall clock that is set back by an hour. */
static void a_write_that_is_held_up_is_waited_for_a_moment(void **state)
{
	(void)state;
	struct channel *channel = channel_new();
	struct timespec before, after;
	pthread_t writer;
	assert_non_null(channel);
	assert_int_equal(channel_open(channel, NULL), 0);
	pthread_create(&writer, NULL, write_something, channel);
	pthread_mutex_lock(&kernel);
	while (!is_held)
		pthread_cond_wait(&news, &kernel);
	pthread_mutex_unlock(&kernel);
	wall_ahead_s = 3600;
	clock_gettime(CLOCK_MONOTONIC, &before);
	channel_close(channel);
	clock_gettime(CLOCK_MONOTONIC, &after);
	wall_ahead_s = 0;
	assert_true(after.tv_sec - before.tv_sec < 60);
	/* What comes later is not written. */
	assert_int_equal(channel_take_back_names(channel), -ENODEV);
	pthread_mutex_lock(&kernel);
	may_go = true;
	pthread_cond_broadcast(&news);
	pthread_mutex_unlock(&kernel);
	pthread_join(writer, NULL);
	channel_free(channel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_write_that_is_held_up_is_waited_for_a_moment),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
