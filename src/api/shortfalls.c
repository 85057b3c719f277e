#include "api/shortfalls.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/lock.h"

/* How a page is known to be of a copy that is not whole. */
struct shortfall {
	SLIST_ENTRY(shortfall) link;
	char *table; /* "": the list of files */
	char *words; /* "": nothing is missing any more */
};

struct shortfalls {
	struct lock lock;
	SLIST_HEAD(, shortfall) all; /* under lock */
};

struct shortfalls *shortfalls_new(void)
{
	struct shortfalls *shortfalls = calloc(1, sizeof(*shortfalls));
	if (shortfalls)
		lock_init(&shortfalls->lock);
	return shortfalls;
}

void shortfalls_free(struct shortfalls *shortfalls)
{
	struct shortfall *one;
	if (!shortfalls)
		return;
	while ((one = SLIST_FIRST(&shortfalls->all))) {
		SLIST_REMOVE_HEAD(&shortfalls->all, link);
		free(one->table);
		free(one->words);
		free(one);
	}
	lock_done(&shortfalls->lock);
	free(shortfalls);
}

static struct shortfall *find(struct shortfalls *shortfalls, const char *table)
    REQUIRES(shortfalls->lock)
{
	struct shortfall *one;
	SLIST_FOREACH (one, &shortfalls->all, link) {
		if (strcmp(one->table, table ? table : "") == 0)
			break;
	}
	return one;
}

static int add(struct shortfalls *shortfalls, const char *table,
    const char *words) REQUIRES(shortfalls->lock)
{
	struct shortfall *one = calloc(1, sizeof(*one));
	if (!one)
		return -ENOMEM;
	one->table = strdup(table ? table : "");
	one->words = strdup(words);
	if (!one->table || !one->words) {
		free(one->table);
		free(one->words);
		free(one);
		return -ENOMEM;
	}
	SLIST_INSERT_HEAD(&shortfalls->all, one, link);
	return 1;
}

static int change(struct shortfall *one, const char *words)
{
	if (strcmp(one->words, words) == 0)
		return 0;
	char *copy = strdup(words);
	if (!copy)
		return -ENOMEM;
	free(one->words);
	one->words = copy;
	return *words != '\0';
}

int shortfalls_tell(
    struct shortfalls *shortfalls, const char *table, const char *words)
{
	lock_acquire(&shortfalls->lock);
	struct shortfall *one = find(shortfalls, table);
	int r = one	 ? change(one, words)
		: *words ? add(shortfalls, table, words)
			 : 0;
	lock_release(&shortfalls->lock);
	return r;
}

bool shortfalls_find(
    struct shortfalls *shortfalls, const char *table, char *out, size_t size)
{
	lock_acquire(&shortfalls->lock);
	const struct shortfall *one = find(shortfalls, table);
	bool found = one && one->words[0];
	if (found)
		snprintf(out, size, "%s", one->words);
	lock_release(&shortfalls->lock);
	return found;
}
