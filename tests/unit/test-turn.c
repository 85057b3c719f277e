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

/* So long that it is told, whatever a virtual machine is excused for. */
#define BLOCKED_MS 1000

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
	turn_begin(&turn);
	usleep(BLOCKED_MS * 1000);
	turn_end(&turn);
	assert_non_null(strstr(logged(), " ms, and waited in system call "));
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_turn_that_blocks_is_told),
	    cmocka_unit_test(a_turn_that_is_kept_waiting_is_not),
	};
	int fd = mkstemp(path);
	if (fd < 0 || log_open_file(path) < 0)
		return 1;
	close(fd);
	int failures = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return failures;
}
