/*
 * Ages go by the clock that nobody sets and that counts sleep: whatever the
 * wall clock says, and however long CLOCK_MONOTONIC stood still, what is
 * believed is believed as long as was promised, and no longer.
 */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "lister-fixture.h"
#include "stream-fixture.h"

#include "base/timestamp.h"

#define HOUR_MS INT64_C(3600000)
#define DAY_MS (24 * HOUR_MS)

/* How long the machine slept, by the true clock. */
static int64_t asleep_ms;

/* Where the wall clock is set to, against what is right. */
static const int64_t steps_ms[] = {-3650 * DAY_MS, -DAY_MS, -HOUR_MS, -TTL_MS,
    TTL_MS, HOUR_MS, DAY_MS, 3650 * DAY_MS};

/* ---- all clocks there are ---- */

int __wrap_clock_gettime(clockid_t id, struct timespec *ret);
int __real_clock_gettime(clockid_t id, struct timespec *ret);
time_t __wrap_time(time_t *ret);

int __wrap_clock_gettime(clockid_t id, struct timespec *ret)
{
	if (!fake)
		return __real_clock_gettime(id, ret);
	int64_t ms = fake_now(fake);
	if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)
		ms = service_now_ms() + wall_ahead_ms;
	else if (id != CLOCK_BOOTTIME)
		ms -= asleep_ms;
	ret->tv_sec = (time_t)(ms / 1000);
	ret->tv_nsec = (long)(ms % 1000) * 1000000;
	return 0;
}

time_t __wrap_time(time_t *ret)
{
	struct timespec now;
	__wrap_clock_gettime(CLOCK_REALTIME, &now);
	if (ret)
		*ret = now.tv_sec;
	return now.tv_sec;
}

static void sleep_for(int64_t ms)
{
	asleep_ms += ms;
	fake_advance(fake, ms);
}

static int setup(void **state)
{
	asleep_ms = 0;
	int r = fixture_setup(state);
	service.limit_max = 100;
	service.heeds_times = true;
	service.tells_date = true;
	return r;
}

static void begin_again(void **state)
{
	assert_int_equal(fixture_teardown(state), 0);
	assert_int_equal(setup(state), 0);
}

/* ---- the clock itself ---- */

static void the_clock_of_ages_counts_sleep_and_has_no_steps(void **state)
{
	(void)state;
	fixture_start();
	int64_t before = timestamp_mono_ms();
	for (size_t i = 0; i < ARRAY_SIZE(steps_ms); i++) {
		wall_ahead_ms = steps_ms[i];
		assert_int_equal(timestamp_mono_ms(), before);
	}
	sleep_for(HOUR_MS);
	assert_int_equal(timestamp_mono_ms(), before + HOUR_MS);
}

/* ---- listings ---- */

static void a_listing_is_believed_for_ttl(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(steps_ms); i++) {
		service_fill(20);
		fixture_start();
		assert_lists(names_from_to(1, 20));
		wall_ahead_ms = steps_ms[i];
		service_change(7);
		sent();
		fake_advance(fake, TTL_MS / 2);
		assert_lists(names_from_to(1, 20));
		assert_int_equal(sent(), 0);
		sleep_for(TTL_MS / 2 + 1);
		assert_is_all_and_fresh();
		begin_again(state);
	}
	fixture_start();
}

/* A check takes no longer than one tick of the clock, here. */
static void without_a_ttl_nothing_is_asked_for_twice(void **state)
{
	(void)state;
	settings.ttl_ms = 0;
	service_fill(20);
	fixture_start();
	assert_lists(names_from_to(1, 20));
	for (int i = 0; i < 3; i++) {
		sleep_for(HOUR_MS);
		sent();
		assert_lists(names_from_to(1, 20));
		assert_int_equal(sent(), 1);
	}
	service_change(7);
	assert_is_all_and_fresh();
}

static void a_clock_that_is_set_while_a_listing_is_made_hides_nothing(
    void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(steps_ms); i++) {
		service_fill(350);
		fixture_start();
		struct ask *open = ask_open(posts);
		serve(request(SPEC_LINE));
		serve(request(PAGE_LINE(1)));
		wall_ahead_ms = steps_ms[i];
		service_change(7);
		serve_all();
		assert_ended(open, 0);
		struct ask *wait = ask_for_all(open);
		serve_all();
		assert_ended(wait, 0);
		fake_advance(fake, TTL_MS - 1);
		sleep_for(2);
		assert_is_all_and_fresh();
		begin_again(state);
	}
	fixture_start();
}

/* How many requests a check takes: a page as well, or not. */
static size_t requests_of_a_check(int64_t after_ms, int64_t step_ms)
{
	fake_advance(fake, after_ms);
	wall_ahead_ms += step_ms;
	sent();
	assert_lists(names_from_to(1, 250));
	return sent();
}

static void pages_are_believed_for_a_day(void **state)
{
	(void)state;
	service_fill(250);
	fixture_start();
	assert_lists(names_from_to(1, 250));
	assert_int_equal(requests_of_a_check(HOUR_MS, 2 * DAY_MS), 1);
	assert_int_equal(requests_of_a_check(HOUR_MS, -3 * DAY_MS), 1);
	assert_int_equal(requests_of_a_check(23 * HOUR_MS, 0), 2);
	assert_int_equal(requests_of_a_check(HOUR_MS, 2 * DAY_MS), 1);
	assert_int_equal(requests_of_a_check(24 * HOUR_MS, -DAY_MS), 2);
	/* Between mounts the wall clock is the only one that goes on. Where it
	 * cannot tell, they are too old. */
	fixture_stop();
	fixture_start();
	assert_int_equal(requests_of_a_check(HOUR_MS, 0), 1);
	assert_int_equal(requests_of_a_check(24 * HOUR_MS, -DAY_MS), 2);
	fixture_stop();
	wall_ahead_ms -= 2 * DAY_MS;
	fixture_start();
	assert_int_equal(requests_of_a_check(HOUR_MS, 0), 2);
	assert_int_equal(requests_of_a_check(HOUR_MS, 0), 1);
}

/* ---- names ---- */

static void a_name_is_believed_for_ttl(void **state)
{
	static const char name[] = "r0003.json", none[] = "r0099.json";
	struct node node;
	int64_t since;
	for (size_t i = 0; i < ARRAY_SIZE(steps_ms); i++) {
		service_fill(5);
		fixture_start();
		struct ask *lookup = ask_lookup(posts, name);
		struct ask *missing = ask_lookup(posts, none);
		serve_all();
		assert_ended(lookup, 0);
		assert_ended(missing, -ENOENT);
		wall_ahead_ms = steps_ms[i];
		fake_advance(fake, TTL_MS / 2);
		assert_int_equal(sync_lookup_now(sync_under_test, posts, name,
				     &node, &since),
		    0);
		sleep_for(TTL_MS / 2);
		assert_int_equal(sync_lookup_now(sync_under_test, posts, name,
				     &node, &since),
		    -EAGAIN);
		begin_again(state);
	}
	fixture_start();
}

static void a_missing_table_is_believed_for_ttl(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(steps_ms); i++) {
		fixture_start();
		struct ask *lookup = ask_lookup(NODE_ROOT, "orders");
		ANSWER(request("GET /v1/data/orders?page=1"), .status = 404,
		    .body = "{\"error\":{\"code\":\"data/table-not-found\"}}");
		assert_ended(lookup, -ENOENT);
		wall_ahead_ms = steps_ms[i];
		fake_advance(fake, TTL_MS / 2);
		assert_ended(ask_lookup(NODE_ROOT, "orders"), -ENOENT);
		sleep_for(TTL_MS / 2);
		lookup = ask_lookup(NODE_ROOT, "orders");
		serve(request("GET /v1/data/orders?page=1"));
		assert_ended(lookup, 0);
		begin_again(state);
	}
	fixture_start();
}

/* ---- signed URLs ---- */

/* A file that nobody reads for longer is let go of, with its URL. */
#define URL_LASTS_MS 10000

/* Read from a URL whose server's clock is ahead of the true one by so much. */
static int64_t read_by_url(int64_t server_ahead_ms, bool tells_date)
{
	char body[256], expires[TIMESTAMP_SIZE];
	int64_t now = service_now_ms() + server_ahead_ms;
	int64_t node = stored_file("209715200");
	struct ask *read = ask_read(node, 0, 4096);
	snprintf(body, sizeof(body),
	    "{\"url\":\"" STORE "9\",\"expiresAt\":\"%s\"}",
	    timestamp_format(now + URL_LASTS_MS, expires));
	ANSWER(request(URL_LINE), .status = 200, .body = body,
	    .date_ms = tells_date ? now : 0);
	serve_range(request(GET_LINE "9"), 200 * MIB, ETAG);
	assert_bytes(read, 0, 4096);
	return node;
}

static void assert_url_serves(int64_t node, int64_t offset)
{
	struct ask *read = ask_read(node, (uint64_t)offset, 4096);
	assert_null(fake_find(fake, URL_LINE));
	serve_range(request(GET_LINE "9"), 200 * MIB, ETAG);
	assert_bytes(read, offset, 4096);
}

static void assert_url_is_over(int64_t node, int64_t offset)
{
	struct ask *read = ask_read(node, (uint64_t)offset, 4096);
	assert_null(fake_find(fake, GET_LINE));
	give_url();
	serve_range(request(GET_LINE "1"), 200 * MIB, ETAG);
	assert_bytes(read, offset, 4096);
}

/* Our clock is set right or wrong, before or meanwhile: it does not matter. */
static void a_url_is_used_as_long_as_its_server_says(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(steps_ms); i++) {
		for (int meanwhile = 0; meanwhile < 2; meanwhile++) {
			wall_ahead_ms = meanwhile ? 0 : steps_ms[i];
			int64_t node = read_by_url(0, true);
			wall_ahead_ms = steps_ms[i];
			assert_url_serves(node, 50 * MIB);
			fake_advance(fake, URL_LASTS_MS / 2);
			assert_url_serves(node, 100 * MIB);
			sleep_for(URL_LASTS_MS / 2);
			assert_url_is_over(node, 150 * MIB);
			begin_again(state);
		}
	}
	fixture_start();
}

static void a_url_lasts_by_the_clock_of_who_signed_it(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(steps_ms); i++) {
		int64_t node = read_by_url(steps_ms[i], true);
		fake_advance(fake, URL_LASTS_MS / 2);
		assert_url_serves(node, 100 * MIB);
		fake_advance(fake, URL_LASTS_MS / 2);
		assert_url_is_over(node, 150 * MIB);
		begin_again(state);
	}
	fixture_start();
}

/* Then ours, as it is when the answer comes. */
static void without_a_date_a_url_lasts_by_our_clock_at_its_answer(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(steps_ms); i++) {
		int64_t node = read_by_url(0, false);
		wall_ahead_ms = steps_ms[i];
		fake_advance(fake, URL_LASTS_MS / 2);
		assert_url_serves(node, 100 * MIB);
		fake_advance(fake, URL_LASTS_MS / 2);
		assert_url_is_over(node, 150 * MIB);
		begin_again(state);
	}
	fixture_start();
}

#undef TEST
#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(the_clock_of_ages_counts_sleep_and_has_no_steps),
	    TEST(a_listing_is_believed_for_ttl),
	    TEST(without_a_ttl_nothing_is_asked_for_twice),
	    TEST(a_clock_that_is_set_while_a_listing_is_made_hides_nothing),
	    TEST(pages_are_believed_for_a_day),
	    TEST(a_name_is_believed_for_ttl),
	    TEST(a_missing_table_is_believed_for_ttl),
	    TEST(a_url_is_used_as_long_as_its_server_says),
	    TEST(a_url_lasts_by_the_clock_of_who_signed_it),
	    TEST(without_a_date_a_url_lasts_by_our_clock_at_its_answer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
