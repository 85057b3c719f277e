/* Commits that fail: what is in memory of a listing is what is on the disk. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "lister-fixture.h"

int __real_replica_commit(struct replica *replica_to_write);
int __wrap_replica_commit(struct replica *replica_to_write);

static int commits_to_fail; /* counts down; the one that makes it 0 fails */
static bool full;	    /* all fail */

int __wrap_replica_commit(struct replica *replica_to_write)
{
	if (!full && (!commits_to_fail || --commits_to_fail))
		return __real_replica_commit(replica_to_write);
	replica_rollback(replica_to_write);
	return -ENOSPC;
}

static int setup(void **state)
{
	int r = fixture_setup(state);
	commits_to_fail = 0;
	full = false;
	service.limit_max = 5;
	service.heeds_times = true;
	service.tells_date = true;
	return r;
}

static int teardown(void **state)
{
	commits_to_fail = 0;
	full = false;
	return fixture_teardown(state);
}

static void begin_again(void **state)
{
	assert_int_equal(teardown(state), 0);
	assert_int_equal(setup(state), 0);
}

static void list(size_t count)
{
	service_fill(count);
	fixture_start();
	assert_lists(names_from_to(1, (int)count));
	go_stale();
}

static void change_things(bool deletes)
{
	service_change(3);
	tick();
	service_create(21);
	if (deletes)
		service_delete(9);
}

static void while_all_is_full_nothing_is_believed(void **state)
{
	for (int deletes = 0; deletes < 2; deletes++) {
		list(20);
		change_things(deletes);
		full = true;
		assert_int_equal(
		    list_all(posts, names, sizeof(names)), -ENOSPC);
		assert_int_equal(
		    list_all(posts, names, sizeof(names)), -ENOSPC);
		full = false;
		assert_is_all_and_fresh();
		go_stale();
		assert_is_all_and_fresh();
		begin_again(state);
	}
	fixture_start();
}

/* Whichever commit it is: of a refresh, or of a pass. */
static void list_while_one_fails(void **state, bool deletes, bool heeds_times)
{
	for (int which = 1; which <= 8; which++) {
		service.heeds_times = heeds_times;
		list(20);
		change_things(deletes);
		commits_to_fail = which;
		int r = list_all(posts, names, sizeof(names));
		assert_true(r == 0 || r == -ENOSPC);
		if (r == 0)
			assert_each_once(names, 10, 21);
		commits_to_fail = 0;
		assert_is_all_and_fresh();
		/* And what is on the disk is that, too. */
		fixture_stop();
		fixture_start();
		go_stale();
		assert_is_all_and_fresh();
		begin_again(state);
	}
}

static void one_that_fails_loses_no_change(void **state)
{
	list_while_one_fails(state, false, true);
	list_while_one_fails(state, false, false);
	fixture_start();
}

static void one_that_fails_brings_nothing_back(void **state)
{
	list_while_one_fails(state, true, true);
	list_while_one_fails(state, true, false);
	fixture_start();
}

static void a_deletion_that_is_not_noted_is_looked_for_again(void **state)
{
	(void)state;
	service.limit_max = 100;
	list(2000);
	service_delete(1000);
	full = true;
	assert_int_equal(list_all(posts, names, sizeof(names)), -ENOSPC);
	full = false;
	assert_is_all_and_fresh();
	/* Also by one whose commit is lost behind an unmount. */
	go_stale();
	service_delete(500);
	commits_to_fail = 1;
	list_all(posts, names, sizeof(names));
	commits_to_fail = 0;
	fixture_stop();
	fixture_start();
	go_stale();
	assert_is_all_and_fresh();
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(while_all_is_full_nothing_is_believed),
	    TEST(one_that_fails_loses_no_change),
	    TEST(one_that_fails_brings_nothing_back),
	    TEST(a_deletion_that_is_not_noted_is_looked_for_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
