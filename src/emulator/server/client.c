#include "emulator/server/client.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "base/lock.h"
#include "base/timestamp.h"

struct client {
	struct clients *clients;
	int fd;
	/* Under the clients' lock. */
	bool expected; /* then it is in the list */
	bool ended;    /* by us; then it is not counted any more */
	int64_t due_ms;
	TAILQ_ENTRY(client) link;
};

struct clients {
	/* Immutable. */
	int64_t patience_ms;
	size_t most;
	pthread_t thread;
	struct lock lock;
	pthread_cond_t news;
	/* Under lock: those of whom something is expected, the next that is due
	 * first, since all may take as long. */
	TAILQ_HEAD(, client) expected;
	size_t count; /* of those that were not ended */
	bool stopping;
};

static void forget_locked(struct clients *clients, struct client *client)
    REQUIRES(clients->lock)
{
	if (client->expected)
		TAILQ_REMOVE(&clients->expected, client, link);
	client->expected = false;
}

/* The connection's own thread does the rest when it sees the end. */
static void end_locked(struct clients *clients, struct client *client)
    REQUIRES(clients->lock)
{
	forget_locked(clients, client);
	client->ended = true;
	clients->count--;
	shutdown(client->fd, SHUT_RDWR);
}

static void end_overdue_locked(struct clients *clients) REQUIRES(clients->lock)
{
	struct client *client;
	int64_t now = timestamp_mono_ms();
	while (
	    (client = TAILQ_FIRST(&clients->expected)) && client->due_ms <= now)
		end_locked(clients, client);
}

static void wait_locked(struct clients *clients) REQUIRES(clients->lock)
{
	const struct client *next = TAILQ_FIRST(&clients->expected);
	if (!next) {
		lock_wait(&clients->lock, &clients->news);
		return;
	}
	int64_t left_ms = next->due_ms - timestamp_mono_ms();
	lock_wait_ms(&clients->lock, &clients->news, left_ms > 0 ? left_ms : 0);
}

static void *run(void *ctx)
{
	struct clients *clients = ctx;
	lock_acquire(&clients->lock);
	while (!clients->stopping) {
		end_overdue_locked(clients);
		wait_locked(clients);
	}
	lock_release(&clients->lock);
	return NULL;
}

int clients_new(int64_t patience_ms, size_t most, struct clients **ret_clients)
{
	struct clients *clients = calloc(1, sizeof(*clients));
	if (!clients)
		return -ENOMEM;
	clients->patience_ms = patience_ms;
	clients->most = most;
	TAILQ_INIT(&clients->expected);
	lock_init(&clients->lock);
	pthread_cond_init(&clients->news, NULL);
	int r = -pthread_create(&clients->thread, NULL, run, clients);
	if (r < 0) {
		pthread_cond_destroy(&clients->news);
		lock_done(&clients->lock);
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
	lock_acquire(&clients->lock);
	clients->stopping = true;
	pthread_cond_signal(&clients->news);
	lock_release(&clients->lock);
	pthread_join(clients->thread, NULL);
	pthread_cond_destroy(&clients->news);
	lock_done(&clients->lock);
	free(clients);
}

static void expect_locked(struct clients *clients, struct client *client)
    REQUIRES(clients->lock)
{
	forget_locked(clients, client);
	if (client->ended)
		return;
	client->due_ms = timestamp_mono_ms() + clients->patience_ms;
	client->expected = true;
	/* The thread only needs to hear of the first: later ones are due
	 * later. */
	if (TAILQ_EMPTY(&clients->expected))
		pthread_cond_signal(&clients->news);
	TAILQ_INSERT_TAIL(&clients->expected, client, link);
}

struct client *client_new(struct clients *clients, int fd)
{
	struct client *client = calloc(1, sizeof(*client));
	if (!client)
		return NULL;
	client->clients = clients;
	client->fd = fd;
	lock_acquire(&clients->lock);
	clients->count++;
	expect_locked(clients, client);
	if (clients->count > clients->most)
		end_locked(clients, TAILQ_FIRST(&clients->expected));
	lock_release(&clients->lock);
	return client;
}

void client_free(struct client *client)
{
	if (!client)
		return;
	struct clients *clients = client->clients;
	lock_acquire(&clients->lock);
	forget_locked(clients, client);
	if (!client->ended)
		clients->count--;
	lock_release(&clients->lock);
	free(client);
}

void client_expect(struct client *client)
{
	if (!client)
		return;
	struct clients *clients = client->clients;
	lock_acquire(&clients->lock);
	expect_locked(clients, client);
	lock_release(&clients->lock);
}

void client_served(struct client *client)
{
	if (!client)
		return;
	struct clients *clients = client->clients;
	lock_acquire(&clients->lock);
	forget_locked(clients, client);
	lock_release(&clients->lock);
}
