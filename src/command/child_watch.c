#include "command/child_watch.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/pidfd.h>
#include <unistd.h>

struct child_watch {
	/* Immutable after new. */
	pthread_t thread;
	int child; /* a pidfd */
	int stop;  /* an eventfd */
	void (*ended)(void *ctx);
	void *ctx;
};

static void *run(void *ctx)
{
	struct child_watch *watch = ctx;
	struct pollfd fds[] = {
	    {.fd = watch->child, .events = POLLIN},
	    {.fd = watch->stop, .events = POLLIN},
	};
	pthread_setname_np(pthread_self(), "child");
	while (poll(fds, 2, -1) < 0 && errno == EINTR)
		;
	if (fds[0].revents && !fds[1].revents)
		watch->ended(watch->ctx);
	return NULL;
}

static void done(struct child_watch *watch)
{
	if (watch->child >= 0)
		close(watch->child);
	if (watch->stop >= 0)
		close(watch->stop);
	free(watch);
}

int child_watch_new(pid_t pid, void (*ended)(void *ctx), void *ctx,
    struct child_watch **ret_watch)
{
	struct child_watch *watch = calloc(1, sizeof(*watch));
	if (!watch)
		return -ENOMEM;
	watch->ended = ended;
	watch->ctx = ctx;
	watch->child = pidfd_open(pid, 0);
	watch->stop = watch->child < 0 ? -1 : eventfd(0, EFD_CLOEXEC);
	int r = watch->stop < 0 ? -errno : 0;
	if (r == 0)
		r = -pthread_create(&watch->thread, NULL, run, watch);
	if (r < 0)
		done(watch);
	else
		*ret_watch = watch;
	return r;
}

void child_watch_free(struct child_watch *watch)
{
	if (!watch)
		return;
	eventfd_write(watch->stop, 1);
	pthread_join(watch->thread, NULL);
	done(watch);
}
