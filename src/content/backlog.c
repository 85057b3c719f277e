#include "content/backlog.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/lock.h"
#include "base/timestamp.h"

/* A job is waited for at most so long, in milliseconds: who waits has
 * something else to look at. */
#define WAIT_MS 5000

/* So much may wait to be written: what is too much then is not kept. */
#define BYTES_MOST ((int64_t)64 << 20)

struct backlog {
	struct lock lock;
	pthread_cond_t news;
	/* Under lock. */
	STAILQ_HEAD(, job) jobs;
	int64_t bytes;	 /* of memory that jobs hold */
	int64_t late_ms; /* timestamp_mono_ms from which on it is late */
	bool in_the_way;
	bool ending;
};

struct backlog *backlog_new(void)
{
	struct backlog *backlog = calloc(1, sizeof(*backlog));
	if (!backlog)
		return NULL;
	lock_init(&backlog->lock);
	pthread_cond_init(&backlog->news, NULL);
	STAILQ_INIT(&backlog->jobs);
	backlog->late_ms = INT64_MAX;
	return backlog;
}

void backlog_free(struct backlog *backlog)
{
	if (!backlog)
		return;
	pthread_cond_destroy(&backlog->news);
	lock_done(&backlog->lock);
	free(backlog);
}

static void job_done(const struct job *job)
{
	blob_unref(job->blob);
	if (job->fd >= 0)
		close(job->fd);
}

static int64_t in_memory(const struct job *job)
{
	return job->blob ? (int64_t)job->blob->len : 0;
}

void backlog_add(struct backlog *backlog, const struct job *job)
{
	struct job *copy = malloc(sizeof(*copy));
	lock_acquire(&backlog->lock);
	bool fits = copy && backlog->bytes + in_memory(job) <= BYTES_MOST;
	if (fits) {
		*copy = *job;
		STAILQ_INSERT_TAIL(&backlog->jobs, copy, link);
		backlog->bytes += in_memory(job);
		pthread_cond_signal(&backlog->news);
	}
	lock_release(&backlog->lock);
	if (fits)
		return;
	free(copy);
	job_done(job);
}

enum backlog_news backlog_next(
    struct backlog *backlog, bool wait, const struct job **ret_job)
{
	enum backlog_news news = BACKLOG_NONE;
	lock_acquire(&backlog->lock);
	if (wait && STAILQ_EMPTY(&backlog->jobs) && !backlog->in_the_way &&
	    !backlog->ending &&
	    !lock_wait_ms(&backlog->lock, &backlog->news, WAIT_MS))
		news = BACKLOG_IDLE;
	*ret_job = STAILQ_FIRST(&backlog->jobs);
	if (backlog->in_the_way)
		news = BACKLOG_IN_THE_WAY;
	else if (*ret_job)
		news = BACKLOG_JOB;
	else if (backlog->ending)
		news = BACKLOG_OVER;
	backlog->in_the_way = false;
	lock_release(&backlog->lock);
	return news;
}

/* It stayed there for readers until now. */
void backlog_written(struct backlog *backlog)
{
	lock_acquire(&backlog->lock);
	struct job *job = STAILQ_FIRST(&backlog->jobs);
	STAILQ_REMOVE_HEAD(&backlog->jobs, link);
	backlog->bytes -= in_memory(job);
	lock_release(&backlog->lock);
	job_done(job);
	free(job);
}

void backlog_make_way(struct backlog *backlog)
{
	lock_acquire(&backlog->lock);
	backlog->in_the_way = true;
	pthread_cond_signal(&backlog->news);
	lock_release(&backlog->lock);
}

void backlog_end(struct backlog *backlog)
{
	lock_acquire(&backlog->lock);
	backlog->ending = true;
	pthread_cond_signal(&backlog->news);
	lock_release(&backlog->lock);
}

void backlog_hurry(struct backlog *backlog, int64_t ms)
{
	lock_acquire(&backlog->lock);
	backlog->late_ms = timestamp_mono_ms() + ms;
	lock_release(&backlog->lock);
}

bool backlog_is_late(struct backlog *backlog)
{
	lock_acquire(&backlog->lock);
	int64_t late_ms = backlog->late_ms;
	lock_release(&backlog->lock);
	return timestamp_mono_ms() >= late_ms;
}

int64_t backlog_bytes(struct backlog *backlog)
{
	lock_acquire(&backlog->lock);
	int64_t bytes = backlog->bytes;
	lock_release(&backlog->lock);
	return bytes;
}

bool backlog_is_empty(struct backlog *backlog)
{
	lock_acquire(&backlog->lock);
	bool empty = STAILQ_EMPTY(&backlog->jobs);
	lock_release(&backlog->lock);
	return empty;
}

int64_t backlog_read(struct backlog *backlog, int64_t node, int64_t offset,
    int64_t end, char *out)
{
	struct blob *blob = NULL;
	int64_t first = 0;
	struct job *job;
	lock_acquire(&backlog->lock);
	STAILQ_FOREACH (job, &backlog->jobs, link) {
		if (job->node != node || !job->blob || offset < job->first ||
		    offset >= job->first + job->len)
			continue;
		blob = blob_ref(job->blob);
		first = job->first;
		if (end > first + job->len)
			end = first + job->len;
		break;
	}
	lock_release(&backlog->lock);
	if (!blob)
		return 0;
	memcpy(out, blob->data + (offset - first), (size_t)(end - offset));
	blob_unref(blob);
	return end - offset;
}
