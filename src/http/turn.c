#include "http/turn.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"

static int64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* How long this thread has been kept waiting for a processor in its life: the
 * second figure that the scheduler tells of it. 0 where it tells none. */
static int64_t starved_ns(void)
{
	char text[96] = "";
	int64_t starved = 0;
	int fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	if (read(fd, text, sizeof(text) - 1) > 0)
		sscanf(text, "%*s %" SCNd64, &starved);
	close(fd);
	return starved;
}

/* How long it has had one, where it is slow only because a sanitizer watches
 * over it: there what counts is that it does not sleep. */
static int64_t worked_ns(void)
{
#ifdef LOOP_WATCH_SLEEP
	struct timespec now;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
#else
	return 0;
#endif
}

void turn_begin(struct turn *turn)
{
	turn->excused_ns = starved_ns() + worked_ns();
	turn->began_ns = now_ns();
}

void turn_end(struct turn *turn)
{
	if (!turn->began_ns)
		return;
	int64_t took_ns = now_ns() - turn->began_ns;
	turn->began_ns = 0;
	if (took_ns <= TURN_LONGEST_MS * INT64_C(1000000))
		return;
	took_ns -= starved_ns() + worked_ns() - turn->excused_ns;
	if (took_ns > TURN_LONGEST_MS * INT64_C(1000000))
		log_warn("a turn of the loop took %" PRId64 " ms",
		    took_ns / 1000000);
}
