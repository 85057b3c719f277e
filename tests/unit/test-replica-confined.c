/* A replica in a program that has left itself nothing else: whatever SQLite
 * needs, also for its own use, has room beside the database. */
#include "unit.h"

#include <pthread.h>
#include <stdio.h>

#include "base/sandbox.h"
#include "replica-fixture.h"

/* More names than SQLite keeps in memory. */
#define ROWS 60000

static int count_name(void *ctx, const char *name)
{
	int *count = ctx;
	(void)name;
	++*count;
	return 0;
}

static void enter_sandbox(void)
{
	char words[SANDBOX_WORDS];
	struct sandbox *sandbox;
	assert_int_equal(sandbox_new(SANDBOX_CLIENT, &sandbox), 0);
	assert_int_equal(sandbox_allow(sandbox, root, SANDBOX_KEEP), 0);
	if (SANDBOX_WANTED)
		sandbox_enter(sandbox, words);
	sandbox_free(sandbox);
}

/* On a thread of its own, so that only it is confined. */
static void *list_and_lose(void *ctx)
{
	int *count = ctx;
	enter_sandbox();
	begin();
	for (int i = 0; i < ROWS; i++) {
		char id[128];
		snprintf(id, sizeof(id), "%0100d", i);
		const struct replica_row what = row(id, "{}");
		put_row(&what, 0, i + 1, false);
	}
	commit();
	begin();
	assert_int_equal(replica_sweep(replica, table, 0, ROWS + 1, INT64_MAX,
			     count_name, count),
	    0);
	commit();
	return NULL;
}

static void all_of_a_large_table_may_go(void **state)
{
	(void)state;
	int count = 0;
	pthread_t thread;
	assert_int_equal(
	    pthread_create(&thread, NULL, list_and_lose, &count), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(count, ROWS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(all_of_a_large_table_may_go),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
