#include "emulator/server/client.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <time.h>

#include "base/timestamp.h"

struct client {
	struct clients *clients;
	int fd;
	/* Under the clients' lock. */
	bool expected; /* then it is in the list */
	int64_t due_ms;
	TAILQ_ENTRY(client) link;
};

struct clients {
	/* Immutable. */
	int64_t patience_ms;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t news;
	/* Under lock: those of whom something is expected, the next that is due
	 * first, since all may take as long. */
	TAILQ_HEAD(, client) expected;
	bool stopping;
};

static void forget_locked(struct client *client)
{
	if (client->expected)
		TAILQ_REMOVE(&client->clients->expected, client, link);
	client->expected = false;
}

/* The connection's own thread does the rest when it sees the end. */
static void end_overdue_locked(struct clients *clients)
{
	struct client *client;
	int64_t now = timestamp_mono_ms();
	while ((client = TAILQ_FIRST(&clients->expected)) &&
	       client->due_ms <= now) {
		forget_locked(client);
		shutdown(client->fd, SHUT_RDWR);
	}
}

static void wait_locked(struct clients *clients)
{
	const struct client *next = TAILQ_FIRST(&clients->expected);
	if (!next) {
		pthread_cond_wait(&clients->news, &clients->lock);
		return;
	}
	struct timespec until = {
	    .tv_sec = next->due_ms / 1000,
	    .tv_nsec = next->due_ms % 1000 * 1000000,
	};
	pthread_cond_timedwait(&clients->news, &clients->lock, &until);
}

static void *run(void *ctx)
{
	struct clients *clients = ctx;
	pthread_mutex_lock(&clients->lock);
	while (!clients->stopping) {
		end_overdue_locked(clients);
		wait_locked(clients);
	}
	pthread_mutex_unlock(&clients->lock);
	return NULL;
}

int clients_new(int64_t patience_ms, struct clients **ret_clients)
{
	pthread_condattr_t attr;
	struct clients *clients = calloc(1, sizeof(*clients));
	if (!clients)
		return -ENOMEM;
	clients->patience_ms = patience_ms;
	TAILQ_INIT(&clients->expected);
	pthread_mutex_init(&clients->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&clients->news, &attr);
	pthread_condattr_destroy(&attr);
	int r = -pthread_create(&clients->thread, NULL, run, clients);
	if (r < 0) {
		pthread_cond_destroy(&clients->news);
		pthread_mutex_destroy(&clients->lock);
		free(clients);
		return r;
	}
	*ret_clients = clients;
	return 0;
}

void clients_free(struct clients *clients)
{
	if (!clients)
		return;
	pthread_mutex_lock(&clients->lock);
	clients->stopping = true;
	pthread_cond_signal(&clients->news);
	pthread_mutex_unlock(&clients->lock);
	pthread_join(clients->thread, NULL);
	pthread_cond_destroy(&clients->news);
	pthread_mutex_destroy(&clients->lock);
	free(clients);
}

struct client *client_new(struct clients *clients, int fd)
{
	struct client *client = calloc(1, sizeof(*client));
	if (!client)
		return NULL;
	client->clients = clients;
	client->fd = fd;
	client_expect(client);
	return client;
}

void client_free(struct client *client)
{
	client_served(client);
	free(client);
}

void client_expect(struct client *client)
{
	if (!client)
		return;
	struct clients *clients = client->clients;
	pthread_mutex_lock(&clients->lock);
	forget_locked(client);
	client->due_ms = timestamp_mono_ms() + clients->patience_ms;
	client->expected = true;
	/* The thread only needs to hear of the first: later ones are due
	 * later. */
	if (TAILQ_EMPTY(&clients->expected))
		pthread_cond_signal(&clients->news);
	TAILQ_INSERT_TAIL(&clients->expected, client, link);
	pthread_mutex_unlock(&clients->lock);
}

void client_served(struct client *client)
{
	if (!client)
		return;
	pthread_mutex_lock(&client->clients->lock);
	forget_locked(client);
	pthread_mutex_unlock(&client->clients->lock);
}
