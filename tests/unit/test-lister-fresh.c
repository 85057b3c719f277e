#include "unit.h"

#include <errno.h>

#include "lister-fixture.h"

/* ---- freshness ---- */

static void an_unchanged_listing_costs_one_request(void **state)
{
	(void)state;
	service_fill(5);
	fixture_start();
	assert_lists(names_from_to(1, 5));
	struct replica_listing before = listing();
	go_stale();
	struct ask *open = ask_open(posts);
	assert_waits(open);
	serve(request(PROBE_LINE));
	assert_ended(open, 0);
	assert_int_equal(sent(), 1);
	assert_int_equal(open->op.open_dir.base, before.base);
	assert_int_equal(open->op.open_dir.end, before.end);
	assert_true(listing().listed_ms > before.listed_ms);
	/* It is fresh again now. */
	fake_advance(fake, TTL_MS - 1000);
	assert_lists(names_from_to(1, 5));
	assert_int_equal(sent(), 0);
}

static void a_changed_listing_is_passed_over_again(void **state)
{
	(void)state;
	service_fill(5);
	fixture_start();
	assert_lists(names_from_to(1, 5));
	struct node second = node_of("r0002.json"),
		    third = node_of("r0003.json");
	go_stale();
	service.versions[3]++;
	assert_lists(names_from_to(1, 5));
	/* The service does not heed the filter for what changed. */
	assert_int_equal(sent(), 1 + 1 + 4);
	assert_int_equal(node_of("r0002.json").id, second.id);
	assert_true(node_of("r0003.json").id > third.id);
	struct node old;
	assert_int_equal(replica_get(replica, third.id, &old), 0);
	assert_false(old.live);
}

static void what_is_gone_is_gone_after_the_next_pass(void **state)
{
	(void)state;
	service_fill(5);
	fixture_start();
	assert_lists(names_from_to(1, 5));
	go_stale();
	service_delete(1);
	assert_lists(names_from_to(2, 5));
	struct node node;
	assert_int_equal(
	    replica_lookup(replica, posts, "r0001.json", &node), -ENOENT);
}

static void an_open_directory_keeps_what_it_began_with(void **state)
{
	(void)state;
	service_fill(5);
	fixture_start();
	assert_lists(names_from_to(1, 5));
	struct ask *open = ask_open(posts);
	go_stale();
	service_delete(1);
	service_create(6);
	assert_lists(names_from_to(2, 6));
	assert_string_equal(
	    names_of(posts, &open->op.open_dir), names_from_to(1, 5));
	/* Nobody needs it afterwards. */
	sync_dir_close(sync_under_test, &open->op.open_dir);
	go_stale();
	service_create(7);
	assert_lists(names_from_to(2, 7));
	assert_string_equal(names_of(posts, &open->op.open_dir), "");
}

static void a_probe_that_is_refused_fails_the_open(void **state)
{
	(void)state;
	service_fill(3);
	fixture_start();
	assert_lists(names_from_to(1, 3));
	go_stale();
	struct ask *open = ask_open(posts);
	ANSWER(request(PROBE_LINE), .status = 403);
	assert_ended(open, -EACCES);
	assert_int_equal(sent(), 1);
	/* And is asked again by the next one. */
	assert_lists(names_from_to(1, 3));
}

static void a_server_that_cannot_be_probed_is_passed_over(void **state)
{
	(void)state;
	service_fill(3);
	fixture_start();
	assert_lists(names_from_to(1, 3));
	go_stale();
	struct ask *open = ask_open(posts);
	ANSWER(request(PROBE_LINE), .status = 400);
	serve_all();
	assert_ended(open, 0);
	assert_lists(names_from_to(1, 3));
}

static void without_a_ttl_every_open_asks(void **state)
{
	(void)state;
	settings.ttl_ms = 0;
	service_fill(3);
	fixture_start();
	assert_lists(names_from_to(1, 3));
	sent();
	for (int i = 0; i < 3; i++) {
		assert_lists(names_from_to(1, 3));
		assert_int_equal(sent(), 1);
	}
	service_delete(2);
	assert_lists("r0001.json r0003.json");
}

static void everything_is_due_after_a_hangup(void **state)
{
	(void)state;
	service_fill(3);
	fixture_start();
	assert_lists(names_from_to(1, 3));
	sent();
	sync_expire(sync_under_test);
	fake_run(fake);
	assert_int_equal(sent(), 0);
	/* Nothing is believed: it is proven anew, from its first page. */
	assert_lists(names_from_to(1, 3));
	assert_int_equal(sent(), 3);
	assert_lists(names_from_to(1, 3));
	assert_int_equal(sent(), 0);
}

static void a_pass_that_began_before_a_hangup_is_not_believed(void **state)
{
	(void)state;
	service_fill(6);
	fixture_start();
	struct ask *before = ask_open(posts);
	serve_all(); /* r0001 and r0002 */
	service_delete(1);
	sync_expire(sync_under_test);
	fake_run(fake);
	struct ask *after = ask_open(posts);
	assert_waits(after);
	serve_all();
	assert_ended(after, 0);
	assert_int_equal(times_in(names_of(posts, &after->op.open_dir), 1), 0);
	assert_each_once(names_of(posts, &before->op.open_dir), 2, 6);
	assert_lists(names_from_to(2, 6));
}

static void a_listing_lasts_over_a_remount(void **state)
{
	(void)state;
	service_fill(5);
	fixture_start();
	assert_lists(names_from_to(1, 5));
	struct node first = node_of("r0001.json");
	sent();
	fixture_stop();
	fixture_start();
	assert_lists(names_from_to(1, 5));
	assert_int_equal(sent(), 1); /* checked at its first use */
	assert_lists(names_from_to(1, 5));
	assert_int_equal(sent(), 0);
	fixture_stop();
	fake_advance(fake, TTL_MS);
	fixture_start();
	assert_lists(names_from_to(1, 5));
	assert_int_equal(sent(), 1);
	assert_int_equal(node_of("r0001.json").id, first.id);
}

static void a_pass_that_was_cut_by_an_unmount_is_not_whole(void **state)
{
	(void)state;
	service_fill(6);
	fixture_start();
	struct ask *open = ask_open(posts);
	serve_all();
	assert_ended(open, 0);
	ask_wait(
	    posts, &open->op.open_dir, position(open->op.open_dir.base, 2));
	fixture_stop(); /* ends what waits */
	fixture_start();
	assert_int_equal(listing().end, 0);
	sent();
	assert_lists(names_from_to(1, 6));
	assert_int_equal(sent(), 4);
}

static void offline_answers_from_the_replica_alone(void **state)
{
	(void)state;
	service_fill(3);
	fixture_start();
	assert_lists(names_from_to(1, 3));
	fixture_stop();
	fake_advance(fake, TTL_MS * 1000);
	sent();
	fixture_start_offline();
	assert_lists(names_from_to(1, 3));
	assert_ended(ask_lookup(posts, "r0002.json"), 0);
	assert_ended(ask_lookup(posts, "r0009.json"), -ENOENT);
	assert_ended(ask_lookup(NODE_ROOT, "orders"), -ENODATA);
	assert_ended(ask_open(NODE_FILES), -ENODATA);
	assert_ended(ask_lookup(NODE_FILES, "x.json"), -ENODATA);
	assert_int_equal(sent(), 0);
}

/* ---- interrupts ---- */

static void an_operation_that_waits_can_be_interrupted(void **state)
{
	(void)state;
	service_fill(5);
	fixture_start();
	struct ask *first = ask_open(posts), *second = ask_open(posts);
	sync_interrupt(sync_under_test, first->op.id);
	fake_run(fake);
	assert_ended(first, -EINTR);
	assert_waits(second);
	assert_int_equal(fake_open_count(fake), 2);
	/* Nobody waits any more: nothing is asked any more. */
	sync_interrupt(sync_under_test, second->op.id);
	fake_run(fake);
	assert_ended(second, -EINTR);
	assert_int_equal(fake_open_count(fake), 0);
	/* Which spoils nothing. */
	assert_lists(names_from_to(1, 5));
}

static void an_interrupt_may_come_before_its_operation(void **state)
{
	(void)state;
	fixture_start();
	uint64_t next = sync_op_id(sync_under_test) + 1;
	sync_interrupt(sync_under_test, next);
	struct ask *open = ask_open(posts);
	assert_int_equal(open->op.id, next);
	assert_ended(open, -EINTR);
	assert_int_equal(sent(), 0);
}

static void an_interrupt_after_the_end_does_nothing(void **state)
{
	(void)state;
	service_fill(1);
	fixture_start();
	struct ask *open = ask_open(posts);
	serve_all();
	assert_ended(open, 0);
	sync_interrupt(sync_under_test, open->op.id);
	sync_interrupt(sync_under_test, 987654321);
	fake_run(fake);
	assert_ended(open, 0);
}

static void a_wait_and_a_probe_can_be_interrupted(void **state)
{
	(void)state;
	service_fill(6);
	fixture_start();
	struct ask *open = ask_open(posts);
	serve_all();
	struct ask *wait = ask_wait(
	    posts, &open->op.open_dir, end_of(open->op.open_dir.base, 1));
	sync_interrupt(sync_under_test, wait->op.id);
	fake_run(fake);
	assert_ended(wait, -EINTR);
	assert_int_equal(fake_open_count(fake), 0);
	assert_string_equal(
	    names_of(posts, &open->op.open_dir), names_from_to(1, 2));
	assert_lists(names_from_to(1, 6));
	go_stale();
	struct ask *again = ask_open(posts);
	request(PROBE_LINE);
	sync_interrupt(sync_under_test, again->op.id);
	fake_run(fake);
	assert_ended(again, -EINTR);
	assert_int_equal(fake_open_count(fake), 0);
	assert_lists(names_from_to(1, 6));
}

static void a_rate_limited_wait_ends_at_once(void **state)
{
	(void)state;
	fixture_start();
	struct ask *open = ask_open(posts);
	ANSWER(request(SPEC_LINE), .status = 429, .retry_after_ms = 3600000);
	ANSWER(request(FIRST_PAGE), .status = 429, .retry_after_ms = 3600000);
	assert_waits(open);
	sync_interrupt(sync_under_test, open->op.id);
	fake_run(fake);
	assert_ended(open, -EINTR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(an_unchanged_listing_costs_one_request),
	    TEST(a_changed_listing_is_passed_over_again),
	    TEST(what_is_gone_is_gone_after_the_next_pass),
	    TEST(an_open_directory_keeps_what_it_began_with),
	    TEST(a_probe_that_is_refused_fails_the_open),
	    TEST(a_server_that_cannot_be_probed_is_passed_over),
	    TEST(without_a_ttl_every_open_asks),
	    TEST(everything_is_due_after_a_hangup),
	    TEST(a_pass_that_began_before_a_hangup_is_not_believed),
	    TEST(a_listing_lasts_over_a_remount),
	    TEST(a_pass_that_was_cut_by_an_unmount_is_not_whole),
	    TEST(offline_answers_from_the_replica_alone),
	    TEST(an_operation_that_waits_can_be_interrupted),
	    TEST(an_interrupt_may_come_before_its_operation),
	    TEST(an_interrupt_after_the_end_does_nothing),
	    TEST(a_wait_and_a_probe_can_be_interrupted),
	    TEST(a_rate_limited_wait_ends_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
