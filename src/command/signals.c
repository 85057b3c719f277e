#include "command/signals.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/lock.h"
#include "config/complain.h"

struct signals {
	pthread_t thread;
	struct lock lock;
	/* Under lock. */
	void (*on_signal)(void *ctx, int signal);
	void *ctx;
	int missed;
	int first; /* whoever was told; 0: none came yet */
	bool ending;
};

static void our_set(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
}

void signals_block(void)
{
	sigset_t set;
	our_set(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	/* A file-size limit is an error like others. */
	signal(SIGXFSZ, SIG_IGN);
}

/* False: it was the last one. */
static bool take(struct signals *signals, int number)
{
	lock_acquire(&signals->lock);
	bool ending = signals->ending;
	if (!ending && !signals->first)
		signals->first = number;
	if (!ending && signals->on_signal)
		signals->on_signal(signals->ctx, number);
	else if (!signals->missed || signals->missed == SIGHUP)
		signals->missed = number; /* one that ends is kept */
	lock_release(&signals->lock);
	return !ending;
}

static void *run(void *ctx)
{
	struct signals *signals = ctx;
	sigset_t set;
	int number;
	our_set(&set);
	pthread_setname_np(pthread_self(), "signals");
	while (sigwait(&set, &number) == 0 && take(signals, number))
		;
	return NULL;
}

int signals_new(struct signals **ret_signals)
{
	struct signals *signals = calloc(1, sizeof(*signals));
	if (!signals)
		return -ENOMEM;
	lock_init(&signals->lock);
	int r = pthread_create(&signals->thread, NULL, run, signals);
	if (r != 0) {
		lock_done(&signals->lock);
		free(signals);
		return -r;
	}
	*ret_signals = signals;
	return 0;
}

void signals_free(struct signals *signals)
{
	if (!signals)
		return;
	lock_acquire(&signals->lock);
	signals->ending = true;
	lock_release(&signals->lock);
	pthread_kill(signals->thread, SIGTERM);
	pthread_join(signals->thread, NULL);
	lock_done(&signals->lock);
	free(signals);
}

void signals_watch(struct signals *signals,
    void (*on_signal)(void *ctx, int signal), void *ctx)
{
	lock_acquire(&signals->lock);
	signals->on_signal = on_signal;
	signals->ctx = ctx;
	if (on_signal && signals->missed)
		on_signal(ctx, signals->missed);
	if (on_signal)
		signals->missed = 0;
	lock_release(&signals->lock);
}

int signals_missed(struct signals *signals)
{
	lock_acquire(&signals->lock);
	int missed = signals->missed;
	lock_release(&signals->lock);
	return missed;
}

bool signals_came(struct signals *signals)
{
	lock_acquire(&signals->lock);
	bool came = signals->first != 0;
	lock_release(&signals->lock);
	return came;
}

int signals_complain(int signal)
{
	return failed(
	    "ended by a signal (%s) before it was done", strsignal(signal));
}
