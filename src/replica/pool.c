#include "replica/pool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/lock.h"

/* Questions take no longer than this, in milliseconds. */
#define RETURN_MS 1000

struct pool {
	char *path;
	enum connection_kind kind;
	struct lock lock;
	pthread_cond_t returned;
	/* Under lock: those that nobody uses at the moment. */
	SLIST_HEAD(, connection) idle;
};

int pool_new(
    const char *path, enum connection_kind kind, struct pool **ret_pool)
{
	struct pool *pool = calloc(1, sizeof(*pool));
	char *copy = strdup(path);
	if (!pool || !copy) {
		free(pool);
		free(copy);
		return -ENOMEM;
	}
	pool->path = copy;
	pool->kind = kind;
	lock_init(&pool->lock);
	pthread_cond_init(&pool->returned, NULL);
	SLIST_INIT(&pool->idle);
	*ret_pool = pool;
	return 0;
}

void pool_free(struct pool *pool)
{
	struct connection *connection;
	if (!pool)
		return;
	while ((connection = SLIST_FIRST(&pool->idle))) {
		SLIST_REMOVE_HEAD(&pool->idle, link);
		connection_close(connection);
	}
	pthread_cond_destroy(&pool->returned);
	lock_done(&pool->lock);
	free(pool->path);
	free(pool);
}

/* One that nobody uses; waits for at most wait_ms for one. */
static struct connection *take_idle(struct pool *pool, int64_t wait_ms)
{
	lock_acquire(&pool->lock);
	if (wait_ms && SLIST_EMPTY(&pool->idle))
		lock_wait_ms(&pool->lock, &pool->returned, wait_ms);
	struct connection *connection = SLIST_FIRST(&pool->idle);
	if (connection)
		SLIST_REMOVE_HEAD(&pool->idle, link);
	lock_release(&pool->lock);
	return connection;
}

int pool_borrow(struct pool *pool, struct connection **ret_connection)
{
	struct connection *connection = take_idle(pool, 0);
	int r = connection
		    ? 0
		    : connection_open(pool->path, pool->kind, &connection);
	/* Without a descriptor for one more, those that there are do. */
	if (r < 0 && (connection = take_idle(pool, RETURN_MS)))
		r = 0;
	if (r == 0)
		*ret_connection = connection;
	return r;
}

void pool_return(struct pool *pool, struct connection *connection)
{
	lock_acquire(&pool->lock);
	SLIST_INSERT_HEAD(&pool->idle, connection, link);
	pthread_cond_signal(&pool->returned);
	lock_release(&pool->lock);
}
