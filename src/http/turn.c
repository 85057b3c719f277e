#include "http/turn.h"

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"

#define NS_PER_S INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)

/* How often the watcher looks. */
#define LOOK_MS 10

/* No call of the kernel that was seen. */
#define NO_CALL (-1)

/* Where the thread is slow only because a sanitizer watches over it, what
 * counts is that it does not sleep. */
#ifdef LOOP_WATCH_SLEEP
static const bool only_sleep = true;
#else
static const bool only_sleep = false;
#endif

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

/* How long it has had one. */
static int64_t worked_ns(void)
{
	return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

static int64_t excused_ns(const struct turn *turn)
{
	return starved_ns(turn) + stolen_ns(turn) +
	       (only_sleep ? worked_ns() : 0);
}

/* ---- where it waits ---- */

/* A sanitizer takes memory from the kernel all the time, and waits for its
 * other threads there. So does what touches fresh memory meanwhile: all that a
 * call waits for that receives or sends, as no socket of the loop blocks. */
static bool is_for_memory(long call)
{
	switch (call) {
	case SYS_mmap:
	case SYS_munmap:
	case SYS_mprotect:
	case SYS_madvise:
	case SYS_recvfrom:
	case SYS_sendto:
		return only_sleep;
	default:
		return false;
	}
}

/* The call of the kernel in which the thread is; NO_CALL where it is in none,
 * nor where it runs. */
static long call_of(const struct turn *turn)
{
	char text[256] = "", *end;
	if (pread(turn->call_fd, text, sizeof(text) - 1, 0) <= 0)
		return NO_CALL;
	long call = strtol(text, &end, 10);
	return end == text || call < 0 ? NO_CALL : call;
}

/* Of the watcher, who should have seen a turn of that age before. */
static int64_t lateness_ns(int64_t age_ns)
{
	int64_t in_time_ns = 2 * LOOK_MS * NS_PER_MS;
	return age_ns > in_time_ns ? age_ns - in_time_ns : 0;
}

static void look(struct turn *turn)
{
	int64_t began_ns = turn->began_ns;
	int64_t age_ns = clock_ns(CLOCK_MONOTONIC) - began_ns;
	if (!began_ns || age_ns < LOOK_MS * NS_PER_MS)
		return;
	long call = call_of(turn);
	if (call == NO_CALL || is_for_memory(call) ||
	    turn->began_ns != began_ns)
		return;
	turn->call = call;
	if (call == SYS_futex && turn->peers.turn != began_ns)
		peers_note(&turn->peers, began_ns, lateness_ns(age_ns));
}

static void *watch(void *ctx)
{
	static const struct timespec pause = {.tv_nsec = LOOK_MS * NS_PER_MS};
	struct turn *turn = ctx;
	while (!turn->closing) {
		nanosleep(&pause, NULL);
		look(turn);
	}
	return NULL;
}

/* ---- a turn ---- */

/* What the kernel tells is opened for good, as descriptors may run out, and
 * files be out of reach. */
static void open_all(struct turn *turn)
{
	turn->thread_fd =
	    open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
	turn->call_fd = open("/proc/thread-self/syscall", O_RDONLY | O_CLOEXEC);
	turn->machine_fd = open("/proc/stat", O_RDONLY | O_CLOEXEC);
	turn->call = NO_CALL;
	turn->is_watched =
	    pthread_create(&turn->watcher, NULL, watch, turn) == 0;
	turn->open = true;
}

void turn_begin(struct turn *turn)
{
	if (!turn->open)
		open_all(turn);
	turn->excused_ns = excused_ns(turn);
	turn->call = NO_CALL;
	turn->began_ns = clock_ns(CLOCK_MONOTONIC);
}

void turn_end(struct turn *turn)
{
	if (!turn->began_ns)
		return;
	int64_t began_ns = turn->began_ns;
	int64_t took_ns = clock_ns(CLOCK_MONOTONIC) - began_ns;
	turn->began_ns = 0;
	if (took_ns <= TURN_LONGEST_MS * NS_PER_MS)
		return;
	took_ns -= excused_ns(turn) - turn->excused_ns;
	if (turn->call == SYS_futex)
		took_ns -= peers_starved_ns(&turn->peers, began_ns);
	if (took_ns <= TURN_LONGEST_MS * NS_PER_MS)
		return;
	long call = turn->call;
	if (call != NO_CALL)
		log_warn("a turn of the loop took %" PRId64
			 " ms, and waited in system call %ld",
		    took_ns / NS_PER_MS, call);
	else if (!only_sleep)
		log_warn("a turn of the loop took %" PRId64 " ms",
		    took_ns / NS_PER_MS);
}

void turn_close(struct turn *turn)
{
	if (!turn->open)
		return;
	turn->closing = true;
	if (turn->is_watched)
		pthread_join(turn->watcher, NULL);
	close(turn->thread_fd);
	close(turn->call_fd);
	close(turn->machine_fd);
	turn->open = false;
}
