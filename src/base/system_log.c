#include "base/system_log.h"

#include <errno.h>
#include <paths.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

/* "<30>Jan  1 00:00:00 ident[pid]: " */
#define HEAD_MAX 160

struct system_log {
	const char *ident;
	int fd; /* -1: not connected */
	bool stream;
};

struct system_log *system_log_new(const char *ident)
{
	struct system_log *log = calloc(1, sizeof(*log));
	if (!log)
		return NULL;
	log->ident = ident;
	log->fd = -1;
	return log;
}

static void disconnect(struct system_log *log)
{
	if (log->fd >= 0)
		close(log->fd);
	log->fd = -1;
}

void system_log_free(struct system_log *log)
{
	if (!log)
		return;
	disconnect(log);
	free(log);
}

static int connect_as(struct system_log *log, int type)
{
	static const struct sockaddr_un place = {
	    .sun_family = AF_UNIX, .sun_path = _PATH_LOG};
	log->stream = type == SOCK_STREAM;
	log->fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (log->fd < 0)
		return -errno;
	if (connect(log->fd, (const struct sockaddr *)&place, sizeof(place)) ==
	    0)
		return 0;
	int r = -errno;
	disconnect(log);
	return r;
}

/* Some have a stream there. */
static int reach(struct system_log *log)
{
	if (log->fd >= 0)
		return 0;
	int r = connect_as(log, SOCK_DGRAM);
	return r == -EPROTOTYPE ? connect_as(log, SOCK_STREAM) : r;
}

/* As all do it, whatever the language. */
static int make_head(
    const struct system_log *log, int priority, char out[HEAD_MAX])
{
	static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May",
	    "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t now = time(NULL);
	struct tm tm = {0};
	localtime_r(&now, &tm);
	return snprintf(out, HEAD_MAX,
	    "<%d>%s %2d %02d:%02d:%02d %.64s[%d]: ", LOG_DAEMON | priority,
	    months[tm.tm_mon], tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
	    log->ident, (int)getpid());
}

/* A datagram is a line; in a stream, a NUL ends it. */
static int send_line(
    struct system_log *log, const char *head, size_t head_len, const char *line)
{
	size_t len = strlen(line) + log->stream;
	struct iovec iov[] = {
	    {(void *)(uintptr_t)head, head_len},
	    {(void *)(uintptr_t)line, len},
	};
	const struct msghdr message = {.msg_iov = iov, .msg_iovlen = 2};
	ssize_t n = sendmsg(log->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0)
		return -errno;
	/* Half a line would run into the next one. */
	return n == (ssize_t)(head_len + len) ? 0 : -EPIPE;
}

int system_log_write(struct system_log *log, int priority, const char *line)
{
	char head[HEAD_MAX];
	size_t head_len = (size_t)make_head(log, priority, head);
	int r = 0;
	/* Whoever takes it in may have been started anew. */
	for (int i = 0; i < 2; i++) {
		r = reach(log);
		if (r == 0)
			r = send_line(log, head, head_len, line);
		if (r == 0 || r == -EAGAIN)
			break;
		/* A process that has closed all may have others there by now.
		 */
		if (r == -EBADF || r == -ENOTSOCK)
			log->fd = -1;
		disconnect(log);
	}
	return r;
}
