#include "lister-fixture.h"

#include <stdio.h>

#include "unit.h"

char names[65536];

void assert_lists(const char *expected)
{
	assert_int_equal(list_all(posts, names, sizeof(names)), 0);
	assert_string_equal(names, expected);
}

struct node node_of(const char *name)
{
	struct node node = {0};
	assert_int_equal(replica_lookup(replica, posts, name, &node), 0);
	return node;
}

struct replica_listing listing(void)
{
	struct replica_listing known;
	assert_int_equal(replica_listing(replica, posts, &known), 0);
	return known;
}

/* A position within a page of the pass that began at base. */
int64_t position(int64_t base, int64_t page)
{
	return base + (page << PAGE_BITS) + 1;
}

/* Where one stands who has read a page to its end. */
int64_t end_of(int64_t base, int64_t page)
{
	return position(base, page + 1) - 2;
}

void go_stale(void)
{
	fake_advance(fake, TTL_MS + 1);
	sent();
}

/* How often a record stands in a list of names. */
int times_in(const char *all, int id)
{
	char name[16];
	int times = 0;
	snprintf(name, sizeof(name), "r%04d.json", id);
	for (const char *at = all; (at = strstr(at, name)); at++)
		times++;
	return times;
}

void assert_each_once(const char *all, int first, int last)
{
	for (int id = first; id <= last; id++)
		assert_int_equal(times_in(all, id), 1);
}

void assert_is_all_and_fresh(void)
{
	assert_int_equal(list_all(posts, names, sizeof(names)), 0);
	size_t listed = 0;
	for (const char *at = names; (at = strstr(at, ".json")); at++)
		listed++;
	assert_int_equal(listed, service.count);
	for (size_t i = 0; i < service.count; i++) {
		char name[16];
		int id = service.ids[i];
		snprintf(name, sizeof(name), "r%04d.json", id);
		if (times_in(names, id) != 1 ||
		    node_of(name).mtime_ms != service_updated_ms(id))
			print_error("r%04d: listed %d times\n", id,
			    times_in(names, id));
		assert_int_equal(times_in(names, id), 1);
		assert_int_equal(
		    node_of(name).mtime_ms, service_updated_ms(id));
	}
}

void tick(void)
{
	fake_advance(fake, 7);
}

struct ask *ask_for_all(const struct ask *open)
{
	const struct sync_dir *dir = &open->op.open_dir;
	return ask_wait(posts, dir, position(dir->base, 2000));
}
