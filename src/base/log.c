#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/lock.h"
#include "base/system_log.h"
#include "base/timestamp.h"
#include "base/utf8.h"

/* A line longer than this is cut: it is a log, not an archive. */
#define LOG_LINE_MAX 2048

#define MISSING_FORMAT "(%u lines are missing: nobody read the log)"

/* What stands before it. */
#define HEAD_MAX 80

static _Atomic enum log_level log_level = LOG_LEVEL_INFO;
static FILE *log_file; /* set before threads start; NULL: stderr */
static char *log_path; /* of log_file; set with it */
static struct system_log *log_system; /* set before threads start; or NULL */

/* It tells what there is: nobody else's business. A descriptor, or -errno. */
static int open_private(const char *path)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	return fd < 0 ? -errno : fd;
}

int log_open_file(const char *path)
{
	if (!path)
		return 0;
	int fd = open_private(path);
	if (fd < 0)
		return fd;
	char *name = strdup(path);
	FILE *file = name ? fdopen(fd, "a") : NULL;
	if (!file) {
		free(name);
		close(fd);
		return -ENOMEM;
	}
	setvbuf(file, NULL, _IOLBF, 0);
	log_file = file;
	log_path = name;
	return 0;
}

int log_reopen(void)
{
	if (!log_file)
		return 0;
	int fd = open_private(log_path);
	if (fd < 0)
		return fd;
	/* In one step, whoever writes: no line is lost or torn. */
	int r = dup3(fd, fileno(log_file), O_CLOEXEC) < 0 ? -errno : 0;
	close(fd);
	return r;
}

void log_open_syslog(const char *ident)
{
	system_log_free(log_system);
	log_system = system_log_new(ident);
}

void log_set_level(enum log_level level)
{
	log_level = level;
}

static const char *const level_names[] = {"error", "warn", "info", "debug"};

int log_level_parse(const char *text, enum log_level *ret_level)
{
	for (size_t i = 0; i < ARRAY_SIZE(level_names); i++) {
		if (strcmp(text, level_names[i]) == 0) {
			*ret_level = (enum log_level)i;
			return 0;
		}
	}
	return -EINVAL;
}

/* Control characters, and those that end a line or turn the order of what
 * follows: a log could be made to look as if it said something else. */
static bool is_safe(uint32_t code)
{
	if (code < 0x20 || (code >= 0x7f && code < 0xa0))
		return false;
	return code != 0x61c && code != 0x200e && code != 0x200f &&
	       !(code >= 0x2028 && code <= 0x202e) &&
	       !(code >= 0x2066 && code <= 0x2069);
}

void log_make_safe(const char *text, char *out, size_t size)
{
	size_t len = strlen(text), used = 0;
	for (size_t i = 0; i < len;) {
		uint32_t code;
		size_t n = utf8_sequence(text + i, len - i, &code);
		bool safe = n && is_safe(code);
		size_t need = safe ? n : 4;
		if (used + need + 1 > size)
			break;
		if (safe) {
			memcpy(out + used, text + i, n);
			i += n;
		} else {
			snprintf(
			    out + used, 5, "\\x%02x", (unsigned char)text[i]);
			i++;
		}
		used += need;
	}
	out[used] = '\0';
}

/* Whether a line finds room without waiting for its reader, such as a pager
 * that is not scrolled or a terminal that was stopped. No line is longer than
 * what a pipe takes whole when it takes anything. Also where writing would
 * fail. */
static bool has_room(FILE *out)
{
	struct pollfd target = {.fd = fileno(out), .events = POLLOUT};
	return poll(&target, 1, 0) != 0;
}

/* Nobody waits for who reads a log: what he leaves no room for is counted, and
 * told when there is room again. */
static void write_line(FILE *out, const char *head, const char *text)
{
	static unsigned missing; /* under the lock of out */
	flockfile(out);
	if (!has_room(out)) {
		missing++;
	} else if (missing) {
		fprintf(out, "%s" MISSING_FORMAT "\n%s%s\n", head, missing,
		    head, text);
		missing = 0;
	} else {
		fprintf(out, "%s%s\n", head, text);
	}
	funlockfile(out);
}

/* The same of the machine's log. One that is not there has not read it, either.
 */
static void write_system_line(int priority, const char *text)
{
	static struct lock lock = {PTHREAD_MUTEX_INITIALIZER};
	static unsigned missing; /* under lock */
	char note[80];
	int r = 0;
	lock_acquire(&lock);
	if (missing) {
		snprintf(note, sizeof(note), MISSING_FORMAT, missing);
		r = system_log_write(log_system, priority, note);
		if (r == 0)
			missing = 0;
	}
	if (r == 0)
		r = system_log_write(log_system, priority, text);
	if (r < 0)
		missing++;
	lock_release(&lock);
}

void log_write(enum log_level level, const char *format, ...)
{
	if (level > log_level)
		return;
	char text[LOG_LINE_MAX], line[LOG_LINE_MAX], head[HEAD_MAX];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	log_make_safe(text, line, sizeof(line));

	static const int priorities[] = {
	    LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG};
	if (log_file) {
		char now[TIMESTAMP_SIZE];
		snprintf(head, sizeof(head),
		    "%s %s: ", timestamp_format(timestamp_now_ms(), now),
		    level_names[level]);
		write_line(log_file, head, line);
	} else if (log_system) {
		write_system_line(priorities[level], line);
	} else {
		snprintf(
		    head, sizeof(head), "%s: ", program_invocation_short_name);
		write_line(stderr, head, line);
	}
}
