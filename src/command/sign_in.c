#include "command/sign_in.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/lock.h"
#include "base/timestamp.h"
#include "config/complain.h"

/* How long a server may leave us without an answer, in milliseconds; and when
 * it is said that we wait. */
#define PATIENCE_MS 4000
#define EXPLAIN_MS (PATIENCE_MS + 2000)

struct sign_in {
	const struct options *options;
	struct http *http;
	struct api *api;
	struct signals *signals;
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

struct sign_in *sign_in_new(const struct options *options)
{
	struct sign_in *sign_in = calloc(1, sizeof(*sign_in));
	if (!sign_in)
		return NULL;
	sign_in->options = options;
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
	if (api_probe(sign_in->api, sign_in->options->tables[0], PATIENCE_MS,
		on_answer, sign_in) < 0)
		on_answer(sign_in, &error);
}

static void on_signal(void *ctx, int number)
{
	struct sign_in *sign_in = ctx;
	lock_acquire(&sign_in->lock);
	sign_in->signal = number;
	pthread_cond_signal(&sign_in->news);
	lock_release(&sign_in->lock);
}

void sign_in_begin(struct sign_in *sign_in, struct http *http, struct api *api,
    struct signals *signals)
{
	sign_in->http = http;
	sign_in->api = api;
	sign_in->signals = signals;
	sign_in->asking = true;
	signals_watch(signals, on_signal, sign_in);
	sign_in->task = (struct http_task){.fn = ask, .ctx = sign_in};
	http_post(http, &sign_in->task);
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
		    sign_in->options->url, (wait_ms + 999) / 1000, status);
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
		    sign_in->options->url);
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

int sign_in_end(struct sign_in *sign_in, struct api_error *ret_error)
{
	lock_acquire(&sign_in->lock);
	wait_locked(sign_in);
	int number = sign_in->signal;
	if (!number)
		*ret_error = sign_in->error;
	sign_in->asking = false;
	lock_release(&sign_in->lock);
	if (number)
		http_stop(sign_in->http);
	signals_watch(sign_in->signals, NULL, NULL);
	return number;
}

/* ---- what the answer means ---- */

/* What the server said, for a sentence's end. */
static const char *words(const struct api_error *error)
{
	return error->message[0] ? error->message
	       : error->code[0]	 ? error->code
				 : "it gave no reason";
}

static bool speaks_of(const struct api_error *error, const char *word)
{
	return strcasestr(error->code, word) ||
	       strcasestr(error->message, word);
}

static int explain_refusal(
    const struct options *options, const struct api_error *error)
{
	if (speaks_of(error, "mfa"))
		return failed("%s asks for a second factor: set BKEND_MFA_CODE"
			      " to a fresh code (%s)",
		    options->url, words(error));
	if (!options->email || speaks_of(error, "api-key") ||
	    speaks_of(error, "api key") || speaks_of(error, "apikey"))
		return failed("%s refuses the key: check %s (%s)", options->url,
		    options->email ? "BKEND_PUBLISHABLE_KEY"
				   : "BKEND_SECRET_KEY or"
				     " BKEND_PUBLISHABLE_KEY",
		    words(error));
	return failed("%s refuses to sign in %s: check BKEND_EMAIL,"
		      " BKEND_PASSWORD and the key (%s)",
	    options->url, options->email, words(error));
}

/* Whether the answer means that we may go on. Without an account only a
 * refused key matters: a table may be missing, or closed to guests. */
static bool is_let_in(
    const struct options *options, const struct api_error *error)
{
	if (!error->err)
		return true;
	if (options->email || !error->status)
		return false;
	if (error->status == 401)
		return strncmp(options->key, "sk_", 3) != 0 &&
		       !speaks_of(error, "key");
	return error->status < 500;
}

static int explain(const struct options *options, const struct api_error *error)
{
	switch (error->err) {
	case -EKEYREJECTED:
		return failed("the certificate of %s does not verify (%s);"
			      " give its CA with -o cacert=FILE",
		    options->url, words(error));
	case -EIO:
		if (error->status)
			return failed("%s fails (status %d, %s)", options->url,
			    error->status, words(error));
		/* fall through */
	case -ENETUNREACH:
	case -ETIMEDOUT:
		return failed("cannot reach %s (%s): check the URL and the"
			      " network",
		    options->url, words(error));
	case -EACCES:
		return explain_refusal(options, error);
	case -ENOENT:
		return failed("%s is no bkend API: signing in gave status %d;"
			      " check the URL",
		    options->url, error->status);
	default:
		if (error->status == 400)
			return explain_refusal(options, error);
		return failed("%s does not answer as a bkend API (status %d,"
			      " %s)",
		    options->url, error->status, words(error));
	}
}

int sign_in_judge(const struct options *options, const struct api_error *error)
{
	return is_let_in(options, error) ? 0 : explain(options, error);
}
