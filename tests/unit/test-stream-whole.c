#include "unit.h"

#include <errno.h>
#include <stdlib.h>

#include "stream-fixture.h"

/* ---- stores that ignore ranges ---- */

static void a_store_without_ranges_is_read_in_one_go(void **state)
{
	(void)state;
	int64_t node = stored_file("3145728");
	struct ask *middle = ask_read(node, MIB, 4096);
	give_url();
	struct http_call *call = request(GET_LINE);
	char *data = bytes(0, 3 * MIB);
	/* What is there of it is served as it comes. */
	fake_begin_answer(call, &(struct fake_answer){.status = 200,
				    .body = data,
				    .len = (size_t)(2 * MIB),
				    .chunk = 65536,
				    .etag = ETAG});
	ANSWER(call, .status = 200, .body = data + 2 * MIB, .len = (size_t)MIB,
	    .chunk = 65536);
	assert_bytes(middle, MIB, 4096);
	sent();
	assert_bytes(ask_read(node, 0, 4096), 0, 4096);
	assert_bytes(ask_read(node, 3 * MIB - 100, 4096), 3 * MIB - 100, 100);
	assert_int_equal(sent(), 0);
	assert_true(current().proven);
	free(data);
}

/* Answer all that is asked with the whole object, whatever range it is. */
static void serve_whole(const char *data, int64_t size)
{
	while (fake_open_count(fake)) {
		if (fake_find(fake, URL_LINE))
			give_url();
		else
			ANSWER(fake_open(fake, 0), .status = 200, .body = data,
			    .len = (size_t)size, .length_told = true,
			    .etag = ETAG);
	}
}

static void a_store_without_ranges_is_asked_once(void **state)
{
	(void)state;
	int64_t size = 3 * MIB, step = 131072;
	int64_t node = stored_file("3145728");
	char *data = bytes(0, size);
	for (int64_t pos = 0; pos < size; pos += step) {
		struct ask *read = ask_read(node, (uint64_t)pos, (size_t)step);
		serve_whole(data, size);
		assert_bytes(read, pos, step);
	}
	free(data);
	assert_int_equal(sent(), 2); /* a URL, and the object */
}

static void a_told_length_lets_readers_go_on_early(void **state)
{
	(void)state;
	int64_t node = stored_file("1000");
	struct ask *first = ask_read(node, 100, 100);
	struct ask *last = ask_read(node, 900, 100);
	give_url();
	struct http_call *call = request(GET_LINE);
	char *data = bytes(0, 1000);
	/* The fake takes the length told from what it is given. */
	struct fake_answer answer = {.status = 200,
	    .body = data,
	    .len = 1000,
	    .chunk = 250,
	    .length_told = true};
	fake_answer(call, &answer);
	assert_bytes(first, 100, 100);
	assert_bytes(last, 900, 100);
	assert_int_equal(sent(), 2);
	free(data);
}

/* ---- what is not the object ---- */

/* A proxy's page, or what a cache kept of half a body, comes as a whole, too.
 */
static void what_came_once_in_another_size_is_not_the_object(void **state)
{
	static const struct fake_answer answers[] = {
	    {.status = 200, .body = "It works!", .length_told = true},
	    {.status = 200, .body = "It works!"},
	    {.status = 200, .body = "It works!", .by_close = true},
	    {.status = 200,
		.body = "It works!",
		.length_told = true,
		.etag = "\"page\""},
	    {.status = 200, .body = "", .length_told = true},
	    {.status = 200,
		.body = "",
		.length_told = true,
		.etag = "\"page\""},
	};
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		for (int ranges = 0; ranges < 2; ranges++) {
			struct ask *read =
			    ask_read(stored_file("1000"), 0, 1000);
			fake_answer(next_request(), &answers[i]);
			assert_waits(read);
			assert_int_equal(fake_open_count(fake), 0);
			char *data = bytes(0, 1000);
			struct http_call *call = next_request();
			int64_t first, last;
			if (ranges && range_of(call, &first, &last))
				serve_range(call, 1000, ETAG);
			else
				ANSWER(call, .status = 200, .body = data,
				    .len = 1000);
			assert_bytes(read, 0, 1000);
			assert_int_equal(name_changes, 0);
			assert_int_equal(current().size, 1000);
			free(data);
			assert_int_equal(fixture_teardown(state), 0);
			assert_int_equal(fixture_setup(state), 0);
		}
	}
	fixture_start();
}

/* However often it comes, a page is not the object, which can be read later. */
static void assert_refused(
    void **state, const char *claim, const struct fake_answer *page)
{
	struct ask *read = ask_read(stored_file(claim), 0, 1000);
	answer_to_the_end(read, page);
	assert_ended(read, -EPROTO);
	assert_non_null(strstr(errors_text(), "not what was asked"));
	assert_false(current().proven);
	read = ask_read(current().id, 0, 1000);
	serve_range(next_request(), 1000, ETAG);
	assert_bytes(read, 0, 1000);
	assert_int_equal(fixture_teardown(state), 0);
	assert_int_equal(fixture_setup(state), 0);
}

/* Also where nobody knows how long the object is. */
static void a_page_is_not_an_object_that_is_none(void **state)
{
	const struct fake_answer page = {.status = 200,
	    .body = "<html>back soon</html>",
	    .length_told = true,
	    .page = true};
	assert_refused(state, "1000", &page);
	assert_refused(state, "null", &page);
	fixture_start();
}

/* Nor where only its beginning tells. */
static void a_page_that_does_not_say_so_is_none_either(void **state)
{
	static const char *const etags[] = {NULL, "\"page\""};
	static const char *const pages[] = {"<html>login</html>",
	    " \r\n<!doctype html>\n<title>log in</title>"};
	for (size_t i = 0; i < 8; i++) {
		const struct fake_answer page = {.status = 200,
		    .body = pages[i & 1],
		    .length_told = i & 2,
		    .etag = etags[i >> 1 & 1]};
		assert_refused(state, i & 4 ? "1000" : "null", &page);
	}
	fixture_start();
}

/* Its first bytes say that it is none. */
static void a_size_is_told_before_all_has_come(void **state)
{
	(void)state;
	struct ask *measure = ask_measure(stored_file("null"));
	CLEANUP_FREE char *data = bytes(0, 1000);
	struct fake_answer answer = {.status = 200,
	    .body = data,
	    .len = 10,
	    .length_told = true,
	    .length = 1000,
	    .etag = ETAG};
	struct http_call *call = next_request();
	fake_begin_answer(call, &answer);
	assert_ended(measure, 0);
	assert_int_equal(measure->op.node.size, 1000);
	assert_true(fake_is_open(call));
	fake_break(call, -EPIPE);
}

static void one_as_long_as_claimed_is_the_object_though_it_is_a_page(
    void **state)
{
	(void)state;
	char *data = bytes(0, 1000);
	struct ask *read = ask_read(stored_file("1000"), 0, 1000);
	ANSWER(next_request(), .status = 200, .body = data, .len = 1000,
	    .length_told = true, .page = true);
	assert_bytes(read, 0, 1000);
	free(data);
}

static void a_wrong_claim_is_found_out_without_ranges_too(void **state)
{
	(void)state;
	int64_t node = stored_file("1000");
	char *data = bytes(0, 3000);
	struct ask *read = ask_read(node, 0, 4096);
	for (int i = 0; i < 2; i++) {
		assert_waits(read);
		ANSWER(
		    next_request(), .status = 200, .body = data, .len = 3000);
	}
	assert_ended(read, -EIO);
	assert_int_equal(name_changes, 1);
	assert_true(current().id > node);
	assert_int_equal(current().size, 3000);
	assert_bytes(ask_read(current().id, 0, 4096), 0, 3000);
	free(data);
}

static void a_whole_body_cut_short_begins_again(void **state)
{
	(void)state;
	int64_t node = stored_file("1000");
	char *data = bytes(0, 1000);
	struct ask *read = ask_read(node, 0, 1000);
	give_url();
	ANSWER(request(GET_LINE), .status = 200, .body = data, .len = 400,
	    .err = -EPIPE);
	assert_waits(read);
	while (!fake_open_count(fake))
		assert_true(fake_advance_to_timer(fake));
	ANSWER(request(GET_LINE), .status = 200, .body = data, .len = 1000);
	assert_bytes(read, 0, 1000);
	free(data);
}

/* ---- empty objects ---- */

static void an_empty_object_is_told_by_its_range(void **state)
{
	(void)state;
	int64_t node = stored_file("0");
	struct ask *measure = ask_measure(node);
	give_url();
	ANSWER(request(GET_LINE), .status = 416, .nowhere = true,
	    .range_total = 0);
	assert_ended(measure, 0);
	assert_int_equal(measure->op.node.size, 0);
	assert_true(measure->op.node.proven);
	struct ask *read = ask_read(node, 0, 100);
	fake_run(fake);
	assert_bytes(read, 0, 0);
	assert_int_equal(sent(), 2);
}

static void an_empty_object_that_tells_nothing_is_asked_for_whole(void **state)
{
	(void)state;
	int64_t node = stored_file("null");
	struct ask *measure = ask_measure(node);
	give_url();
	ANSWER(request(GET_LINE), .status = 416);
	assert_null(fake_header(request(GET_LINE), "Range"));
	ANSWER(request(GET_LINE), .status = 200);
	assert_ended(measure, 0);
	assert_int_equal(measure->op.node.size, 0);
}

static void a_claimed_object_that_is_empty_fails_one_read(void **state)
{
	(void)state;
	int64_t node = stored_file("1000");
	struct ask *read = ask_read(node, 0, 100);
	give_url();
	ANSWER(request(GET_LINE), .status = 416, .nowhere = true,
	    .range_total = 0);
	assert_ended(read, -EIO);
	assert_int_equal(current().size, 0);
	read = ask_read(current().id, 0, 100);
	fake_run(fake);
	assert_bytes(read, 0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_store_without_ranges_is_read_in_one_go),
	    TEST(a_store_without_ranges_is_asked_once),
	    TEST(a_told_length_lets_readers_go_on_early),
	    TEST(what_came_once_in_another_size_is_not_the_object),
	    TEST(a_page_is_not_an_object_that_is_none),
	    TEST(a_page_that_does_not_say_so_is_none_either),
	    TEST(a_size_is_told_before_all_has_come),
	    TEST(one_as_long_as_claimed_is_the_object_though_it_is_a_page),
	    TEST(a_wrong_claim_is_found_out_without_ranges_too),
	    TEST(a_whole_body_cut_short_begins_again),
	    TEST(an_empty_object_is_told_by_its_range),
	    TEST(an_empty_object_that_tells_nothing_is_asked_for_whole),
	    TEST(a_claimed_object_that_is_empty_fails_one_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
