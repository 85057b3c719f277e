#include "emulator/query/path.h"

#include <errno.h>
#include <string.h>

#include "emulator/query/cursor.h"

/* Longer paths lead nowhere. */
#define STEPS_MAX 64

struct walk {
	path_visit *visit;
	void *ctx;
};

static int enter(const struct walk *walk, struct json_span value,
    const char *path, int steps);

/* A step into a document; path begins with the member's name. */
static int step(const struct walk *walk, struct json_span document,
    const char *path, int steps)
{
	struct json_span value;
	size_t len = strcspn(path, ".");
	int r = cursor_member(document, path, len, &value);
	if (r < 0)
		return r;
	if (!value.text)
		return walk->visit(walk->ctx, value);
	return enter(walk, value, path[len] ? path + len + 1 : NULL, steps + 1);
}

static bool is_index(const char *path, size_t index)
{
	size_t len = strspn(path, "0123456789"), number = 0;
	if (len == 0 || len > 9 || (path[len] && path[len] != '.'))
		return false;
	for (size_t i = 0; i < len; i++)
		number = number * 10 + (size_t)(path[i] - '0');
	return number == index;
}

/* Into all documents of an array, and into the element that is named. */
static int spread(const struct walk *walk, struct json_span array,
    const char *path, int steps)
{
	struct cursor cursor;
	struct json_span key, element;
	const char *rest =
	    path[strcspn(path, ".")] ? strchr(path, '.') + 1 : NULL;
	int r;
	cursor_init(&cursor, array);
	for (size_t i = 0; (r = cursor_next(&cursor, &key, &element)) > 0;
	     i++) {
		r = 0;
		if (is_index(path, i))
			r = enter(walk, element, rest, steps + 1);
		if (r == 0 && json_is_object(element))
			r = step(walk, element, path, steps + 1);
		if (r != 0)
			return r;
	}
	return r;
}

/* path is what is left of it, NULL at its end. */
static int enter(const struct walk *walk, struct json_span value,
    const char *path, int steps)
{
	static const struct json_span nothing = {0};
	if (!path)
		return walk->visit(walk->ctx, value);
	if (steps > STEPS_MAX)
		return walk->visit(walk->ctx, nothing);
	if (json_is_object(value))
		return step(walk, value, path, steps);
	if (json_is_array(value))
		return spread(walk, value, path, steps);
	return walk->visit(walk->ctx, nothing);
}

int path_walk(
    struct json_span document, const char *path, path_visit *visit, void *ctx)
{
	const struct walk walk = {visit, ctx};
	return step(&walk, document, path, 0);
}
