/* Tables that are told of: when that is asked for, and what each name costs.
 * The server that lists them is the test itself. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>

#include "lister-fixture.h"
#include "mcp/mcp.h"

static char nobody; /* stands for the server that lists tables */
static bool logged_in;
static int find_err;
static int finds;
static mcp_found_fn found;
static void *found_ctx;

bool __wrap_mcp_has_login(const struct mcp *mcp);
int __wrap_mcp_find(struct mcp *mcp, mcp_found_fn fn, void *ctx);

bool __wrap_mcp_has_login(const struct mcp *mcp)
{
	assert_ptr_equal(mcp, &nobody);
	return logged_in;
}

int __wrap_mcp_find(struct mcp *mcp, mcp_found_fn fn, void *ctx)
{
	assert_ptr_equal(mcp, &nobody);
	finds++;
	if (find_err)
		return find_err;
	assert_null(found);
	found = fn;
	found_ctx = ctx;
	return 0;
}

static int setup(void **state)
{
	logged_in = true;
	find_err = finds = 0;
	found = NULL;
	int r = fixture_setup(state);
	settings.mcp = (struct mcp *)(void *)&nobody;
	return r;
}

/* Names and groups, "a/x a/y b/z"; "": none; NULL: it fails. */
static void tell(const char *names_told)
{
	struct candidates *candidates = NULL;
	const struct mcp_error error = {.err = names_told ? 0 : -EIO};
	mcp_found_fn fn = found;
	char copy[1000], *rest = copy, *one;
	if (names_told)
		candidates = candidates_new();
	snprintf(copy, sizeof(copy), "%s", names_told ? names_told : "");
	while (candidates && (one = strsep(&rest, " "))) {
		char *name = strchr(one, '/');
		if (!name)
			continue;
		*name++ = '\0';
		candidates_add(candidates, one, name);
	}
	assert_non_null(fn);
	found = NULL;
	fn(found_ctx, candidates, &error);
	fake_run(fake);
}

/* The key's word on a table. */
static void confirm(const char *name, bool there)
{
	char line[200];
	snprintf(line, sizeof(line), "GET /v1/data/%s?page=1&limit=1&", name);
	ANSWER(request(line), .status = there ? 200 : 404,
	    .body = there ? "{\"items\":[],\"pagination\":{\"total\":0}}"
			  : "{\"error\":{\"code\":\"data/table-not-found\"}}");
}

static bool is_shown(const char *name, enum table_shown how)
{
	struct node node;
	return replica_lookup(replica, NODE_ROOT, name, &node) == 0 &&
	       node.pos[0] == how;
}

/* ---- tests ---- */

static void who_looks_waits_for_what_is_told_and_there(void **state)
{
	(void)state;
	fixture_start();
	assert_int_equal(sync_find_tables_now(sync_under_test), -EAGAIN);
	assert_int_equal(finds, 0);
	struct ask *first = ask_find(), *second = ask_find();
	assert_int_equal(finds, 1);
	assert_waits(first);
	tell("p/orders p/gone p/posts");
	assert_waits(first);
	confirm("orders", true);
	assert_waits(second);
	confirm("gone", false);
	fake_run(fake);
	assert_ended(first, 0);
	assert_ended(second, 0);
	assert_int_equal(sent(), 2);
	assert_true(is_shown("orders", TABLE_TOLD));
	assert_true(is_shown("posts", TABLE_TOLD));
	assert_string_equal(errors_text(), "");
	assert_int_equal(sync_find_tables_now(sync_under_test), 0);
}

static void without_a_login_nobody_waits(void **state)
{
	(void)state;
	logged_in = false;
	fixture_start();
	assert_int_equal(sync_find_tables_now(sync_under_test), 0);
	assert_ended(ask_find(), 0);
	assert_int_equal(finds, 0);
}

static void it_is_asked_for_again_after_ttl_and_not_before(void **state)
{
	(void)state;
	fixture_start();
	struct ask *ask = ask_find();
	tell("");
	assert_ended(ask, 0);
	fake_advance(fake, TTL_MS - 1);
	assert_int_equal(sync_find_tables_now(sync_under_test), 0);
	fake_advance(fake, 1);
	assert_int_equal(sync_find_tables_now(sync_under_test), -EAGAIN);
}

static void however_short_ttl_is_it_is_not_asked_for_at_once(void **state)
{
	(void)state;
	settings.ttl_ms = 0;
	fixture_start();
	ask_find();
	tell("");
	assert_int_equal(sync_find_tables_now(sync_under_test), 0);
	fake_advance(fake, 30000);
	assert_int_equal(sync_find_tables_now(sync_under_test), -EAGAIN);
	ask_find();
	tell("");
	/* But once everything is due, this is. */
	sync_expire(sync_under_test);
	fake_run(fake);
	assert_int_equal(sync_find_tables_now(sync_under_test), -EAGAIN);
}

static void a_failure_ends_the_wait_and_is_not_repeated_at_once(void **state)
{
	(void)state;
	fixture_start();
	struct ask *ask = ask_find();
	tell(NULL);
	assert_ended(ask, 0);
	assert_int_equal(sync_find_tables_now(sync_under_test), 0);
	fake_advance(fake, TTL_MS);
	find_err = -EAGAIN; /* no thread is to be had */
	assert_ended(ask_find(), 0);
	assert_int_equal(finds, 2);
}

static void what_is_not_there_is_asked_for_once_in_an_hour(void **state)
{
	(void)state;
	fixture_start();
	ask_find();
	tell("p/gone");
	confirm("gone", false);
	sent();
	for (int i = 0; i < 3; i++) {
		fake_advance(fake, TTL_MS);
		struct ask *ask = ask_find();
		tell("p/gone");
		assert_ended(ask, 0);
	}
	assert_int_equal(sent(), 0);
	fake_advance(fake, INT64_C(60) * 60 * 1000);
	ask_find();
	tell("p/gone");
	confirm("gone", true);
	fake_run(fake);
	assert_true(is_shown("gone", TABLE_TOLD));
}

static void of_other_projects_a_few_names_are_asked_for(void **state)
{
	(void)state;
	fixture_start();
	struct ask *ask = ask_find();
	tell("p/a1 p/a2 p/a3 p/a4 p/a5 q/posts");
	confirm("a1", false);
	confirm("a2", false);
	confirm("a3", false);
	fake_run(fake);
	assert_ended(ask, 0);
	assert_int_equal(sent(), 3);
}

static void who_waits_can_be_interrupted(void **state)
{
	(void)state;
	fixture_start();
	struct ask *ask = ask_find(), *other = ask_find();
	sync_interrupt(sync_under_test, ask->op.id);
	fake_run(fake);
	assert_ended(ask, -EINTR);
	tell("p/orders");
	assert_waits(other);
	confirm("orders", true);
	fake_run(fake);
	assert_ended(other, 0);
}

static void an_end_in_the_middle_ends_the_wait(void **state)
{
	(void)state;
	fixture_start();
	struct ask *ask = ask_find();
	tell("p/orders p/more");
	fixture_stop();
	assert_ended(ask, -EIO);
}

#define DISCOVERY(name)                                                        \
	cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    DISCOVERY(who_looks_waits_for_what_is_told_and_there),
	    DISCOVERY(without_a_login_nobody_waits),
	    DISCOVERY(it_is_asked_for_again_after_ttl_and_not_before),
	    DISCOVERY(however_short_ttl_is_it_is_not_asked_for_at_once),
	    DISCOVERY(a_failure_ends_the_wait_and_is_not_repeated_at_once),
	    DISCOVERY(what_is_not_there_is_asked_for_once_in_an_hour),
	    DISCOVERY(of_other_projects_a_few_names_are_asked_for),
	    DISCOVERY(who_waits_can_be_interrupted),
	    DISCOVERY(an_end_in_the_middle_ends_the_wait),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
