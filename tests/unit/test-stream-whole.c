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

static void a_wrong_claim_is_found_out_without_ranges_too(void **state)
{
	(void)state;
	int64_t node = stored_file("1000");
	char *data = bytes(0, 3000);
	struct ask *read = ask_read(node, 0, 4096);
	give_url();
	ANSWER(request(GET_LINE), .status = 200, .body = data, .len = 3000);
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
	    TEST(a_wrong_claim_is_found_out_without_ranges_too),
	    TEST(a_whole_body_cut_short_begins_again),
	    TEST(an_empty_object_is_told_by_its_range),
	    TEST(an_empty_object_that_tells_nothing_is_asked_for_whole),
	    TEST(a_claimed_object_that_is_empty_fails_one_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
