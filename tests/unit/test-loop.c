#include "unit.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/timestamp.h"
#include "http/http.h"
#include "http/loop.h"

static struct loop *loop;
static char trail[64];

/* What is left on it. */
static char a[] = "a", b[] = "b", c[] = "c";

static int setup(void **state)
{
	(void)state;
	trail[0] = '\0';
	return loop_new(&loop);
}

static int teardown(void **state)
{
	(void)state;
	loop_free(loop);
	return 0;
}

/* Leaves its name on the trail. */
static void leave(void *ctx)
{
	strcat(trail, ctx);
}

/* Called by whatever writes, once it has. */
static void (*after_write)(void);

ssize_t write(int fd, const void *data, size_t len)
{
	ssize_t written = syscall(SYS_write, fd, data, len);
	if (after_write)
		after_write();
	return written;
}

static void post(void (*fn)(void *ctx), void *ctx)
{
	static struct http_task tasks[16];
	static size_t next;
	struct http_task *task = &tasks[next++];
	*task = (struct http_task){.fn = fn, .ctx = ctx};
	loop_post(loop, task);
}

/* A task that is posted more than once. */
static struct http_task repeated;

static void repeat(void *ctx)
{
	strcat(trail, ctx);
	if (strlen(trail) < 4)
		loop_post(loop, &repeated);
}

static void post_again(void *ctx)
{
	strcat(trail, "again,");
	post(leave, ctx);
}

static void on_ready(void *ctx, int fd, short events)
{
	char byte;
	(void)ctx;
	assert_true(events & POLLIN);
	assert_int_equal(read(fd, &byte, 1), 1);
	strncat(trail, &byte, 1);
}

/* ---- posted work and timers ---- */

static void test_posted_work_runs_in_order(void **state)
{
	(void)state;
	post(leave, a);
	post(leave, b);
	assert_true(loop_work(loop));
	assert_string_equal(trail, "ab");
	assert_true(loop_work(loop));
	assert_string_equal(trail, "ab");
}

/* Else the list would end with it, and lose what was posted between. */
static void test_what_is_posted_twice_runs_once_and_loses_nothing(void **state)
{
	(void)state;
	repeated = (struct http_task){.fn = leave, .ctx = a};
	loop_post(loop, &repeated);
	post(leave, b);
	loop_post(loop, &repeated);
	post(leave, c);
	loop_work(loop);
	assert_string_equal(trail, "abc");
	loop_post(loop, &repeated);
	loop_work(loop);
	assert_string_equal(trail, "abca");
}

static void test_work_may_post_itself(void **state)
{
	(void)state;
	repeated = (struct http_task){.fn = repeat, .ctx = a};
	loop_post(loop, &repeated);
	for (int i = 0; i < 6; i++)
		loop_work(loop);
	assert_string_equal(trail, "aaaa");
}

/* Else work that posts itself would keep all others from their turn. */
static void test_what_work_posts_waits_for_the_next_turn(void **state)
{
	(void)state;
	post(post_again, a);
	loop_work(loop);
	assert_string_equal(trail, "again,");
	loop_wait(loop, timestamp_mono_ms() + 10000, on_ready, NULL);
	loop_work(loop);
	assert_string_equal(trail, "again,a");
}

static void test_timers_run_by_due_time_then_by_age(void **state)
{
	(void)state;
	loop_timer_start(loop, 2, leave, c);
	loop_timer_start(loop, 0, leave, a);
	loop_timer_start(loop, 0, leave, b);
	usleep(4000);
	loop_work(loop);
	assert_string_equal(trail, "abc");
}

static void test_a_stopped_timer_does_not_run(void **state)
{
	(void)state;
	struct http_timer *timer = loop_timer_start(loop, 0, leave, a);
	loop_timer_start(loop, 0, leave, b);
	loop_timer_stop(loop, timer);
	loop_work(loop);
	assert_string_equal(trail, "b");
}

static void test_the_end_leaves_timers_and_runs_what_was_posted(void **state)
{
	(void)state;
	loop_timer_start(loop, 0, leave, a);
	post(leave, b);
	loop_end(loop);
	assert_false(loop_work(loop));
	assert_string_equal(trail, "b");
}

/* ---- waiting ---- */

static void test_it_waits_for_the_first_timer(void **state)
{
	(void)state;
	int64_t began = timestamp_mono_ms();
	loop_timer_start(loop, 30, leave, a);
	loop_wait(loop, LOOP_NEVER, on_ready, NULL);
	int64_t waited = timestamp_mono_ms() - began;
	assert_in_range(waited, 29, 900);
}

static void *post_from_elsewhere(void *ctx)
{
	usleep(20000);
	post(leave, ctx);
	return NULL;
}

static void test_posted_work_ends_the_wait(void **state)
{
	(void)state;
	pthread_t thread;
	int64_t began = timestamp_mono_ms();
	assert_int_equal(
	    pthread_create(&thread, NULL, post_from_elsewhere, a), 0);
	loop_wait(loop, LOOP_NEVER, on_ready, NULL);
	assert_in_range(timestamp_mono_ms() - began, 0, 900);
	pthread_join(thread, NULL);
	loop_work(loop);
	assert_string_equal(trail, "a");
}

static atomic_bool worked;

static void *work(void *ctx)
{
	loop_work(loop);
	worked = true;
	return ctx;
}

/* As where the loop's thread gets the processor of the one that woke it, who
 * goes on when it waits again. */
static void give_way(void)
{
	pthread_t thread;
	after_write = NULL;
	assert_int_equal(pthread_create(&thread, NULL, work, NULL), 0);
	for (int ms = 0; ms < 5000 && !worked; ms++)
		usleep(1000);
	pthread_detach(thread);
}

/* Else a thread that is slow to come back keeps the loop from its work. */
static void test_nothing_is_kept_from_it_by_whoever_wakes_it(void **state)
{
	(void)state;
	worked = false;
	after_write = give_way;
	post(leave, a);
	assert_true(worked);
	assert_string_equal(trail, "a");
	worked = false;
	after_write = give_way;
	loop_end(loop);
	assert_true(worked);
}

/* ---- descriptors ---- */

static void test_ready_descriptors_are_told_of(void **state)
{
	(void)state;
	int pipes[40][2];
	for (size_t i = 0; i < 40; i++) {
		assert_int_equal(pipe(pipes[i]), 0);
		loop_watch(loop, pipes[i][0], POLLIN);
	}
	assert_int_equal(write(pipes[3][1], "x", 1), 1);
	assert_int_equal(write(pipes[39][1], "y", 1), 1);
	loop_wait(loop, LOOP_NEVER, on_ready, NULL);
	assert_string_equal(trail, "xy");
	for (size_t i = 0; i < 40; i++) {
		loop_watch(loop, pipes[i][0], 0);
		close(pipes[i][0]);
		close(pipes[i][1]);
	}
	loop_wait(loop, timestamp_mono_ms(), on_ready, NULL);
	assert_string_equal(trail, "xy");
}

static void test_only_what_is_watched_for_is_told(void **state)
{
	(void)state;
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	loop_watch(loop, ends[1], POLLOUT);
	loop_watch(loop, ends[1], POLLIN); /* never: it is the other end */
	loop_wait(loop, timestamp_mono_ms(), on_ready, NULL);
	assert_string_equal(trail, "");
	loop_watch(loop, ends[1], 0);
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(test_posted_work_runs_in_order),
	    T(test_what_is_posted_twice_runs_once_and_loses_nothing),
	    T(test_work_may_post_itself),
	    T(test_what_work_posts_waits_for_the_next_turn),
	    T(test_timers_run_by_due_time_then_by_age),
	    T(test_a_stopped_timer_does_not_run),
	    T(test_the_end_leaves_timers_and_runs_what_was_posted),
	    T(test_it_waits_for_the_first_timer),
	    T(test_posted_work_ends_the_wait),
	    T(test_nothing_is_kept_from_it_by_whoever_wakes_it),
	    T(test_ready_descriptors_are_told_of),
	    T(test_only_what_is_watched_for_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
