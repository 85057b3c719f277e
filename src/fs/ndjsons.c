#include "fs/ndjsons.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/lock.h"
#include "base/timestamp.h"
#include "fs/ndjson.h"

/* So many may be in use at once. */
#define FILES_MAX 256

struct file {
	int64_t id;
	int64_t dir;
	uint64_t version;
	uint64_t told;	  /* to the kernel, and not forgotten */
	unsigned readers; /* at work right now */
	int64_t made_ms;
	struct ndjson *ndjson;
	LIST_ENTRY(file) link;
};

struct ndjsons {
	struct replica *replica;
	struct texts *texts;
	pthread_t thread;
	_Atomic bool ending;
	bool ended;
	struct lock lock;
	pthread_cond_t news;
	/* Under lock. */
	STAILQ_HEAD(, ndjson_job) jobs;
	LIST_HEAD(, file) files;
	size_t count;
	int64_t next_id;
};

/* ---- files ---- */

static struct file *find_locked(struct ndjsons *ndjsons, int64_t id)
    REQUIRES(ndjsons->lock)
{
	struct file *file;
	LIST_FOREACH (file, &ndjsons->files, link) {
		if (file->id == id)
			break;
	}
	return file;
}

static void free_unused_locked(struct ndjsons *ndjsons, struct file *file)
    REQUIRES(ndjsons->lock)
{
	if (file->told || file->readers)
		return;
	LIST_REMOVE(file, link);
	ndjsons->count--;
	ndjson_free(file->ndjson);
	free(file);
}

/* The number of one that is known already; -ENOENT. */
static int64_t find_again(struct ndjsons *ndjsons, const struct ndjson_job *job)
{
	struct file *file;
	int64_t id = -ENOENT;
	lock_acquire(&ndjsons->lock);
	LIST_FOREACH (file, &ndjsons->files, link) {
		if (job->version && file->dir == job->dir &&
		    file->version == job->version) {
			file->told++;
			id = file->id;
			break;
		}
	}
	lock_release(&ndjsons->lock);
	return id;
}

/* The number of a new one, which takes over ndjson; or -errno. */
static int64_t keep(struct ndjsons *ndjsons, const struct ndjson_job *job,
    struct ndjson *ndjson)
{
	struct file *file = calloc(1, sizeof(*file));
	int64_t id = file ? -ENFILE : -ENOMEM;
	lock_acquire(&ndjsons->lock);
	if (file && ndjsons->count < FILES_MAX) {
		id = ndjsons->next_id++;
		*file = (struct file){.id = id,
		    .dir = job->dir,
		    .version = job->version,
		    .told = 1,
		    .made_ms = timestamp_now_ms(),
		    .ndjson = ndjson};
		LIST_INSERT_HEAD(&ndjsons->files, file, link);
		ndjsons->count++;
	}
	lock_release(&ndjsons->lock);
	if (id < 0) {
		ndjson_free(ndjson);
		free(file);
	}
	return id;
}

void ndjsons_forget(struct ndjsons *ndjsons, int64_t id, uint64_t count)
{
	lock_acquire(&ndjsons->lock);
	struct file *file = find_locked(ndjsons, id);
	if (file) {
		file->told -= count < file->told ? count : file->told;
		free_unused_locked(ndjsons, file);
	}
	lock_release(&ndjsons->lock);
}

int ndjsons_facts(struct ndjsons *ndjsons, int64_t id, int64_t *ret_size,
    int64_t *ret_made_ms)
{
	int r = -ESTALE;
	lock_acquire(&ndjsons->lock);
	struct file *file = find_locked(ndjsons, id);
	if (file) {
		*ret_size = ndjson_size(file->ndjson);
		*ret_made_ms = file->made_ms;
		r = 0;
	}
	lock_release(&ndjsons->lock);
	return r;
}

int ndjsons_read(struct ndjsons *ndjsons, int64_t id, int64_t offset,
    size_t len, struct buf *out)
{
	lock_acquire(&ndjsons->lock);
	struct file *file = find_locked(ndjsons, id);
	if (file)
		file->readers++;
	lock_release(&ndjsons->lock);
	if (!file)
		return -ESTALE;
	int r = ndjson_read(
	    file->ndjson, ndjsons->replica, ndjsons->texts, offset, len, out);
	lock_acquire(&ndjsons->lock);
	file->readers--;
	free_unused_locked(ndjsons, file);
	lock_release(&ndjsons->lock);
	return r;
}

/* ---- the thread ---- */

static int64_t make(struct ndjsons *ndjsons, const struct ndjson_job *job)
{
	struct ndjson *ndjson;
	int64_t id = find_again(ndjsons, job);
	if (id >= 0)
		return id;
	int r = ndjson_make(ndjsons->replica, job->dir, job->base, job->end,
	    &ndjsons->ending, &ndjson);
	return r < 0 ? r : keep(ndjsons, job, ndjson);
}

static void *run(void *ctx)
{
	struct ndjsons *ndjsons = ctx;
	struct ndjson_job *job;
	pthread_setname_np(pthread_self(), "tables");
	lock_acquire(&ndjsons->lock);
	for (;;) {
		while (
		    !(job = STAILQ_FIRST(&ndjsons->jobs)) && !ndjsons->ending)
			lock_wait(&ndjsons->lock, &ndjsons->news);
		if (!job)
			break;
		STAILQ_REMOVE_HEAD(&ndjsons->jobs, link);
		lock_release(&ndjsons->lock);
		int64_t id = ndjsons->ending ? -ECANCELED : make(ndjsons, job);
		job->done(job->ctx, id == -ECANCELED ? -EIO : id);
		lock_acquire(&ndjsons->lock);
	}
	lock_release(&ndjsons->lock);
	return NULL;
}

void ndjsons_make(struct ndjsons *ndjsons, struct ndjson_job *job)
{
	lock_acquire(&ndjsons->lock);
	bool late = ndjsons->ending;
	if (!late) {
		STAILQ_INSERT_TAIL(&ndjsons->jobs, job, link);
		pthread_cond_signal(&ndjsons->news);
	}
	lock_release(&ndjsons->lock);
	if (late)
		job->done(job->ctx, -EIO);
}

struct ndjsons *ndjsons_new(struct replica *replica, struct texts *texts)
{
	struct ndjsons *ndjsons = calloc(1, sizeof(*ndjsons));
	if (!ndjsons)
		return NULL;
	ndjsons->replica = replica;
	ndjsons->texts = texts;
	ndjsons->next_id = NDJSON_FIRST;
	lock_init(&ndjsons->lock);
	pthread_cond_init(&ndjsons->news, NULL);
	STAILQ_INIT(&ndjsons->jobs);
	LIST_INIT(&ndjsons->files);
	if (pthread_create(&ndjsons->thread, NULL, run, ndjsons) == 0)
		return ndjsons;
	pthread_cond_destroy(&ndjsons->news);
	lock_done(&ndjsons->lock);
	free(ndjsons);
	return NULL;
}

void ndjsons_end(struct ndjsons *ndjsons)
{
	if (!ndjsons || ndjsons->ended)
		return;
	lock_acquire(&ndjsons->lock);
	ndjsons->ending = true;
	pthread_cond_signal(&ndjsons->news);
	lock_release(&ndjsons->lock);
	pthread_join(ndjsons->thread, NULL);
	ndjsons->ended = true;
}

void ndjsons_free(struct ndjsons *ndjsons)
{
	struct file *file;
	if (!ndjsons)
		return;
	ndjsons_end(ndjsons);
	while ((file = LIST_FIRST(&ndjsons->files))) {
		LIST_REMOVE(file, link);
		ndjson_free(file->ndjson);
		free(file);
	}
	pthread_cond_destroy(&ndjsons->news);
	lock_done(&ndjsons->lock);
	free(ndjsons);
}
