#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
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

/* ---- syslog ---- */

static char system_path[] = "/tmp/test-log-dev-XXXXXX";

int __real_connect(int fd, const struct sockaddr *to, socklen_t len);
int __wrap_connect(int fd, const struct sockaddr *to, socklen_t len);

/* /dev/log is the test's own. */
int __wrap_connect(int fd, const struct sockaddr *to, socklen_t len)
{
	const struct sockaddr_un *place = (const struct sockaddr_un *)to;
	struct sockaddr_un own = {.sun_family = AF_UNIX};
	if (len < sizeof(own) || strcmp(place->sun_path, "/dev/log") != 0)
		return __real_connect(fd, to, len);
	strcpy(own.sun_path, system_path);
	return __real_connect(fd, (struct sockaddr *)&own, sizeof(own));
}

/* Who takes the machine's log in. */
static int open_taker(int type)
{
	struct sockaddr_un own = {.sun_family = AF_UNIX};
	strcpy(own.sun_path, system_path);
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&own, sizeof(own)), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 1), 0);
	return fd;
}

static void close_taker(int fd)
{
	close(fd);
	assert_int_equal(unlink(system_path), 0);
}

/* The next line; "": there is none. */
static const char *taken(int fd)
{
	static char line[4096];
	ssize_t len = recv(fd, line, sizeof(line) - 1, MSG_DONTWAIT);
	line[len > 0 ? len : 0] = '\0';
	return line;
}

/* What stands behind the head, which all lines have: "<30>Jan  1 00:00:00
 * ident[pid]: ". */
static const char *taken_text(int fd, int priority)
{
	const char *line = taken(fd);
	int found = 0, pid = 0, end = 0;
	char ident[16] = "";
	if (!*line)
		return line;
	assert_int_equal(
	    sscanf(line, "<%d>%*3c %*2c %*2d:%*2d:%*2d %15[^[][%d]: %n", &found,
		ident, &pid, &end),
	    3);
	assert_int_equal(found, LOG_DAEMON | priority);
	assert_string_equal(ident, "test");
	assert_int_equal(pid, getpid());
	assert_true(end > 0);
	return line + end;
}

static void open_system_log(void)
{
	int fd = mkstemp(system_path);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(unlink(system_path), 0);
	log_open_syslog("test");
	log_set_level(LOG_LEVEL_INFO);
}

static void lines_of_the_machines_log_have_a_head(void **state)
{
	(void)state;
	open_system_log();
	int fd = open_taker(SOCK_DGRAM);
	log_info("one %s", "\x1b[2J");
	assert_string_equal(taken_text(fd, LOG_INFO), "one \\x1b[2J");
	log_error("two");
	assert_string_equal(taken_text(fd, LOG_ERR), "two");
	log_warn("three");
	assert_string_equal(taken_text(fd, LOG_WARNING), "three");
	close_taker(fd);
}

static void nobody_waits_for_who_takes_the_machines_log_in(void **state)
{
	enum { LINES = 1000 };
	char text[80];
	(void)state;
	int fd = open_taker(SOCK_DGRAM), kept = 0;
	for (int i = 0; i < LINES; i++)
		log_info("%d", i);
	for (const char *line; *(line = taken_text(fd, LOG_INFO)); kept++) {
		snprintf(text, sizeof(text), "%d", kept);
		assert_string_equal(line, text);
	}
	assert_in_range(kept, 1, LINES - 1);
	log_warn("read again");
	snprintf(text, sizeof(text),
	    "(%d lines are missing: nobody read the log)", LINES - kept);
	assert_string_equal(taken_text(fd, LOG_WARNING), text);
	assert_string_equal(taken_text(fd, LOG_WARNING), "read again");
	log_warn("and on");
	assert_string_equal(taken_text(fd, LOG_WARNING), "and on");
	close_taker(fd);
}

/* Nor is what it did not get kept from it once it is there again. */
static void the_machines_log_may_be_started_anew(void **state)
{
	(void)state;
	log_info("to nobody");
	int fd = open_taker(SOCK_DGRAM);
	log_info("here");
	assert_string_equal(taken_text(fd, LOG_INFO),
	    "(1 lines are missing: nobody read the log)");
	assert_string_equal(taken_text(fd, LOG_INFO), "here");
	close_taker(fd);
	fd = open_taker(SOCK_DGRAM);
	log_info("again");
	assert_string_equal(taken_text(fd, LOG_INFO), "again");
	close_taker(fd);
}

static void the_machines_log_may_be_a_stream(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	int fd = open_taker(SOCK_STREAM);
	log_info("one");
	log_info("two");
	int one = accept(fd, NULL, NULL);
	assert_true(one >= 0);
	const char *text = taken_text(one, LOG_INFO);
	assert_string_equal(text, "one");
	text += strlen(text) + 1;
	assert_int_equal(*text, '<');
	assert_non_null(strstr(text, ": two"));
	/* A line that does not fit is given up, and so is its connection. */
	for (int i = 0; i < 1000; i++)
		log_info("%01900d", i);
	close(one);
	close_taker(fd);
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
	static const struct CMUnitTest system_tests[] = {
	    cmocka_unit_test(lines_of_the_machines_log_have_a_head),
	    cmocka_unit_test(nobody_waits_for_who_takes_the_machines_log_in),
	    cmocka_unit_test(the_machines_log_may_be_started_anew),
	    cmocka_unit_test(the_machines_log_may_be_a_stream),
	};
	/* A file goes first: they come before there is one. */
	return cmocka_run_group_tests(system_tests, NULL, NULL) +
	       cmocka_run_group_tests(tests, open_log, remove_log);
}
