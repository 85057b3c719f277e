/* When what is put off is written: before anything else, and at the commit. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "fake-http.h"
#include "remove-tree.h"
#include "sync/core/core.h"
#include "sync/core/write.h"

static char root[64];
static struct fake *fake;
static struct core core;
static char told[64]; /* a letter a thing that happened */
static char a_name[] = "a", b_name[] = "b";

static void tell(const char *letter)
{
	strcat(told, letter);
}

static void on_lost(void *ctx, int err)
{
	(void)ctx;
	(void)err;
	tell("L");
}

static int setup(void **state)
{
	(void)state;
	strcpy(root, "/tmp/test-write.XXXXXX");
	assert_non_null(mkdtemp(root));
	fake = fake_new();
	core = (struct core){.http = fake_http(fake)};
	assert_int_equal(
	    replica_open(root, "project", false, &core.replica), 0);
	core.write = write_new(&core, on_lost, NULL);
	assert_non_null(core.write);
	told[0] = '\0';
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	write_free(core.write);
	replica_close(core.replica);
	fake_free(fake);
	return remove_tree(root);
}

/* Puts a table of that name. */
static void put_table(void *ctx)
{
	int64_t id;
	tell(ctx);
	assert_int_equal(
	    replica_put_table(core.replica, ctx, ctx, true, &id), 0);
}

static bool is_there(const char *table)
{
	struct node node;
	return replica_lookup(core.replica, NODE_ROOT, table, &node) == 0;
}

static void on_commit(void *ctx, int err)
{
	(void)ctx;
	assert_int_equal(err, 0);
	tell("C");
}

static void it_is_written_with_the_commit(void **state)
{
	struct deferred_write a = {.fn = put_table, .ctx = a_name};
	struct commit_hook hook = {.fn = on_commit};
	(void)state;
	assert_int_equal(write_defer(core.write, &a), 0);
	assert_int_equal(write_defer(core.write, &a), 0); /* but once */
	write_hook(core.write, &hook);
	assert_string_equal(told, "");
	fake_run(fake);
	assert_string_equal(told, "aC");
	assert_true(is_there("a"));
}

static void it_is_written_before_anything_else(void **state)
{
	struct deferred_write a = {.fn = put_table, .ctx = a_name};
	struct deferred_write b = {.fn = put_table, .ctx = b_name};
	(void)state;
	assert_int_equal(write_defer(core.write, &a), 0);
	assert_int_equal(write_defer(core.write, &b), 0);
	assert_int_equal(write_begin(core.write), 0);
	assert_string_equal(told, "ab");
	assert_int_equal(write_begin(core.write), 0);
	fake_run(fake);
	assert_string_equal(told, "ab");
	assert_true(is_there("a") && is_there("b"));
}

static void it_is_written_for_who_reads_it(void **state)
{
	struct deferred_write a = {.fn = put_table, .ctx = a_name};
	(void)state;
	assert_int_equal(write_defer(core.write, &a), 0);
	assert_false(is_there("a"));
	write_deferred(core.write);
	assert_true(is_there("a"));
	fake_run(fake);
}

static void what_is_dropped_is_not_written(void **state)
{
	struct deferred_write a = {.fn = put_table, .ctx = a_name};
	struct deferred_write b = {.fn = put_table, .ctx = b_name};
	(void)state;
	assert_int_equal(write_defer(core.write, &a), 0);
	assert_int_equal(write_defer(core.write, &b), 0);
	write_undefer(&a);
	write_undefer(&a);
	fake_run(fake);
	assert_string_equal(told, "b");
	assert_false(is_there("a"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(it_is_written_with_the_commit),
	    TEST(it_is_written_before_anything_else),
	    TEST(it_is_written_for_who_reads_it),
	    TEST(what_is_dropped_is_not_written),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
