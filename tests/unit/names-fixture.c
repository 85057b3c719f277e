#include "names-fixture.h"

#include <stdio.h>

#include "sync-fixture.h"
#include "unit.h"

static int add_name(
    void *ctx, const struct node *node, const char *name, int64_t pos)
{
	struct buf *out = ctx;
	(void)node;
	(void)pos;
	return buf_printf(out, "%s%s", out->len ? " " : "", name);
}

/* Append what may be read beyond after; where that ends, and how the frontier
 * was answered. */
static int add_readable(struct buf *out, int64_t dir,
    const struct sync_dir *open_dir, int64_t *after)
{
	int64_t frontier;
	int r = sync_dir_frontier(sync_under_test, dir, open_dir, &frontier);
	if (r < 0)
		return r;
	assert_int_equal(
	    replica_entries(replica, dir, *after, frontier, add_name, out), 0);
	if (frontier - 1 > *after)
		*after = frontier - 1;
	return r;
}

const char *names_of(int64_t dir, const struct sync_dir *open_dir)
{
	static char names[65536];
	struct buf text;
	int64_t after = open_dir->base;
	buf_init(&text, sizeof(names) - 1);
	if (add_readable(&text, dir, open_dir, &after) < 0)
		strcpy(names, "(failed)");
	else
		snprintf(names, sizeof(names), "%s", buf_str(&text));
	buf_done(&text);
	return names;
}

int list_all(int64_t dir, char *ret_names, size_t size)
{
	struct buf text;
	struct ask *open = ask_open(dir);
	buf_init(&text, size - 1);
	serve_all();
	int r = open->err;
	assert_int_equal(open->count, 1);
	if (r == 0) {
		int64_t after = open->op.open_dir.base;
		while ((r = add_readable(
			    &text, dir, &open->op.open_dir, &after)) == 0) {
			struct ask *wait =
			    ask_wait(dir, &open->op.open_dir, after);
			serve_all();
			assert_int_equal(wait->count, 1);
			if ((r = wait->err) < 0)
				break;
		}
		sync_dir_close(sync_under_test, &open->op.open_dir);
	}
	snprintf(ret_names, size, "%s", buf_str(&text));
	buf_done(&text);
	return r == 1 ? 0 : r;
}

const char *names_from_to(int first, int last)
{
	static char names[65536];
	size_t len = 0;
	names[0] = '\0';
	for (int i = first; i <= last; i++)
		len += (size_t)snprintf(names + len, sizeof(names) - len,
		    "%sr%04d.json", i > first ? " " : "", i);
	return names;
}
