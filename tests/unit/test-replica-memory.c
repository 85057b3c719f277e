/*
 * Each allocation fails in turn while a replica is opened, written and read:
 * what fails says so, and nothing false is there afterwards. SQLite has its own
 * memory, which is not short here.
 */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>

#include "replica-fixture.h"
#include "short-memory.h"

#define RECORD "{\"id\":\"a\",\"n\":1}"

/* A record, in one commit. */
static int write_one(void)
{
	struct node node;
	bool again;
	const struct replica_row what = row("a", RECORD);
	const struct replica_place place = {.pos = 1};
	int r = replica_begin(replica);
	if (r < 0)
		return r;
	r = replica_put(replica, &what, &place, &node, &again);
	if (r == 0)
		return replica_commit(replica);
	replica_rollback(replica);
	return r;
}

/* One that is there is read whole, or not at all. */
static int read_one(void)
{
	CLEANUP_BUF struct buf text, key;
	struct node node;
	buf_init(&text, BUF_MAX_DEFAULT);
	buf_init(&key, BUF_MAX_DEFAULT);
	int r = replica_lookup(replica, table, "a.json", &node);
	if (r == 0)
		r = replica_text(replica, node.id, &text);
	if (r == 0)
		r = replica_key(replica, node.id, &key);
	if (r == 0) {
		assert_buf(&text, RECORD);
		assert_buf(&key, "a");
	}
	return r;
}

static int open_short(long count)
{
	struct replica *opened = NULL;
	replica_close(replica);
	replica = NULL;
	memory_fail_after(count);
	int r = replica_open(dir, PROJECT, false, &opened);
	bool failed = memory_is_whole_again();
	assert_int_equal(opened == NULL, r < 0);
	assert_true(r == 0 || failed);
	replica = opened;
	if (!opened)
		open_in(dir);
	return failed;
}

static int write_short(long count)
{
	memory_fail_after(count);
	int r = write_one();
	bool failed = memory_is_whole_again();
	assert_true(r == 0 || failed);
	/* What a write said is so, in memory and on the disk. */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(read_one(), r == 0 ? 0 : -ENOENT);
		reopen();
	}
	if (r < 0) {
		assert_int_equal(write_one(), 0);
		assert_int_equal(read_one(), 0);
	}
	return failed;
}

static int read_short(long count)
{
	assert_int_equal(write_one(), 0);
	reopen(); /* nothing is prepared yet */
	memory_fail_after(count);
	int r = read_one();
	bool failed = memory_is_whole_again();
	assert_true(r == 0 || (failed && r != -ENOENT));
	assert_int_equal(read_one(), 0);
	return failed;
}

/* From the first allocation on, until it gets by without the failure. */
static void in_turn(void **state, int (*attempt)(long count))
{
	int failed = 1;
	long count = 0;
	for (; failed; count++) {
		assert_int_equal(fixture_setup(state), 0);
		failed = attempt(count);
		assert_int_equal(fixture_teardown(state), 0);
	}
	assert_true(count > 1);
}

static void opening_survives_lack_of_memory(void **state)
{
	in_turn(state, open_short);
}

static void writing_survives_lack_of_memory(void **state)
{
	int failed = 1;
	for (long count = 0; failed; count++) {
		assert_int_equal(fixture_setup(state), 0);
		failed = write_short(count);
		assert_int_equal(fixture_teardown(state), 0);
	}
}

static void reading_survives_lack_of_memory(void **state)
{
	in_turn(state, read_short);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(opening_survives_lack_of_memory),
	    cmocka_unit_test(writing_survives_lack_of_memory),
	    cmocka_unit_test(reading_survives_lack_of_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
