#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

static char path[] = "/tmp/test-log-XXXXXX";

static int open_log(void **state)
{
	(void)state;
	int fd = mkstemp(path);
	if (fd < 0)
		return -1;
	close(fd);
	return log_open_file(path);
}

static int remove_log(void **state)
{
	(void)state;
	return unlink(path);
}

/* The last line, behind the time that begins it; without its newline. */
static const char *last_line(void)
{
	static char line[8192];
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	line[0] = '\0';
	while (fgets(line, sizeof(line), file))
		;
	fclose(file);
	size_t len = strlen(line);
	if (len == 0)
		return line;
	assert_int_equal(line[len - 1], '\n');
	line[len - 1] = '\0';
	assert_int_equal(line[24], ' ');
	return line + 25;
}

static void messages_are_lines_with_a_level(void **state)
{
	(void)state;
	log_info("GET %s: %d", "/v1/files", 503);
	assert_string_equal(last_line(), "info: GET /v1/files: 503");
	log_error("gone");
	assert_string_equal(last_line(), "error: gone");
}

static void levels_below_the_chosen_one_are_silent(void **state)
{
	(void)state;
	log_set_level(LOG_LEVEL_WARN);
	log_warn("kept");
	log_info("dropped");
	log_debug("dropped");
	assert_string_equal(last_line(), "warn: kept");
	log_set_level(LOG_LEVEL_DEBUG);
	log_debug("kept, too");
	assert_string_equal(last_line(), "debug: kept, too");
}

static void a_server_cannot_command_the_terminal(void **state)
{
	(void)state;
	log_info("%s", "\x1b[2J\a\r\nfake\tline\x7f");
	assert_string_equal(
	    last_line(), "info: \\x1b[2J\\x07\\x0d\\x0afake\\x09line\\x7f");
	log_info("%s", "\xc2\x9b"
		       "31m");
	assert_string_equal(last_line(), "info: \\xc2\\x9b31m");
}

static void a_server_cannot_turn_a_line_around(void **state)
{
	(void)state;
	static const char *const turns[] = {"\xd8\x9c", "\xe2\x80\x8e",
	    "\xe2\x80\x8f", "\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xaa",
	    "\xe2\x80\xae", "\xe2\x81\xa6", "\xe2\x81\xa9"};
	for (size_t i = 0; i < ARRAY_SIZE(turns); i++) {
		char expected[32] = "info: ";
		for (const char *c = turns[i]; *c; c++)
			snprintf(expected + strlen(expected), 5, "\\x%02x",
			    (unsigned char)*c);
		log_info("%s", turns[i]);
		assert_string_equal(last_line(), expected);
	}
	/* Their neighbours are ordinary text, and so is a line that runs from
	 * right to left by itself. */
	log_info("%s", "\xe2\x80\xa7\xe2\x80\xaf\xe2\x80\x8d\xd7\xa9");
	assert_string_equal(
	    last_line(), "info: \xe2\x80\xa7\xe2\x80\xaf\xe2\x80\x8d\xd7\xa9");
}

static void text_stays_and_other_bytes_are_spelt_out(void **state)
{
	(void)state;
	log_info("%s", "caf\xc3\xa9 \xf0\x9f\x98\x80 \xff\xc3");
	assert_string_equal(
	    last_line(), "info: caf\xc3\xa9 \xf0\x9f\x98\x80 \\xff\\xc3");
}

static void an_endless_message_is_cut(void **state)
{
	(void)state;
	static char text[5000];
	memset(text, '\x01', sizeof(text) - 1);
	log_info("%s", text);
	assert_true(strlen(last_line()) < 2100);
	memset(text, 'x', sizeof(text) - 1);
	log_info("%s", text);
	assert_true(strlen(last_line()) < 2100);
}

static void levels_have_names(void **state)
{
	(void)state;
	static const char *const names[] = {"error", "warn", "info", "debug"};
	enum log_level level;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		assert_int_equal(log_level_parse(names[i], &level), 0);
		assert_int_equal(level, i);
	}
	level = LOG_LEVEL_WARN;
	assert_int_equal(log_level_parse("INFO", &level), -EINVAL);
	assert_int_equal(log_level_parse("", &level), -EINVAL);
	assert_int_equal(level, LOG_LEVEL_WARN);
}

static void a_log_that_cannot_be_opened_is_told(void **state)
{
	(void)state;
	assert_int_equal(log_open_file("/nonexistent/log"), -ENOENT);
	assert_int_equal(log_open_file(NULL), 0);
	log_info("still here");
	assert_string_equal(last_line(), "info: still here");
}

/* As logrotate does: the file is renamed, then SIGHUP. */
static void a_log_that_was_put_aside_goes_on_in_a_new_file(void **state)
{
	(void)state;
	char aside[sizeof(path) + 2];
	snprintf(aside, sizeof(aside), "%s.1", path);
	log_set_level(LOG_LEVEL_INFO);
	assert_int_equal(rename(path, aside), 0);
	log_info("to the old one");
	assert_int_not_equal(access(path, F_OK), 0);
	assert_int_equal(log_reopen(), 0);
	assert_string_equal(last_line(), "");
	log_info("to the new one");
	assert_string_equal(last_line(), "info: to the new one");
	assert_int_equal(unlink(aside), 0);
}

/* Then it is better there than nowhere. */
static void a_log_that_cannot_be_opened_anew_stays_where_it_is(void **state)
{
	(void)state;
	char aside[sizeof(path) + 2];
	snprintf(aside, sizeof(aside), "%s.1", path);
	assert_int_equal(rename(path, aside), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(log_reopen(), -EISDIR);
	log_info("still here");
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(rename(aside, path), 0);
	assert_string_equal(last_line(), "info: still here");
}

/* All that a pipe holds. */
static const char *drained(int fd)
{
	static char text[1 << 16];
	ssize_t len = read(fd, text, sizeof(text) - 1);
	text[len > 0 ? len : 0] = '\0';
	return text;
}

static unsigned lines_of(const char *text)
{
	unsigned count = 0;
	while ((text = strchr(text, '\n'))) {
		text++;
		count++;
	}
	return count;
}

static void nobody_waits_for_who_reads_it(void **state)
{
	enum { LINES = 100 };
	char aside[sizeof(path) + 2], told[80];
	(void)state;
	snprintf(aside, sizeof(aside), "%s.1", path);
	assert_int_equal(rename(path, aside), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	int reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(reader >= 0);
	assert_int_equal(log_reopen(), 0);
	assert_true(fcntl(reader, F_SETPIPE_SZ, 8192) > 0);
	for (int i = 0; i < LINES; i++)
		log_info("%01000d", i);
	unsigned kept = lines_of(drained(reader));
	assert_in_range(kept, 1, 8);
	log_info("read again");
	snprintf(
	    told, sizeof(told), " info: (%u lines are missing", LINES - kept);
	const char *text = drained(reader);
	assert_non_null(strstr(text, told));
	assert_non_null(strstr(text, " info: read again\n"));
	log_info("and on");
	text = drained(reader);
	assert_int_equal(lines_of(text), 1);
	assert_non_null(strstr(text, " info: and on\n"));
	/* Nor does it matter that there is none. */
	close(reader);
	signal(SIGPIPE, SIG_IGN);
	log_info("to nobody");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rename(aside, path), 0);
	assert_int_equal(log_reopen(), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(messages_are_lines_with_a_level),
	    cmocka_unit_test(levels_below_the_chosen_one_are_silent),
	    cmocka_unit_test(a_server_cannot_command_the_terminal),
	    cmocka_unit_test(a_server_cannot_turn_a_line_around),
	    cmocka_unit_test(text_stays_and_other_bytes_are_spelt_out),
	    cmocka_unit_test(an_endless_message_is_cut),
	    cmocka_unit_test(levels_have_names),
	    cmocka_unit_test(a_log_that_cannot_be_opened_is_told),
	    cmocka_unit_test(a_log_that_was_put_aside_goes_on_in_a_new_file),
	    cmocka_unit_test(
		a_log_that_cannot_be_opened_anew_stays_where_it_is),
	    cmocka_unit_test(nobody_waits_for_who_reads_it),
	};
	return cmocka_run_group_tests(tests, open_log, remove_log);
}
