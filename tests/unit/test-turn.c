/* What a build with -Dloop_watch=true tells of the loop's turns. */
#include "unit.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/timestamp.h"
#include "http/turn.h"

#define RIVALS 7

/* So long that it is told, but for what a virtual machine is excused for, which
 * may be all of it: then it is tried again. */
#define BLOCKED_MS 1000
#define TRIES 10

static char path[] = "/tmp/test-turn-XXXXXX";
static atomic_bool over;

/* What was logged since the last time. */
static const char *logged(void)
{
	static char text[512];
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	assert_int_equal(truncate(path, 0), 0);
	return text;
}

static void a_turn_that_blocks_is_told(void **state)
{
	(void)state;
	struct turn turn = {0};
	bool told = false;
	for (int i = 0; i < TRIES && !told; i++) {
		turn_begin(&turn);
		usleep(BLOCKED_MS * 1000);
		turn_end(&turn);
		told = strstr(logged(), " ms, and waited in system call ");
	}
	assert_true(told);
	turn_end(&turn); /* none is under way */
	assert_string_equal(logged(), "");
	turn_close(&turn);
}

/* Keep the thread from running for a while, and tell of the turn that it was.
 */
static void starve(struct turn *turn)
{
	int64_t until = timestamp_mono_ms() + TURN_LONGEST_MS + 10;
	turn_begin(turn);
	while (timestamp_mono_ms() < until)
		;
	turn_end(turn);
}

static void *be_busy(void *ctx)
{
	(void)ctx;
	while (!over)
		;
	return NULL;
}

/* All threads that are started from here on share one processor. */
static void share_one(void)
{
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET((size_t)sched_getcpu(), &set);
	assert_int_equal(sched_setaffinity(0, sizeof(set), &set), 0);
}

/* That others had the processor meanwhile is not the loop's fault. */
static void a_turn_that_is_kept_waiting_is_not(void **state)
{
	(void)state;
	struct turn turn = {0};
	pthread_t rivals[RIVALS];
	share_one();
	for (int i = 0; i < RIVALS; i++)
		assert_int_equal(
		    pthread_create(&rivals[i], NULL, be_busy, NULL), 0);
	starve(&turn);
	/* Nor is it where no descriptor is left to ask the kernel with. */
	struct rlimit few, before;
	getrlimit(RLIMIT_NOFILE, &before);
	few = (struct rlimit){.rlim_max = before.rlim_max};
	setrlimit(RLIMIT_NOFILE, &few);
	starve(&turn);
	setrlimit(RLIMIT_NOFILE, &before);
	over = true;
	for (int i = 0; i < RIVALS; i++)
		pthread_join(rivals[i], NULL);
	assert_string_equal(logged(), "");
	turn_close(&turn);
}

/* ---- a lock ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool owned;

/* Holds the lock over something that takes a while. */
static void *own_and_sleep(void *ctx)
{
	(void)ctx;
	pthread_mutex_lock(&lock);
	owned = true;
	usleep(BLOCKED_MS * 1000);
	pthread_mutex_unlock(&lock);
	return NULL;
}

static void use_processor(int ms)
{
	struct timespec used;
	do
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
	while (used.tv_sec == 0 && used.tv_nsec < ms * 1000000L);
}

/* Holds it for a moment, in which others have the processor. */
static void *own_and_yield(void *ctx)
{
	(void)ctx;
	const struct sched_param none = {0};
	pthread_mutex_lock(&lock);
	owned = true;
	/* Whoever is ready goes first from here on. */
	pthread_setschedparam(pthread_self(), SCHED_IDLE, &none);
	use_processor(20);
	pthread_mutex_unlock(&lock);
	return NULL;
}

static void *be_busy_for_a_while(void *ctx)
{
	(void)ctx;
	int64_t until = timestamp_mono_ms() + BLOCKED_MS;
	while (!owned)
		;
	while (timestamp_mono_ms() < until)
		;
	return NULL;
}

/* A turn that waits for the lock until its owner lets go of it. */
static void wait_for(void *(*owner)(void *), bool alone)
{
	struct turn turn = {0};
	pthread_t thread, rival;
	owned = false;
	if (!alone)
		pthread_create(&rival, NULL, be_busy_for_a_while, NULL);
	assert_int_equal(pthread_create(&thread, NULL, owner, NULL), 0);
	while (!owned)
		sched_yield();
	turn_begin(&turn);
	pthread_mutex_lock(&lock);
	pthread_mutex_unlock(&lock);
	turn_end(&turn);
	pthread_join(thread, NULL);
	if (!alone)
		pthread_join(rival, NULL);
	turn_close(&turn);
}

static void a_lock_whose_owner_blocks_is_told(void **state)
{
	(void)state;
	bool told = false;
	for (int i = 0; i < TRIES && !told; i++) {
		wait_for(own_and_sleep, true);
		told = strstr(logged(), " ms, and waited in system call ");
	}
	assert_true(told);
}

/* All of them on one processor, as the last test has left it. */
static void one_whose_owner_is_kept_waiting_is_not(void **state)
{
	(void)state;
	wait_for(own_and_yield, false);
	assert_string_equal(logged(), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_turn_that_blocks_is_told),
	    cmocka_unit_test(a_lock_whose_owner_blocks_is_told),
	    cmocka_unit_test(a_turn_that_is_kept_waiting_is_not),
	    cmocka_unit_test(one_whose_owner_is_kept_waiting_is_not),
	};
	int fd = mkstemp(path);
	if (fd < 0 || log_open_file(path) < 0)
		return 1;
	close(fd);
	int failures = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return failures;
}
