#include "command/token_worker.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/lock.h"
#include "base/log.h"
#include "command/token_file.h"
#include "http/http.h"

/* A pair comes back after it was taken, and the next one is taken after that:
 * so there is at most one of each to be done. */
struct token_worker {
	/* Immutable after new. */
	struct token_file *file; /* the thread's */
	struct http *http;
	pthread_t thread;
	/* Loop thread only, and the thread's while taking. */
	struct http_task task;
	void (*taken)(void *ctx, int err, struct answer_tokens *pair);
	void *ctx;
	int err;
	struct answer_tokens pair; /* what was taken and is not handed over */
	struct lock lock;
	pthread_cond_t news;
	/* Under lock. */
	bool taking;
	bool keeping;
	bool lost; /* nothing came that could be kept */
	struct answer_tokens kept;
	bool stopping;
};

static void keep_now(struct token_worker *worker) REQUIRES(worker->lock)
{
	struct answer_tokens kept = worker->kept;
	bool lost = worker->lost;
	worker->kept = (struct answer_tokens){0};
	worker->keeping = false;
	lock_release(&worker->lock);
	token_file_keep(worker->file, lost ? NULL : &kept);
	answer_tokens_done(&kept);
	lock_acquire(&worker->lock);
}

static void take_now(struct token_worker *worker) REQUIRES(worker->lock)
{
	worker->taking = false;
	lock_release(&worker->lock);
	worker->err = token_file_take(worker->file, &worker->pair);
	http_post(worker->http, &worker->task);
	lock_acquire(&worker->lock);
}

static void *run(void *ctx)
{
	struct token_worker *worker = ctx;
	pthread_setname_np(pthread_self(), "tokens");
	lock_acquire(&worker->lock);
	for (;;) {
		if (worker->keeping)
			keep_now(worker);
		else if (worker->stopping)
			break;
		else if (worker->taking)
			take_now(worker);
		else
			lock_wait(&worker->lock, &worker->news);
	}
	lock_release(&worker->lock);
	return NULL;
}

/* ---- the loop's side ---- */

static void on_taken(void *ctx)
{
	struct token_worker *worker = ctx;
	struct answer_tokens pair = worker->pair;
	worker->pair = (struct answer_tokens){0};
	worker->taken(worker->ctx, worker->err, &pair);
}

static void take(void *ctx,
    void (*taken)(void *ctx, int err, struct answer_tokens *pair),
    void *taken_ctx)
{
	struct token_worker *worker = ctx;
	worker->taken = taken;
	worker->ctx = taken_ctx;
	lock_acquire(&worker->lock);
	worker->taking = true;
	pthread_cond_signal(&worker->news);
	lock_release(&worker->lock);
}

static int copy(const char *text, char **ret_copy)
{
	*ret_copy = text ? strdup(text) : NULL;
	return text && !*ret_copy ? -ENOMEM : 0;
}

static void keep(void *ctx, const struct answer_tokens *pair)
{
	struct token_worker *worker = ctx;
	struct answer_tokens kept = {0};
	if (pair) {
		kept.lifetime_ms = pair->lifetime_ms;
		if (copy(pair->access, &kept.access) < 0 ||
		    copy(pair->refresh, &kept.refresh) < 0) {
			log_error("out of memory: the session ends with this"
				  " mount");
			answer_tokens_done(&kept);
			pair = NULL;
		}
	}
	lock_acquire(&worker->lock);
	worker->kept = kept;
	worker->lost = !pair;
	worker->keeping = true;
	pthread_cond_signal(&worker->news);
	lock_release(&worker->lock);
}

struct api_keeper token_worker_keeper(struct token_worker *worker)
{
	return (struct api_keeper){.take = take, .keep = keep, .ctx = worker};
}

/* ---- its life ---- */

static void destroy(struct token_worker *worker)
{
	pthread_cond_destroy(&worker->news);
	lock_done(&worker->lock);
	free(worker);
}

int token_worker_new(struct token_file *file, struct http *http,
    struct token_worker **ret_worker)
{
	struct token_worker *worker = calloc(1, sizeof(*worker));
	if (!worker)
		return -ENOMEM;
	worker->file = file;
	worker->http = http;
	worker->task = (struct http_task){.fn = on_taken, .ctx = worker};
	lock_init(&worker->lock);
	pthread_cond_init(&worker->news, NULL);
	int r = pthread_create(&worker->thread, NULL, run, worker);
	if (r) {
		destroy(worker);
		return -r;
	}
	*ret_worker = worker;
	return 0;
}

void token_worker_free(struct token_worker *worker)
{
	if (!worker)
		return;
	lock_acquire(&worker->lock);
	worker->stopping = true;
	pthread_cond_signal(&worker->news);
	lock_release(&worker->lock);
	pthread_join(worker->thread, NULL);
	if (worker->pair.refresh)
		token_file_keep(worker->file,
		    &(struct answer_tokens){.refresh = worker->pair.refresh});
	answer_tokens_done(&worker->pair);
	destroy(worker);
}
