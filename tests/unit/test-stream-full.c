/* A full disk: nothing can be noted, and what can be read is read. */
#include <errno.h>

#include "stream-fixture.h"
#include "unit.h"

int __real_replica_commit(struct replica *replica_to_write);
int __wrap_replica_commit(struct replica *replica_to_write);

static bool full;

int __wrap_replica_commit(struct replica *replica_to_write)
{
	if (!full)
		return __real_replica_commit(replica_to_write);
	replica_rollback(replica_to_write);
	return -ENOSPC;
}

static int set_up(void **state)
{
	full = false;
	return fixture_setup(state);
}

static int tear_down(void **state)
{
	full = false;
	return fixture_teardown(state);
}

static void an_object_as_large_as_claimed_is_read(void **state)
{
	(void)state;
	int64_t node = stored_file("3000000");
	full = true;
	struct ask *read = ask_read(node, 0, 4096);
	serve_store(3000000);
	assert_bytes(read, 0, 4096);
	read = ask_read(node, 2999000, 4096);
	serve_store(3000000);
	assert_bytes(read, 2999000, 1000);
	assert_false(current().proven);
}

/* The kernel could not be told the true one, nor would it last. */
static void an_object_of_another_size_is_not(void **state)
{
	(void)state;
	int64_t node = stored_file("2000");
	full = true;
	struct ask *read = ask_read(node, 0, 4096);
	serve_store(3000);
	assert_ended(read, -ENOSPC);
	full = false;
	read = ask_read(node, 0, 4096);
	serve_store(3000);
	assert_ended(read, -EIO); /* of which stat knew nothing */
	read = ask_read(current().id, 0, 4096);
	serve_store(3000);
	assert_bytes(read, 0, 3000);
}

static void a_claim_can_be_verified(void **state)
{
	(void)state;
	int64_t node = stored_file("3000");
	full = true;
	struct ask *measure = ask_measure(node);
	serve_store(3000);
	assert_ended(measure, 0);
	assert_int_equal(measure->op.node.size, 3000);
}

#define FULL(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    FULL(an_object_as_large_as_claimed_is_read),
	    FULL(an_object_of_another_size_is_not),
	    FULL(a_claim_can_be_verified),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
