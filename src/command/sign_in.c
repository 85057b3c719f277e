#include "command/sign_in.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/lock.h"
#include "base/timestamp.h"
#include "command/refusal.h"
#include "config/terminal.h"

/* How long a server may leave us without an answer, in milliseconds; and when
 * it is said that we wait. */
#define PATIENCE_MS 4000
#define EXPLAIN_MS (PATIENCE_MS + 2000)

/* A server counts how often it was tried. */
#define CODES_MAX 2

struct sign_in {
	const struct options *options;
	struct http *http;
	struct signals *signals;
	struct api *api;
	char *codes[CODES_MAX]; /* typed; owned, secrets; NULL: none yet */
	const char *code;	/* the last of them */
	int wake_fd;		/* readable once a signal came */
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

struct sign_in *sign_in_new(
    const struct options *options, struct http *http, struct signals *signals)
{
	struct sign_in *sign_in = calloc(1, sizeof(*sign_in));
	if (!sign_in)
		return NULL;
	sign_in->options = options;
	sign_in->http = http;
	sign_in->signals = signals;
	sign_in->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (sign_in->wake_fd < 0) {
		free(sign_in);
		return NULL;
	}
	lock_init(&sign_in->lock);
	pthread_cond_init(&sign_in->news, NULL);
	return sign_in;
}

void sign_in_free(struct sign_in *sign_in)
{
	if (!sign_in)
		return;
	pthread_cond_destroy(&sign_in->news);
	lock_done(&sign_in->lock);
	close(sign_in->wake_fd);
	for (size_t i = 0; i < CODES_MAX; i++)
		free_secret(sign_in->codes[i]);
	free(sign_in);
}

/* ---- asking ---- */

static void on_answer(void *ctx, const struct api_error *error)
{
	struct sign_in *sign_in = ctx;
	lock_acquire(&sign_in->lock);
	sign_in->error = *error;
	sign_in->done = true;
	pthread_cond_signal(&sign_in->news);
	lock_release(&sign_in->lock);
}

static void ask(void *ctx)
{
	struct sign_in *sign_in = ctx;
	const struct api_error error = {.err = -ENOMEM};
	if (sign_in->code)
		api_set_mfa_code(sign_in->api, sign_in->code);
	if (api_probe(sign_in->api, sign_in->options->tables[0], PATIENCE_MS,
		on_answer, sign_in) < 0)
		on_answer(sign_in, &error);
}

static void on_signal(void *ctx, int number)
{
	struct sign_in *sign_in = ctx;
	lock_acquire(&sign_in->lock);
	sign_in->signal = number;
	eventfd_write(sign_in->wake_fd, 1);
	pthread_cond_signal(&sign_in->news);
	lock_release(&sign_in->lock);
}

void sign_in_begin(struct sign_in *sign_in, struct api *api)
{
	sign_in->api = api;
	sign_in->asking = true;
	sign_in->task = (struct http_task){.fn = ask, .ctx = sign_in};
	signals_watch(sign_in->signals, on_signal, sign_in);
	http_post(sign_in->http, &sign_in->task);
}

/* ---- waiting ---- */

/* Longer than a start waits by itself, for the server wants it so. */
void sign_in_waits(void *ctx, int status, int64_t wait_ms)
{
	struct sign_in *sign_in = ctx;
	lock_acquire(&sign_in->lock);
	if (sign_in->asking && wait_ms > PATIENCE_MS) {
		fprintf(stderr,
		    "bkendfs: %s wants us to wait for %" PRId64
		    " s (status %d): waiting; a signal (Ctrl-C) ends that\n",
		    options_source(sign_in->options), (wait_ms + 999) / 1000,
		    status);
		sign_in->explained = true;
	}
	lock_release(&sign_in->lock);
}

static void explain_locked(struct sign_in *sign_in) REQUIRES(sign_in->lock)
{
	if (!sign_in->explained)
		fprintf(stderr,
		    "bkendfs: %s has not answered yet: waiting; a signal"
		    " (Ctrl-C) ends that\n",
		    options_source(sign_in->options));
	sign_in->explained = true;
}

static void wait_locked(struct sign_in *sign_in) REQUIRES(sign_in->lock)
{
	int64_t until = timestamp_mono_ms() + EXPLAIN_MS;
	while (!sign_in->done && !sign_in->signal) {
		int64_t left = until - timestamp_mono_ms();
		if (left > 0) {
			lock_wait_ms(&sign_in->lock, &sign_in->news, left);
			continue;
		}
		explain_locked(sign_in);
		lock_wait(&sign_in->lock, &sign_in->news);
	}
}

/* The signal that came before the answer; 0: the answer is there. */
static int await(struct sign_in *sign_in, struct api_error *ret_error)
{
	lock_acquire(&sign_in->lock);
	wait_locked(sign_in);
	int number = sign_in->signal;
	*ret_error = sign_in->error;
	sign_in->done = false;
	lock_release(&sign_in->lock);
	return number;
}

/* False: nobody is there to tell it, or a signal came. */
static bool get_code(struct sign_in *sign_in, char **code)
{
	char question[300], email[200];
	log_make_safe(
	    sign_in->options->email ? sign_in->options->email : "this account",
	    email, sizeof(email));
	snprintf(question, sizeof(question),
	    "Code of the second factor for %s: ", email);
	if (!terminal_is_there() ||
	    terminal_ask(question, sign_in->wake_fd, code) < 0)
		return false;
	sign_in->code = *code;
	return true;
}

int sign_in_end(struct sign_in *sign_in)
{
	struct api_error error;
	int number = await(sign_in, &error);
	for (size_t i = 0;
	     i < CODES_MAX && !number && refusal_wants_code(&error) &&
	     get_code(sign_in, &sign_in->codes[i]);
	     i++) {
		http_post(sign_in->http, &sign_in->task);
		number = await(sign_in, &error);
	}
	lock_acquire(&sign_in->lock);
	sign_in->asking = false;
	if (!number)
		number = sign_in->signal;
	lock_release(&sign_in->lock);
	if (number)
		http_stop(sign_in->http);
	signals_watch(sign_in->signals, NULL, NULL);
	return number ? signals_complain(number)
		      : refusal_judge(sign_in->options, &error);
}
