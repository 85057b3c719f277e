#include "emulator/load/shelf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "emulator/load/nfc.h"

void shelf_done(struct shelf *shelf)
{
	for (size_t i = 0; i < shelf->count; i++) {
		struct object *object = &shelf->objects[i];
		if (object->key != object->name)
			free(object->key);
		free(object->name);
		place_done(&object->place);
	}
	free(shelf->objects);
}

/* A name's key: itself, or a string of its own. NULL: out of memory. */
static char *make_key(char *name)
{
	CLEANUP_BUF struct buf key;
	buf_init(&key, BUF_MAX_DEFAULT);
	if (nfc_add(name, &key) < 0)
		return NULL;
	if (strcmp(buf_str(&key), name) == 0)
		return name;
	return buf_steal(&key);
}

int shelf_add(struct shelf *shelf, const char *name, struct place place)
{
	if (shelf->count == shelf->cap) {
		size_t cap = shelf->cap ? shelf->cap * 2 : 64;
		struct object *objects =
		    reallocarray(shelf->objects, cap, sizeof(*objects));
		if (!objects) {
			place_done(&place);
			return -ENOMEM;
		}
		shelf->objects = objects;
		shelf->cap = cap;
	}
	char *copy = strdup(name);
	char *key = copy ? make_key(copy) : NULL;
	if (!key) {
		free(copy);
		place_done(&place);
		return -ENOMEM;
	}
	shelf->objects[shelf->count++] =
	    (struct object){.name = copy, .key = key, .place = place};
	return 0;
}

static int compare_objects(const void *a, const void *b)
{
	const struct object *left = a, *right = b;
	int order = strcmp(left->key, right->key);
	return order ? order : strcmp(left->name, right->name);
}

void shelf_sort(struct shelf *shelf)
{
	if (shelf->count > 0)
		qsort(shelf->objects, shelf->count, sizeof(*shelf->objects),
		    compare_objects);
}

/* The first object whose key is not before this one. */
static size_t rank(const struct shelf *shelf, const char *key)
{
	size_t low = 0, high = shelf->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (strcmp(shelf->objects[middle].key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The free one of this name, else one of this name in another normal form. */
static struct object *find_name(
    const struct shelf *shelf, const char *name, const char *key)
{
	struct object *found = NULL;
	for (size_t i = rank(shelf, key); i < shelf->count; i++) {
		struct object *object = &shelf->objects[i];
		if (strcmp(object->key, key) != 0)
			break;
		if (!object->claimed &&
		    (!found || strcmp(object->name, name) == 0))
			found = object;
	}
	return found;
}

int shelf_find(const struct shelf *shelf, struct buf *name,
    struct shelf_finding *ret_finding)
{
	CLEANUP_BUF struct buf key;
	buf_init(&key, BUF_MAX_DEFAULT);
	*ret_finding = (struct shelf_finding){0};
	/* A NUL ends a file's name. */
	if (name->len == 0 || strlen(name->data) != name->len)
		return 0;
	int r = nfc_add(name->data, &key);
	if (r < 0)
		return r;
	ret_finding->object = find_name(shelf, name->data, buf_str(&key));
	if (ret_finding->object)
		return 0;
	r = buf_adds(name, ".gz");
	if (r == 0)
		r = buf_adds(&key, ".gz");
	if (r < 0)
		return r;
	ret_finding->object = find_name(shelf, name->data, key.data);
	ret_finding->packed = ret_finding->object != NULL;
	return 0;
}

int shelf_has(const struct shelf *shelf, const char *name)
{
	CLEANUP_BUF struct buf key;
	buf_init(&key, BUF_MAX_DEFAULT);
	int r = nfc_add(name, &key);
	if (r < 0)
		return r;
	size_t at = rank(shelf, buf_str(&key));
	return at < shelf->count &&
	       strcmp(shelf->objects[at].key, buf_str(&key)) == 0;
}
