#include "emulator/store/store.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "tree/name.h"

/* More generated rows than this are a slip of the pen. */
#define GENERATE_MOST ((int64_t)100000000)

struct store {
	pthread_rwlock_t lock;
	/* Under lock. */
	struct table *files;
	struct table **tables; /* by name */
	size_t count;
};

int store_new(struct store **ret_store)
{
	struct store *store = calloc(1, sizeof(*store));
	if (!store)
		return -ENOMEM;
	int r = table_new("files", true, &store->files);
	if (r < 0) {
		free(store);
		return r;
	}
	pthread_rwlock_init(&store->lock, NULL);
	*ret_store = store;
	return 0;
}

void store_free(struct store *store)
{
	if (!store)
		return;
	for (size_t i = 0; i < store->count; i++)
		table_free(store->tables[i]);
	free(store->tables);
	table_free(store->files);
	pthread_rwlock_destroy(&store->lock);
	free(store);
}

void store_read_lock(struct store *store)
{
	pthread_rwlock_rdlock(&store->lock);
}

void store_write_lock(struct store *store)
{
	pthread_rwlock_wrlock(&store->lock);
}

void store_unlock(struct store *store)
{
	pthread_rwlock_unlock(&store->lock);
}

static struct table *find_locked(
    struct store *store, const char *name, size_t *ret_at)
{
	size_t i = 0;
	while (
	    i < store->count && strcmp(table_name(store->tables[i]), name) < 0)
		i++;
	*ret_at = i;
	if (i < store->count && strcmp(table_name(store->tables[i]), name) == 0)
		return store->tables[i];
	return NULL;
}

struct table *store_find(struct store *store, const char *name)
{
	size_t at;
	store_read_lock(store);
	struct table *table = find_locked(store, name, &at);
	store_unlock(store);
	return table;
}

static int insert_locked(struct store *store, struct table *table, size_t at)
{
	struct table **tables = reallocarray(
	    store->tables, store->count + 1, sizeof(struct table *));
	if (!tables)
		return -ENOMEM;
	store->tables = tables;
	memmove(tables + at + 1, tables + at,
	    (store->count - at) * sizeof(struct table *));
	tables[at] = table;
	store->count++;
	return 0;
}

static int add_locked(
    struct store *store, const char *name, size_t at, struct table **ret_table)
{
	struct table *table;
	int r = table_new(name, false, &table);
	if (r < 0)
		return r;
	r = insert_locked(store, table, at);
	if (r < 0)
		table_free(table);
	else
		*ret_table = table;
	return r;
}

int store_adopt(struct store *store, struct table *table)
{
	size_t at;
	store_write_lock(store);
	int r = find_locked(store, table_name(table), &at)
		    ? -EEXIST
		    : insert_locked(store, table, at);
	store_unlock(store);
	if (r < 0)
		table_free(table);
	return r;
}

int store_table(struct store *store, const char *name, struct table **ret_table)
{
	size_t at;
	int r = 0;
	store_write_lock(store);
	struct table *table = find_locked(store, name, &at);
	if (!table)
		r = add_locked(store, name, at, &table);
	store_unlock(store);
	if (r == 0)
		*ret_table = table;
	return r;
}

struct table *store_files(struct store *store)
{
	return store->files;
}

struct table *store_nth(struct store *store, size_t i)
{
	store_read_lock(store);
	struct table *table = i < store->count ? store->tables[i] : NULL;
	store_unlock(store);
	return table;
}

/* N:BYTES */
static int parse_counts(const char *text, int64_t *ret_count, int64_t *ret_size)
{
	char copy[64];
	if (strlen(text) >= sizeof(copy))
		return -EINVAL;
	strcpy(copy, text);
	char *colon = strchr(copy, ':');
	if (!colon)
		return -EINVAL;
	*colon = '\0';
	if (number_parse(copy, 0, GENERATE_MOST, ret_count) < 0)
		return -EINVAL;
	return number_parse(colon + 1, 0, INT64_C(1) << 50, ret_size);
}

static int generate_into(
    struct store *store, struct table *table, int64_t count, int64_t size)
{
	store_write_lock(store);
	int r = table_generate(table, (uint64_t)count, (uint64_t)size);
	store_unlock(store);
	return r;
}

int store_generate(struct store *store, const char *text)
{
	char name[65];
	int64_t count, size;
	size_t len = strcspn(text, "=");
	if (!text[len] || len >= sizeof(name))
		return -EINVAL;
	memcpy(name, text, len);
	name[len] = '\0';
	if (!name_is_table(name) ||
	    parse_counts(text + len + 1, &count, &size) < 0 || size > 1 << 28)
		return -EINVAL;
	struct table *table;
	int r = store_table(store, name, &table);
	return r < 0 ? r : generate_into(store, table, count, size);
}

int store_generate_files(struct store *store, const char *text)
{
	int64_t count, size;
	if (parse_counts(text, &count, &size) < 0)
		return -EINVAL;
	return generate_into(store, store->files, count, size);
}

void store_mark_kept(struct store *store)
{
	store_write_lock(store);
	for (size_t i = 0; i < store->count; i++)
		table_mark_kept(store->tables[i]);
	store_unlock(store);
}

int store_get(struct store *store, struct table *table, const char *id,
    size_t id_len, row_t *ret_row)
{
	store_read_lock(store);
	ssize_t at = table_find(table, id, id_len);
	if (at >= 0)
		*ret_row = row_ref(table_rows(table, TABLE_BY_ID)[at]);
	store_unlock(store);
	return at < 0 ? -ENOENT : 0;
}

int store_put(struct store *store, struct table *table, struct document *record)
{
	store_write_lock(store);
	int r = table_put(table, record);
	store_unlock(store);
	return r;
}

int store_remove(
    struct store *store, struct table *table, const char *id, size_t id_len)
{
	store_write_lock(store);
	int r = table_remove(table, id, id_len);
	store_unlock(store);
	return r;
}
