/* A command that knows a secret, and never says it. */
#include "unit.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
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

/* All of it, and not the shell alone. */
static void one_that_hangs_is_ended(void **state)
{
	(void)state;
	char name[] = "/tmp/test-askpass-XXXXXX", command[200], text[32] = "";
	char *line = NULL;
	int file = mkostemp(name, O_CLOEXEC);
	assert_true(file >= 0);
	snprintf(command, sizeof(command),
	    "sleep 1000 & echo $! >%s; echo begun; wait", name);
	/* The minute is over once the shell has told that it sleeps. */
	step = 31000;
	assert_int_equal(
	    askpass_run("password_command", command, &line), EXIT_USAGE);
	assert_null(line);
	assert_true(pread(file, text, sizeof(text) - 1, 0) > 0);
	while (is_alive(atoi(text)))
		usleep(1000);
	close(file);
	unlink(name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_it_prints_is_taken),
	    cmocka_unit_test(one_that_hangs_is_ended),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
