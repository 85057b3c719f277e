#include "http/loop.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <unistd.h>

#include "base/lock.h"
#include "base/timestamp.h"
#include "http/http.h"
#include "http/turn.h"

/* It looks up at least this often; work wakes it at once anyway. */
#define WAIT_LONGEST_MS 1000

struct http_timer {
	int64_t due_ms;
	void (*fn)(void *ctx);
	void *ctx;
	TAILQ_ENTRY(http_timer) link;
};

struct loop {
	int wake_fd; /* immutable after new */
	/* Loop thread only. */
	struct turn turn;
	TAILQ_HEAD(timer_list, http_timer) timers; /* by due time */
	struct pollfd *watched; /* the first one is wake_fd */
	struct pollfd *found;	/* room for those that are ready */
	size_t count;
	size_t room;
	/* Under lock. */
	struct lock lock;
	STAILQ_HEAD(task_queue, http_task) posted;
	bool over;
};

/* ---- timers ---- */

struct http_timer *loop_timer_start(
    struct loop *loop, int64_t delay_ms, void (*fn)(void *), void *ctx)
{
	struct http_timer *timer = calloc(1, sizeof(*timer)), *other;
	if (!timer)
		return NULL;
	*timer = (struct http_timer){
	    .due_ms = timestamp_mono_ms() + delay_ms, .fn = fn, .ctx = ctx};
	TAILQ_FOREACH_REVERSE(other, &loop->timers, timer_list, link)
	{
		if (other->due_ms <= timer->due_ms) {
			TAILQ_INSERT_AFTER(&loop->timers, other, timer, link);
			return timer;
		}
	}
	TAILQ_INSERT_HEAD(&loop->timers, timer, link);
	return timer;
}

void loop_timer_stop(struct loop *loop, struct http_timer *timer)
{
	TAILQ_REMOVE(&loop->timers, timer, link);
	free(timer);
}

static void run_timers(struct loop *loop)
{
	struct http_timer *timer;
	int64_t now = timestamp_mono_ms();
	while ((timer = TAILQ_FIRST(&loop->timers)) && timer->due_ms <= now) {
		void (*fn)(void *) = timer->fn;
		void *ctx = timer->ctx;
		loop_timer_stop(loop, timer);
		fn(ctx);
	}
}

/* ---- posted work ---- */

/* Not under the lock: whoever wakes another may have to give his processor to
 * him, and would keep the lock that the other one wants first. */
static void wake(struct loop *loop)
{
	uint64_t one = 1;
	ssize_t n = write(loop->wake_fd, &one, sizeof(one));
	(void)n; /* a full counter wakes as well */
}

void loop_post(struct loop *loop, struct http_task *task)
{
	if (!http_task_claim(task))
		return;
	lock_acquire(&loop->lock);
	bool first = STAILQ_EMPTY(&loop->posted);
	STAILQ_INSERT_TAIL(&loop->posted, task, link);
	lock_release(&loop->lock);
	if (first)
		wake(loop);
}

void loop_end(struct loop *loop)
{
	lock_acquire(&loop->lock);
	loop->over = true;
	lock_release(&loop->lock);
	wake(loop);
}

bool loop_work(struct loop *loop)
{
	struct task_queue batch = STAILQ_HEAD_INITIALIZER(batch);
	lock_acquire(&loop->lock);
	STAILQ_CONCAT(&batch, &loop->posted);
	bool over = loop->over;
	lock_release(&loop->lock);
	struct http_task *task;
	while ((task = STAILQ_FIRST(&batch))) {
		STAILQ_REMOVE_HEAD(&batch, link);
		http_task_run(task);
	}
	if (!over)
		run_timers(loop);
	return !over;
}

/* ---- descriptors ---- */

static bool make_room(struct loop *loop)
{
	if (loop->count < loop->room)
		return true;
	size_t room = loop->room * 2 + 16;
	struct pollfd *watched =
	    reallocarray(loop->watched, room, sizeof(*watched));
	if (!watched)
		return false;
	loop->watched = watched;
	struct pollfd *found = reallocarray(loop->found, room, sizeof(*found));
	if (!found)
		return false;
	loop->found = found;
	loop->room = room;
	return true;
}

void loop_watch(struct loop *loop, int fd, short events)
{
	size_t i = 1;
	while (i < loop->count && loop->watched[i].fd != fd)
		i++;
	if (!events) {
		if (i < loop->count)
			loop->watched[i] = loop->watched[--loop->count];
		return;
	}
	if (i == loop->count) {
		if (!make_room(loop))
			return;
		loop->count++;
	}
	loop->watched[i] = (struct pollfd){.fd = fd, .events = events};
}

static int milliseconds_until(int64_t due_ms)
{
	int64_t wait = due_ms - timestamp_mono_ms();
	if (wait < 0)
		return 0;
	return wait < WAIT_LONGEST_MS ? (int)wait : WAIT_LONGEST_MS;
}

void loop_wait(struct loop *loop, int64_t due_ms,
    void (*ready)(void *ctx, int fd, short events), void *ctx)
{
	const struct http_timer *timer = TAILQ_FIRST(&loop->timers);
	size_t found = 0;
	uint64_t woken;
	if (timer && timer->due_ms < due_ms)
		due_ms = timer->due_ms;
	turn_end(&loop->turn);
	int n = poll(loop->watched, loop->count, milliseconds_until(due_ms));
	turn_begin(&loop->turn);
	if (n <= 0)
		return;
	if (loop->watched[0].revents &&
	    read(loop->wake_fd, &woken, sizeof(woken)) < 0)
		woken = 0; /* taken already */
	/* What is called changes the list. */
	for (size_t i = 1; i < loop->count; i++) {
		if (loop->watched[i].revents)
			loop->found[found++] = loop->watched[i];
	}
	for (size_t i = 0; i < found; i++)
		ready(ctx, loop->found[i].fd, loop->found[i].revents);
}

/* ---- life ---- */

int loop_new(struct loop **ret_loop)
{
	struct loop *loop = calloc(1, sizeof(*loop));
	if (!loop)
		return -ENOMEM;
	TAILQ_INIT(&loop->timers);
	STAILQ_INIT(&loop->posted);
	lock_init(&loop->lock);
	loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int r = loop->wake_fd < 0 ? -errno : make_room(loop) ? 0 : -ENOMEM;
	if (r < 0) {
		loop_free(loop);
		return r;
	}
	loop->watched[loop->count++] =
	    (struct pollfd){.fd = loop->wake_fd, .events = POLLIN};
	*ret_loop = loop;
	return 0;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	struct http_timer *timer;
	while ((timer = TAILQ_FIRST(&loop->timers)))
		loop_timer_stop(loop, timer);
	if (loop->wake_fd >= 0)
		close(loop->wake_fd);
	turn_close(&loop->turn);
	lock_done(&loop->lock);
	free(loop->watched);
	free(loop->found);
	free(loop);
}
