#include "http/turn.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"

#define NS_PER_S INT64_C(1000000000)

static int64_t clock_ns(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* The figure after `words` other words at the head of one of the kernel's
 * files; 0 where there is none. */
static int64_t figure(int fd, int words)
{
	char text[256] = "", *at = text;
	if (fd < 0 || pread(fd, text, sizeof(text) - 1, 0) <= 0)
		return 0;
	while (words-- > 0) {
		at += strcspn(at, " ");
		at += strspn(at, " ");
	}
	return strtoll(at, NULL, 10);
}

/* How long this thread has been ready in its life without a processor. */
static int64_t starved_ns(const struct turn *turn)
{
	return figure(turn->thread_fd, 1);
}

/* How long the machine itself, where it is a virtual one, had no processor:
 * such time counts neither as waiting nor as work. */
static int64_t stolen_ns(const struct turn *turn)
{
	return figure(turn->machine_fd, 8) * (NS_PER_S / sysconf(_SC_CLK_TCK));
}

/* How long it has had one, where it is slow only because a sanitizer watches
 * over it: there what counts is that it does not sleep. */
static int64_t worked_ns(void)
{
#ifdef LOOP_WATCH_SLEEP
	return clock_ns(CLOCK_THREAD_CPUTIME_ID);
#else
	return 0;
#endif
}

static int64_t excused_ns(const struct turn *turn)
{
	return starved_ns(turn) + stolen_ns(turn) + worked_ns();
}

void turn_begin(struct turn *turn)
{
	if (!turn->open) {
		turn->thread_fd =
		    open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
		turn->machine_fd = open("/proc/stat", O_RDONLY | O_CLOEXEC);
		turn->open = true;
	}
	turn->excused_ns = excused_ns(turn);
	turn->began_ns = clock_ns(CLOCK_MONOTONIC);
}

void turn_end(struct turn *turn)
{
	if (!turn->began_ns)
		return;
	int64_t took_ns = clock_ns(CLOCK_MONOTONIC) - turn->began_ns;
	turn->began_ns = 0;
	if (took_ns <= TURN_LONGEST_MS * INT64_C(1000000))
		return;
	took_ns -= excused_ns(turn) - turn->excused_ns;
	if (took_ns > TURN_LONGEST_MS * INT64_C(1000000))
		log_warn("a turn of the loop took %" PRId64 " ms",
		    took_ns / 1000000);
}

void turn_close(struct turn *turn)
{
	if (!turn->open)
		return;
	close(turn->thread_fd);
	close(turn->machine_fd);
	turn->open = false;
}
