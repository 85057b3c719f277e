#include "replica/checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/disk.h"
#include "base/lock.h"
#include "base/timestamp.h"
#include "replica/page_sum.h"

/* Log pages after which to begin once the writer rests; after which to begin
 * at once; and after which the writer has to lend a hand, so that the log does
 * not grow without bound. */
#define PAGES_BEGIN 1000
#define PAGES_PRESSING 4096
#define PAGES_MOST 32768

/*
 * A log needs up to its own length on the disk to become database: one that
 * has filled the disk stays for ever, and nothing can be written any more. So
 * it is also time where the disk has room for so many such logs only. What is
 * shorter than so many pages may always find some.
 */
#define LOGS_PRESSING 4
#define LOGS_MOST 2
#define PAGES_LOOK 64

/* The writer rests when nothing was committed for so long. Who has just listed
 * a table mostly reads it then, and wants both cores. */
#define REST_MS 1000

struct checkpointer {
	struct connection *connection; /* the thread's own */
	struct connection *writer;
	int path_fd; /* the database's, opened as a path; -1 */
	pthread_t thread;
	struct lock lock;
	pthread_cond_t news;
	/* Under lock. */
	int pages;	/* in the log, when there is something to do; else 0 */
	bool pressing;	/* it is time now */
	bool committed; /* since that was looked at */
	bool stopping;
	bool finishing; /* with a last one, after that */
	bool given_up;	/* the last one is not begun any more */
	bool emptied;	/* by the last one */
	bool over;
};

/* Wait for something to do, and for the time to do it. False: it is over. */
static bool wait_locked(struct checkpointer *checkpointer)
    REQUIRES(checkpointer->lock)
{
	while (!checkpointer->stopping) {
		checkpointer->committed = false;
		if (checkpointer->pressing)
			return true;
		if (!checkpointer->pages)
			lock_wait(&checkpointer->lock, &checkpointer->news);
		else if (!lock_wait_ms(&checkpointer->lock, &checkpointer->news,
			     REST_MS) &&
			 !checkpointer->committed)
			return !checkpointer->stopping;
	}
	return false;
}

/* The last one: whether nothing is left. */
static bool empty(struct checkpointer *checkpointer)
{
	int in_log = -1, done = -1;
	int r = sqlite3_wal_checkpoint_v2(checkpointer->connection->db, NULL,
	    SQLITE_CHECKPOINT_PASSIVE, &in_log, &done);
	return r == SQLITE_OK && done == in_log;
}

static void *run(void *ctx)
{
	struct checkpointer *checkpointer = ctx;
	pthread_setname_np(pthread_self(), "checkpoint");
	lock_acquire(&checkpointer->lock);
	while (wait_locked(checkpointer)) {
		checkpointer->pages = 0;
		checkpointer->pressing = false;
		lock_release(&checkpointer->lock);
		/* What readers still use is left for the next time. */
		sqlite3_wal_checkpoint_v2(checkpointer->connection->db, NULL,
		    SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
		lock_acquire(&checkpointer->lock);
	}
	if (checkpointer->finishing && !checkpointer->given_up) {
		lock_release(&checkpointer->lock);
		bool emptied = empty(checkpointer);
		lock_acquire(&checkpointer->lock);
		checkpointer->emptied = emptied;
	}
	checkpointer->over = true;
	pthread_cond_signal(&checkpointer->news);
	lock_release(&checkpointer->lock);
	return NULL;
}

/* How many logs of so many pages the disk has room for, as far as that
 * matters. */
static int64_t logs_of_room(struct checkpointer *checkpointer, int pages)
{
	int64_t room;
	if (pages < PAGES_LOOK ||
	    disk_room(checkpointer->path_fd, 0, &room) < 0)
		return LOGS_PRESSING;
	return room / ((int64_t)pages * PAGE_SUM_PAGE);
}

/* Called after each commit of the writer, by the writer. */
static int on_commit(void *ctx, sqlite3 *db, const char *name, int pages)
{
	struct checkpointer *checkpointer = ctx;
	int64_t logs = logs_of_room(checkpointer, pages);
	bool pressing = pages >= PAGES_PRESSING || logs < LOGS_PRESSING;
	if (pages < PAGES_BEGIN && !pressing)
		return SQLITE_OK;
	if (pages >= PAGES_MOST || logs < LOGS_MOST)
		sqlite3_wal_checkpoint_v2(
		    db, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	lock_acquire(&checkpointer->lock);
	if (!checkpointer->pages || pressing)
		pthread_cond_signal(&checkpointer->news);
	checkpointer->pages = pages;
	checkpointer->pressing |= pressing;
	checkpointer->committed = true;
	lock_release(&checkpointer->lock);
	return SQLITE_OK;
}

static void release(struct checkpointer *checkpointer)
{
	connection_close(checkpointer->connection);
	if (checkpointer->path_fd >= 0)
		close(checkpointer->path_fd);
	pthread_cond_destroy(&checkpointer->news);
	lock_done(&checkpointer->lock);
	free(checkpointer);
}

int checkpointer_new(const char *path, struct connection *writer,
    struct checkpointer **ret_checkpointer)
{
	struct checkpointer *checkpointer = calloc(1, sizeof(*checkpointer));
	if (!checkpointer)
		return -ENOMEM;
	checkpointer->writer = writer;
	checkpointer->path_fd = open(path, O_PATH | O_CLOEXEC);
	lock_init(&checkpointer->lock);
	pthread_cond_init(&checkpointer->news, NULL);
	int r =
	    connection_open(path, CONNECTION_READER, &checkpointer->connection);
	if (r == 0 &&
	    pthread_create(&checkpointer->thread, NULL, run, checkpointer) != 0)
		r = -ENOMEM;
	if (r < 0) {
		release(checkpointer);
		return r;
	}
	sqlite3_wal_hook(writer->db, on_commit, checkpointer);
	*ret_checkpointer = checkpointer;
	return 0;
}

bool checkpointer_finish(struct checkpointer *checkpointer, int64_t ms)
{
	int64_t until = timestamp_mono_ms() + ms, left;
	lock_acquire(&checkpointer->lock);
	checkpointer->stopping = checkpointer->finishing = true;
	pthread_cond_signal(&checkpointer->news);
	while (!checkpointer->over && (left = until - timestamp_mono_ms()) > 0)
		lock_wait_ms(&checkpointer->lock, &checkpointer->news, left);
	/* Whichever is under way ends with the page that it is at. */
	if (!checkpointer->over) {
		checkpointer->given_up = true;
		sqlite3_interrupt(checkpointer->connection->db);
	}
	while (!checkpointer->over)
		lock_wait(&checkpointer->lock, &checkpointer->news);
	bool emptied = checkpointer->emptied;
	lock_release(&checkpointer->lock);
	return emptied;
}

void checkpointer_free(struct checkpointer *checkpointer)
{
	if (!checkpointer)
		return;
	sqlite3_wal_hook(checkpointer->writer->db, NULL, NULL);
	lock_acquire(&checkpointer->lock);
	checkpointer->stopping = true;
	pthread_cond_signal(&checkpointer->news);
	lock_release(&checkpointer->lock);
	pthread_join(checkpointer->thread, NULL);
	release(checkpointer);
}
