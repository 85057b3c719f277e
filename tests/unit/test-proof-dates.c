/* Dates in all their forms, records without any, and clocks that are set. */
#include "unit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/timestamp.h"
#include "lister-fixture.h"

#define DAY_MS INT64_C(86400000)

static int setup(void **state)
{
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

/* ---- forms ---- */

/* "2026-04-13" and "09:30:00.123" out of the usual form. */
static void split(int64_t ms, char day[16], char time[16])
{
	char text[TIMESTAMP_SIZE];
	timestamp_format(ms, text);
	snprintf(day, 16, "%.10s", text);
	snprintf(time, 16, "%.12s", text + 11);
}

static void with_a_space(struct buf *out, int64_t ms)
{
	char day[16], time[16];
	split(ms, day, time);
	buf_printf(out, "\"%s %sZ\"", day, time);
}

static void with_hours_of_a_zone(struct buf *out, int64_t ms)
{
	char day[16], time[16];
	split(ms + 2 * 3600000, day, time);
	buf_printf(out, "\"%s %s+02\"", day, time);
}

static void in_lower_case(struct buf *out, int64_t ms)
{
	char day[16], time[16];
	split(ms, day, time);
	buf_printf(out, "\"%st%sz\"", day, time);
}

static void without_a_zone(struct buf *out, int64_t ms)
{
	char day[16], time[16];
	split(ms, day, time);
	buf_printf(out, "\"%sT%s\"", day, time);
}

static void as_seconds(struct buf *out, int64_t ms)
{
	buf_printf(out, "%" PRId64 ".%03" PRId64, ms / 1000, ms % 1000);
}

static void as_milliseconds(struct buf *out, int64_t ms)
{
	buf_printf(out, "%" PRId64, ms);
}

static void as_an_object(struct buf *out, int64_t ms)
{
	char text[TIMESTAMP_SIZE];
	buf_printf(out, "{\"$date\":\"%s\"}", timestamp_format(ms, text));
}

static void as_an_object_of_milliseconds(struct buf *out, int64_t ms)
{
	buf_printf(out, "{\"$date\":%" PRId64 "}", ms);
}

static void long_ago(struct buf *out, int64_t ms)
{
	char text[TIMESTAMP_SIZE];
	buf_printf(out, "\"%s\"", timestamp_format(ms - 36500 * DAY_MS, text));
}

static void (*const forms[])(struct buf *, int64_t) = {with_a_space,
    with_hours_of_a_zone, in_lower_case, without_a_zone, as_seconds,
    as_milliseconds, as_an_object, as_an_object_of_milliseconds, long_ago};

/* A copy by date and size misses what changes neither. */
static void a_change_of_equal_length_has_another_date(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		service.write_date = forms[i];
		int64_t earlier = forms[i] == long_ago ? 36500 * DAY_MS : 0;
		service_fill(20);
		fixture_start();
		assert_lists(names_from_to(1, 20));
		go_stale();
		struct node before = node_of("r0003.json");
		service_change(3);
		assert_lists(names_from_to(1, 20));
		struct node after = node_of("r0003.json");
		assert_int_equal(after.size, before.size);
		assert_true(after.mtime_ms > before.mtime_ms);
		assert_int_equal(
		    after.mtime_ms, service_updated_ms(3) - earlier);
		begin_again(state);
	}
	fixture_start();
}

/* ---- servers that compare the texts of dates ---- */

/* With a T, as all are that are not of a whole second. */
static void some_with_a_space(struct buf *out, int64_t ms)
{
	char text[TIMESTAMP_SIZE];
	if (ms % 1000 == 0)
		with_a_space(out, ms);
	else
		buf_printf(out, "\"%s\"", timestamp_format(ms, text));
}

static bool has_version(const char *name, const char *version)
{
	struct buf text;
	buf_init(&text, BUF_MAX_DEFAULT);
	assert_int_equal(replica_text(replica, node_of(name).id, &text), 0);
	bool has = strstr(buf_str(&text), version) != NULL;
	buf_done(&text);
	return has;
}

static void change_at(int id, int64_t ms)
{
	service_change(id);
	service.changed_ms[id] = ms;
}

/* The one that changed stands behind one that is older, and is filtered out. */
static void where_forms_are_several_all_is_listed_anew(void **state)
{
	(void)state;
	service.compares_texts = true;
	service.write_date = some_with_a_space;
	service_fill(20);
	change_at(5, WALL_BEGIN_MS - 3600000 + 1);
	change_at(6, WALL_BEGIN_MS - 7200000);
	fixture_start();
	assert_lists(names_from_to(1, 20));
	go_stale();
	change_at(3, WALL_BEGIN_MS + 60000);
	assert_lists(names_from_to(1, 20));
	assert_true(has_version("r0003.json", "\"v\":1"));
	/* Such a listing is not believed the next time, either. */
	go_stale();
	change_at(4, WALL_BEGIN_MS + 120000);
	assert_lists(names_from_to(1, 20));
	assert_true(has_version("r0004.json", "\"v\":1"));
}

static void some_as_texts(struct buf *out, int64_t ms)
{
	char text[TIMESTAMP_SIZE];
	if (ms % 1000 == 0)
		as_milliseconds(out, ms);
	else
		buf_printf(out, "\"%s\"", timestamp_format(ms, text));
}

/* The first text among numbers, with which a bound is not compared. */
static void where_another_form_comes_all_is_listed_anew(void **state)
{
	(void)state;
	service.compares_texts = true;
	service.write_date = some_as_texts;
	service_fill(20);
	for (int id = 1; id <= 20; id++)
		service.changed_ms[id] = WALL_BEGIN_MS - 3600000 + id * 1000;
	fixture_start();
	assert_lists(names_from_to(1, 20));
	go_stale();
	change_at(3, WALL_BEGIN_MS + 60000);
	change_at(4, WALL_BEGIN_MS + 30001);
	assert_lists(names_from_to(1, 20));
	assert_true(has_version("r0003.json", "\"v\":1"));
	assert_true(has_version("r0004.json", "\"v\":1"));
}

/* Each is later, and only one stands behind the bound in another form. */
static void what_changed_is_asked_for_in_the_form_of_its_dates(void **state)
{
	static void (*const texts[])(struct buf *, int64_t) = {
	    with_a_space, with_hours_of_a_zone, in_lower_case, without_a_zone};
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		service.compares_texts = true;
		service.write_date = texts[i];
		service_fill(250);
		change_at(5, WALL_BEGIN_MS - 3600000);
		fixture_start();
		assert_lists(names_from_to(1, 250));
		go_stale();
		change_at(3, WALL_BEGIN_MS + 60000);
		change_at(4, WALL_BEGIN_MS + DAY_MS);
		assert_lists(names_from_to(1, 250));
		assert_true(has_version("r0003.json", "\"v\":1"));
		assert_true(has_version("r0004.json", "\"v\":1"));
		/* A check, a look, and the spec. */
		assert_in_range(sent(), 2, 5);
		begin_again(state);
	}
	fixture_start();
}

static void a_check_costs_one_request_whatever_the_form(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		service.write_date = forms[i];
		service_fill(250);
		fixture_start();
		assert_lists(names_from_to(1, 250));
		for (int check = 0; check < 3; check++) {
			go_stale();
			assert_lists(names_from_to(1, 250));
			assert_int_equal(sent(), 1);
		}
		begin_again(state);
	}
	fixture_start();
}

static void an_early_year_is_asked_for_with_four_digits(void **state)
{
	(void)state;
	static const char year[] = "0999-01-02T03:04:05.678Z";
	int64_t ms = 0;
	char text[TIMESTAMP_SIZE];
	assert_int_equal(timestamp_parse(TEXT(year), &ms), 0);
	assert_string_equal(timestamp_format(ms, text), year);
	service_fill(20);
	for (int id = 1; id <= 20; id++)
		service.created_ms[id] = ms + id;
	fixture_start();
	assert_lists(names_from_to(1, 20));
	go_stale();
	service_create(21);
	service.created_ms[21] = ms + 5000;
	assert_is_all_and_fresh();
	bool asked = false;
	for (size_t i = 0; i < fake_count(fake); i++)
		asked = asked ||
			strstr(fake_line(fake_call(fake, i)), "%220999-01-02T");
	assert_true(asked);
	fixture_stop();
	fixture_start();
}

/* ---- none ---- */

static void assert_version(const char *name, const char *version)
{
	struct buf text;
	buf_init(&text, BUF_MAX_DEFAULT);
	assert_int_equal(replica_text(replica, node_of(name).id, &text), 0);
	assert_non_null(strstr(buf_str(&text), version));
	buf_done(&text);
}

static void one_record_without_a_date_is_known_by_its_text(void **state)
{
	(void)state;
	service_fill(60);
	service.dateless[50] = true;
	fixture_start();
	assert_lists(names_from_to(1, 60));
	go_stale();
	assert_lists(names_from_to(1, 60));
	assert_in_range(sent(), 1, 3);
	/* Its text is what it is known by. */
	go_stale();
	service.versions[50]++;
	assert_lists(names_from_to(1, 60));
	assert_version("r0050.json", "\"v\":1");
	/* As are its coming, */
	go_stale();
	service_create(61);
	service.dateless[61] = true;
	assert_lists(names_from_to(1, 61));
	/* and its going. */
	go_stale();
	service_delete(50);
	assert_int_equal(list_all(posts, names, sizeof(names)), 0);
	assert_int_equal(times_in(names, 50), 0);
	assert_each_once(names, 51, 61);
}

static void one_record_without_a_date_costs_no_whole_listing(void **state)
{
	(void)state;
	service_fill(1000);
	service.dateless[500] = true;
	fixture_start();
	assert_lists(names_from_to(1, 1000));
	go_stale();
	assert_lists(names_from_to(1, 1000));
	assert_in_range(sent(), 1, 3);
	/* Its text is what it is known by. */
	go_stale();
	service.versions[500]++;
	assert_lists(names_from_to(1, 1000));
	assert_version("r0500.json", "\"v\":1");
	/* As are its coming, */
	go_stale();
	service_create(1001);
	service.dateless[1001] = true;
	assert_lists(names_from_to(1, 1001));
	/* and its going. */
	go_stale();
	service_delete(500);
	assert_int_equal(list_all(posts, names, sizeof(names)), 0);
	assert_int_equal(times_in(names, 500), 0);
	assert_each_once(names, 501, 1001);
}

/* All changes that one of few records can see. */
static void change_each_way(int changes, int goes, int comes)
{
	go_stale();
	service_change(changes);
	char version[32];
	snprintf(
	    version, sizeof(version), "\"v\":%d", service.versions[changes]);
	char name[32];
	snprintf(name, sizeof(name), "r%04d.json", changes);
	assert_int_equal(list_all(posts, names, sizeof(names)), 0);
	assert_version(name, version);
	go_stale();
	service_delete(goes);
	service_create(comes);
	assert_int_equal(list_all(posts, names, sizeof(names)), 0);
	assert_int_equal(times_in(names, goes), 0);
	assert_int_equal(times_in(names, comes), 1);
}

static void lack_an_update(int id)
{
	service.undated[id] = true;
}

static void lack_all_dates(int id)
{
	service.dateless[id] = true;
}

static void all_lack_dates(int id)
{
	(void)id;
	for (size_t i = 0; i < SERVED_MAX; i++)
		service.dateless[i] = true;
}

static void (*const lacks[])(int id) = {
    lack_an_update, lack_all_dates, all_lack_dates};

static void few_records_cost_one_request_whatever_they_lack(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(lacks); i++) {
		service_fill(60);
		lacks[i](50);
		fixture_start();
		assert_lists(names_from_to(1, 60));
		go_stale();
		assert_lists(names_from_to(1, 60));
		assert_int_equal(sent(), 1);
		change_each_way(3, 4, 61);
		go_stale();
		assert_int_equal(list_all(posts, names, sizeof(names)), 0);
		assert_int_equal(sent(), 1);
		begin_again(state);
	}
	fixture_start();
}

/* A page that does not hold them all is asked for once. */
static void a_server_of_small_pages_is_asked_by_dates(void **state)
{
	(void)state;
	service.limit_max = 20;
	service_fill(60);
	service.undated[50] = true;
	fixture_start();
	assert_lists(names_from_to(1, 60));
	go_stale();
	assert_lists(names_from_to(1, 60));
	assert_int_equal(sent(), 3);
	go_stale();
	assert_lists(names_from_to(1, 60));
	assert_int_equal(sent(), 2);
}

static void no_date(struct buf *out, int64_t ms)
{
	(void)ms;
	buf_adds(out, "null");
}

static void nonsense(struct buf *out, int64_t ms)
{
	(void)ms;
	buf_adds(out, "\"yesterday\"");
}

static void texts_are_compared_where_no_date_can_be_read(void **state)
{
	static void (*const none[])(struct buf *, int64_t) = {
	    no_date, nonsense};
	for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
		service.write_date = none[i];
		service_fill(20);
		fixture_start();
		assert_lists(names_from_to(1, 20));
		go_stale();
		service.versions[3]++;
		assert_lists(names_from_to(1, 20));
		assert_version("r0003.json", "\"v\":1");
		assert_version("r0004.json", "\"v\":0");
		go_stale();
		service_delete(9);
		assert_int_equal(list_all(posts, names, sizeof(names)), 0);
		assert_int_equal(times_in(names, 9), 0);
		begin_again(state);
	}
	fixture_start();
}

/* ---- clocks that are set ---- */

static void a_clock_set_back_during_a_listing_lengthens_nothing(void **state)
{
	for (int when = 0; when < 3; when++) {
		service.limit_max = 5;
		service_fill(20);
		wall_ahead_ms = DAY_MS;
		fixture_start();
		if (when == 0)
			wall_ahead_ms = 0;
		struct ask *open = ask_open(posts);
		serve_all();
		if (when == 1)
			wall_ahead_ms = 0;
		struct ask *wait = ask_for_all(open);
		serve_all();
		assert_ended(wait, 0);
		if (when == 2)
			wall_ahead_ms = 0;
		go_stale();
		service_delete(3);
		service_create(21);
		assert_is_all_and_fresh();
		assert_ended(ask_lookup(posts, "r0003.json"), -ENOENT);
		begin_again(state);
	}
	fixture_start();
}

static void a_record_read_alone_by_a_wrong_clock_is_asked_for_again(
    void **state)
{
	(void)state;
	service_fill(20);
	wall_ahead_ms = DAY_MS;
	fixture_start();
	struct ask *lookup = ask_lookup(posts, "r0003.json");
	serve_all();
	assert_ended(lookup, 0);
	wall_ahead_ms = 0;
	service_delete(3);
	go_stale();
	lookup = ask_lookup(posts, "r0003.json");
	serve_all();
	assert_ended(lookup, -ENOENT);
	assert_true(sent() > 0);
	assert_is_all_and_fresh();
	/* Also over an unmount. */
	wall_ahead_ms = DAY_MS;
	lookup = ask_lookup(posts, "r0004.json");
	serve_all();
	assert_ended(lookup, 0);
	fixture_stop();
	wall_ahead_ms = 0;
	service_delete(4);
	fixture_start();
	go_stale();
	lookup = ask_lookup(posts, "r0004.json");
	serve_all();
	assert_ended(lookup, -ENOENT);
}

static void a_record_read_alone_by_a_wrong_clock_goes_with_the_listing(
    void **state)
{
	(void)state;
	service_fill(20);
	wall_ahead_ms = DAY_MS;
	fixture_start();
	struct ask *lookup = ask_lookup(posts, "r0003.json");
	serve_all();
	assert_ended(lookup, 0);
	wall_ahead_ms = 0;
	service_delete(3);
	go_stale();
	assert_is_all_and_fresh();
	fake_advance(fake, DAY_MS - TTL_MS); /* the time that it was then */
	lookup = ask_lookup(posts, "r0003.json");
	serve_all();
	assert_ended(lookup, -ENOENT);
}

static void a_clock_that_is_wrong_hides_no_change(void **state)
{
	static const int64_t steps[] = {-DAY_MS, -60000, 60000, DAY_MS};
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		/* Where the answers tell no time, ours is all there is:
		 * it may be wrong by minutes. */
		bool far = steps[i] > 300000 || steps[i] < -300000;
		for (int date = far; date < 2; date++) {
			service.tells_date = date;
			service.limit_max = 5;
			wall_ahead_ms = steps[i];
			service_fill(20);
			fixture_start();
			struct ask *open = ask_open(posts);
			serve_all();
			service_delete(1);
			service_create(21);
			wall_ahead_ms = 0;
			struct ask *wait = ask_for_all(open);
			serve_all();
			assert_ended(wait, 0);
			assert_each_once(
			    names_of(posts, &open->op.open_dir), 2, 20);
			go_stale();
			wall_ahead_ms = -steps[i];
			assert_is_all_and_fresh();
			begin_again(state);
		}
	}
	fixture_start();
}

#undef TEST
#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_change_of_equal_length_has_another_date),
	    TEST(a_check_costs_one_request_whatever_the_form),
	    TEST(where_forms_are_several_all_is_listed_anew),
	    TEST(where_another_form_comes_all_is_listed_anew),
	    TEST(what_changed_is_asked_for_in_the_form_of_its_dates),
	    TEST(an_early_year_is_asked_for_with_four_digits),
	    TEST(one_record_without_a_date_is_known_by_its_text),
	    TEST(one_record_without_a_date_costs_no_whole_listing),
	    TEST(few_records_cost_one_request_whatever_they_lack),
	    TEST(a_server_of_small_pages_is_asked_by_dates),
	    TEST(texts_are_compared_where_no_date_can_be_read),
	    TEST(a_clock_set_back_during_a_listing_lengthens_nothing),
	    TEST(a_record_read_alone_by_a_wrong_clock_is_asked_for_again),
	    TEST(a_record_read_alone_by_a_wrong_clock_goes_with_the_listing),
	    TEST(a_clock_that_is_wrong_hides_no_change),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
