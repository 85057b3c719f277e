#include "command/sign_in.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/lock.h"
#include "base/timestamp.h"

/* How long a server may leave us without an answer, in milliseconds; and when
 * it is said that we wait. */
#define PATIENCE_MS 4000
#define EXPLAIN_MS (PATIENCE_MS + 2000)

struct probe {
	const char *url;
	struct http *http;
	struct api *api;
	struct signals *signals;
	const char *table;
	struct http_task task;
	struct lock lock;
	pthread_cond_t news;
	/* Under lock. */
	bool asking;
	bool done;
	bool explained; /* why it takes so long */
	int signal;	/* came before; 0: none */
	struct api_error error;
};

struct probe *probe_new(const char *url)
{
	struct probe *probe = calloc(1, sizeof(*probe));
	if (!probe)
		return NULL;
	probe->url = url;
	lock_init(&probe->lock);
	pthread_cond_init(&probe->news, NULL);
	return probe;
}

void probe_free(struct probe *probe)
{
	if (!probe)
		return;
	pthread_cond_destroy(&probe->news);
	lock_done(&probe->lock);
	free(probe);
}

/* ---- asking ---- */

static void on_answer(void *ctx, const struct api_error *error)
{
	struct probe *probe = ctx;
	lock_acquire(&probe->lock);
	probe->error = *error;
	probe->done = true;
	pthread_cond_signal(&probe->news);
	lock_release(&probe->lock);
}

static void ask(void *ctx)
{
	struct probe *probe = ctx;
	const struct api_error error = {.err = -ENOMEM};
	if (api_probe(probe->api, probe->table, PATIENCE_MS, on_answer, probe) <
	    0)
		on_answer(probe, &error);
}

static void on_signal(void *ctx, int number)
{
	struct probe *probe = ctx;
	lock_acquire(&probe->lock);
	probe->signal = number;
	pthread_cond_signal(&probe->news);
	lock_release(&probe->lock);
}

void probe_begin(struct probe *probe, struct http *http, struct api *api,
    struct signals *signals, const char *table)
{
	probe->http = http;
	probe->api = api;
	probe->signals = signals;
	probe->table = table;
	probe->asking = true;
	signals_watch(signals, on_signal, probe);
	probe->task = (struct http_task){.fn = ask, .ctx = probe};
	http_post(http, &probe->task);
}

/* ---- waiting ---- */

/* Longer than a start waits by itself, for the server wants it so. */
void probe_waits(void *ctx, int status, int64_t wait_ms)
{
	struct probe *probe = ctx;
	lock_acquire(&probe->lock);
	if (probe->asking && wait_ms > PATIENCE_MS) {
		fprintf(stderr,
		    "bkendfs: %s wants us to wait for %" PRId64
		    " s (status %d): waiting; a signal (Ctrl-C) ends that\n",
		    probe->url, (wait_ms + 999) / 1000, status);
		probe->explained = true;
	}
	lock_release(&probe->lock);
}

static void explain_locked(struct probe *probe) REQUIRES(probe->lock)
{
	if (!probe->explained)
		fprintf(stderr,
		    "bkendfs: %s has not answered yet: waiting; a signal"
		    " (Ctrl-C) ends that\n",
		    probe->url);
	probe->explained = true;
}

static void wait_locked(struct probe *probe) REQUIRES(probe->lock)
{
	int64_t until = timestamp_mono_ms() + EXPLAIN_MS;
	while (!probe->done && !probe->signal) {
		int64_t left = until - timestamp_mono_ms();
		if (left > 0) {
			lock_wait_ms(&probe->lock, &probe->news, left);
			continue;
		}
		explain_locked(probe);
		lock_wait(&probe->lock, &probe->news);
	}
}

int probe_end(struct probe *probe, struct api_error *ret_error)
{
	lock_acquire(&probe->lock);
	wait_locked(probe);
	int number = probe->signal;
	if (!number)
		*ret_error = probe->error;
	probe->asking = false;
	lock_release(&probe->lock);
	if (number)
		http_stop(probe->http);
	signals_watch(probe->signals, NULL, NULL);
	return number;
}
