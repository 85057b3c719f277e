/* A command that knows a secret, and never says it. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "config/askpass.h"
#include "config/complain.h"

static int64_t now;
static int64_t step;

int64_t __wrap_timestamp_mono_ms(void);

int64_t __wrap_timestamp_mono_ms(void)
{
	return now += step;
}

/* As in an old kernel, and under valgrind. */
static bool has_no_pidfd;

int __real_pidfd_open(pid_t pid, unsigned int flags);
int __wrap_pidfd_open(pid_t pid, unsigned int flags);

int __wrap_pidfd_open(pid_t pid, unsigned int flags)
{
	if (!has_no_pidfd)
		return __real_pidfd_open(pid, flags);
	errno = ENOSYS;
	return -1;
}

static void what_it_prints_is_taken(void **state)
{
	(void)state;
	char *line = NULL;
	step = 0;
	assert_int_equal(
	    askpass_run("password_command", "printf ' a;b \\r\\n\\n'", &line),
	    0);
	assert_string_equal(line, " a;b ");
	free(line);
}

/* One that nobody has reaped yet is not. */
static bool is_alive(int pid)
{
	char path[64], state = 'X';
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	FILE *file = fopen(path, "re");
	if (file && fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
		state = 'X';
	if (file)
		fclose(file);
	return state != 'X' && state != 'Z';
}

/* Run what leaves a process behind it; that one's id. */
static int leave_behind(const char *rest, int expected, char **ret_line)
{
	char name[] = "/tmp/test-askpass-XXXXXX", command[200], text[32] = "";
	int file = mkostemp(name, O_CLOEXEC);
	assert_true(file >= 0);
	snprintf(command, sizeof(command), "sleep 1000 & echo $! >%s; %s", name,
	    rest);
	assert_int_equal(
	    askpass_run("password_command", command, ret_line), expected);
	assert_true(pread(file, text, sizeof(text) - 1, 0) > 0);
	close(file);
	unlink(name);
	return atoi(text);
}

/* All of it, and not the shell alone. */
static void one_that_hangs_is_ended(void **state)
{
	(void)state;
	char *line = NULL;
	/* The minute is over once the shell has told that it sleeps. */
	step = 31000;
	int left = leave_behind("echo begun; wait", EXIT_USAGE, &line);
	assert_null(line);
	while (is_alive(left))
		usleep(1000);
}

/* It holds the pipe, which would have no end. */
static void what_it_leaves_running_is_not_waited_for(void **state)
{
	(void)state;
	char *line = NULL;
	step = 0;
	int left = leave_behind("echo word", 0, &line);
	assert_string_equal(line, "word");
	assert_true(is_alive(left));
	assert_int_equal(kill(left, SIGKILL), 0);
	free(line);
}

static void the_same_where_the_kernel_does_not_tell_of_its_end(void **state)
{
	has_no_pidfd = true;
	what_it_prints_is_taken(state);
	one_that_hangs_is_ended(state);
	what_it_leaves_running_is_not_waited_for(state);
	has_no_pidfd = false;
}

/* Who interrupts it means all of it, also what was forked too late to hear. */
static void one_that_is_interrupted_leaves_nothing(void **state)
{
	(void)state;
	char *line = NULL;
	step = 0;
	int left = leave_behind("kill -INT $$", EXIT_USAGE, &line);
	assert_null(line);
	while (is_alive(left))
		usleep(1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_it_prints_is_taken),
	    cmocka_unit_test(one_that_hangs_is_ended),
	    cmocka_unit_test(what_it_leaves_running_is_not_waited_for),
	    cmocka_unit_test(
		the_same_where_the_kernel_does_not_tell_of_its_end),
	    cmocka_unit_test(one_that_is_interrupted_leaves_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
