/* Objects of which no answer is tied to another, or of which nothing tells an
 * end from a cut: only a whole is believed. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "stream-fixture.h"
#include "unit.h"

#define SIZE INT64_C(1000)

/* Version n's bytes; the caller frees them. */
static char *version(int n, int64_t size)
{
	char *data = bytes(0, size);
	for (int64_t i = 0; i < size; i++)
		data[i] = (char)(data[i] + n);
	return data;
}

static void assert_version(const struct ask *ask, int n, int64_t size)
{
	char *data = version(n, size);
	assert_ended(ask, 0);
	assert_int_equal(ask->op.got, size);
	assert_memory_equal(ask->data, data, (size_t)size);
	free(data);
}

/* How an answer 200 is made. */
struct how {
	int64_t cut; /* so many bytes of it; 0: all */
	bool told;   /* its length */
	bool by_close;
	int err;
	const char *etag;
};

static void serve_version(
    struct http_call *call, int n, int64_t size, struct how how)
{
	CLEANUP_FREE char *data = version(n, size);
	struct fake_answer answer = {.status = 200,
	    .body = data,
	    .len = (size_t)(how.cut ? how.cut : size),
	    .chunk = 100,
	    .length_told = how.told,
	    .by_close = how.by_close,
	    .etag = how.etag,
	    .err = how.err};
	fake_answer(call, &answer);
}

static struct ask *first_read(const char *claim)
{
	return ask_read(stored_file(claim), 0, SIZE);
}

/* Answers by close, cut or not, until the read is over. */
static void serve_by_close(struct ask *read, int64_t cut)
{
	for (int i = 0; i < 100 && !read->count; i++) {
		if (fake_open_count(fake) && !fake_find(fake, URL_LINE))
			serve_version(request(GET_LINE), 0, SIZE,
			    (struct how){.cut = cut, .by_close = true});
		else if (fake_open_count(fake))
			give_url();
		else
			assert_true(fake_advance_to_timer(fake));
	}
	assert_int_equal(read->count, 1);
}

/* ---- without a validator ---- */

static void a_restart_with_another_version_is_never_mixed(void **state)
{
	(void)state;
	int64_t node = stored_file("1000");
	struct ask *early = ask_read(node, 0, 100);
	struct ask *whole = ask_read(node, 0, SIZE);
	serve_version(next_request(), 1, SIZE,
	    (struct how){.cut = 600, .told = true, .err = -EPIPE});
	assert_waits(early); /* what came first may not be what comes then */
	serve_version(next_request(), 2, SIZE, (struct how){.told = true});
	assert_version(early, 2, 100);
	assert_version(whole, 2, SIZE);
	assert_true(current().proven);
}

static void a_part_of_a_version_unknown_is_not_believed(void **state)
{
	(void)state;
	static const char *const etags[] = {NULL, "W/\"1\""};
	for (size_t i = 0; i < ARRAY_SIZE(etags); i++) {
		int64_t size = 3 * MIB;
		int64_t node = stored_file("3145728");
		struct ask *read = ask_read(node, 0, SIZE);
		struct ask *last = ask_read(node, (uint64_t)size - 5, SIZE);
		assert_range(next_request(), 0, RANGE_FIRST - 1);
		serve_range(next_request(), size, etags[i]);
		struct http_call *call = next_request();
		assert_null(fake_header(call, "Range"));
		serve_version(call, 1, size,
		    (struct how){.told = true, .etag = etags[i]});
		assert_version(read, 1, SIZE);
		assert_int_equal(last->op.got, 5);
		assert_int_equal(fake_open_count(fake), 0);
		assert_int_equal(fixture_teardown(state), 0);
		assert_int_equal(fixture_setup(state), 0);
	}
	fixture_start();
}

static void a_range_that_is_all_of_it_is_taken_when_it_is_whole(void **state)
{
	(void)state;
	int64_t node = stored_file("1000");
	struct ask *early = ask_read(node, 0, 100);
	CLEANUP_FREE char *data = version(1, SIZE);
	struct fake_answer answer = {.status = 206,
	    .body = data,
	    .len = 400,
	    .range = true,
	    .range_end = SIZE - 1,
	    .range_total = SIZE,
	    .err = -EPIPE};
	fake_answer(next_request(), &answer);
	assert_waits(early);
	serve_version(next_request(), 2, SIZE, (struct how){.told = true});
	assert_version(early, 2, 100);
	assert_version(ask_read(node, 0, SIZE), 2, SIZE);
	/* A whole one is enough. */
	fixture_stop();
	assert_int_equal(fixture_teardown(state), 0);
	assert_int_equal(fixture_setup(state), 0);
	struct ask *read = first_read("1000");
	answer.len = (size_t)SIZE;
	answer.err = 0;
	fake_answer(next_request(), &answer);
	assert_version(read, 1, SIZE);
}

/* ---- a part that does not tell of how much ---- */

static void serve_untold(struct http_call *call, int64_t size)
{
	struct fake_answer answer = partial(call, size, ETAG);
	answer.range_total = -1;
	fake_answer(call, &answer);
	free((char *)answer.body);
}

/* The whole says where it ends. */
static void a_part_without_a_total_has_the_whole_asked_for(void **state)
{
	(void)state;
	struct ask *read = first_read("1000");
	serve_untold(next_request(), SIZE);
	assert_waits(read);
	struct http_call *call = next_request();
	assert_null(fake_header(call, "Range"));
	serve_version(call, 1, SIZE, (struct how){.told = true, .etag = ETAG});
	assert_version(read, 1, SIZE);
	assert_int_equal(fake_open_count(fake), 0);
	assert_true(current().proven);
}

/* Such as where one server of several does so. */
static void a_total_that_is_left_out_later_has_it_asked_for_too(void **state)
{
	(void)state;
	int64_t size = 3 * MIB, end = size - SIZE;
	int64_t node = stored_file("3145728");
	struct ask *first = ask_read(node, 0, SIZE);
	serve_range(next_request(), size, ETAG);
	assert_bytes(first, 0, SIZE);
	struct ask *last = ask_read(node, (uint64_t)end, SIZE);
	struct http_call *call = next_request();
	assert_non_null(fake_header(call, "Range"));
	serve_untold(call, size);
	assert_waits(last);
	call = next_request();
	assert_null(fake_header(call, "Range"));
	serve_version(call, 0, size, (struct how){.told = true, .etag = ETAG});
	assert_bytes(last, end, SIZE);
}

static void one_that_never_tells_is_eproto(void **state)
{
	(void)state;
	struct ask *read = first_read("1000");
	CLEANUP_FREE char *data = bytes(0, SIZE);
	struct fake_answer answer = {.status = 206,
	    .body = data,
	    .len = (size_t)SIZE,
	    .range = true,
	    .range_end = SIZE - 1,
	    .range_total = -1};
	fake_answer(next_request(), &answer);
	answer_to_the_end(read, &answer);
	assert_ended(read, -EPROTO);
}

/* A hash of what it was stands for its version. */
static void another_version_of_the_same_size_is_found_out_later(void **state)
{
	(void)state;
	int64_t node = stored_file("1000");
	struct ask *read = ask_read(node, 0, SIZE);
	serve_version(next_request(), 1, SIZE, (struct how){.told = true});
	assert_version(read, 1, SIZE);
	fixture_stop();
	fixture_start();
	read = ask_read(node, 500, 100);
	assert_null(fake_header(next_request(), "Range"));
	assert_null(fake_header(next_request(), "If-Range"));
	serve_version(next_request(), 1, SIZE, (struct how){.told = true});
	assert_ended(read, 0);
	fixture_stop();
	fixture_start();
	read = ask_read(node, 500, 100);
	serve_version(next_request(), 2, SIZE, (struct how){.told = true});
	serve_version(asked_again(read), 2, SIZE, (struct how){.told = true});
	assert_ended(read, -EIO);
	assert_int_equal(name_changes, 1);
	assert_true(current().id != node);
	read = ask_read(current().id, 0, SIZE);
	serve_version(next_request(), 2, SIZE, (struct how){.told = true});
	if (read->err) { /* its size was told to nobody yet */
		read = ask_read(current().id, 0, SIZE);
		serve_version(next_request(), 2, SIZE, (struct how){0});
	}
	assert_version(read, 2, SIZE);
}

/* Nobody wants gigabytes that are fetched on a guess. */
static void all_of_it_is_not_fetched_ahead(void **state)
{
	(void)state;
	int64_t node = stored_file("3145728");
	assert_int_equal(
	    streams_prefetch(sync_streams(sync_under_test), node), 0);
	serve_range(next_request(), 3 * MIB, NULL);
	assert_int_equal(fake_open_count(fake), 0);
	assert_int_equal(streams_count(sync_streams(sync_under_test)), 0);
	assert_string_equal(errors_text(), "");
	/* One who came meanwhile does. */
	assert_int_equal(
	    streams_prefetch(sync_streams(sync_under_test), node), 0);
	struct ask *read = ask_read(node, 0, SIZE);
	serve_range(next_request(), 3 * MIB, NULL);
	serve_version(next_request(), 1, 3 * MIB, (struct how){.told = true});
	assert_version(read, 1, SIZE);
}

static void one_that_is_always_cut_is_given_up(void **state)
{
	(void)state;
	struct ask *read = first_read("1000");
	for (int i = 0; i < 100 && !read->count; i++)
		serve_version(next_request(), i, SIZE,
		    (struct how){.cut = 600 + i, .told = true, .err = -EPIPE});
	assert_ended(read, -EIO);
	assert_in_range(sent(), 3, 20);
}

/* ---- without an end ---- */

static void a_cut_that_looks_like_an_end_is_no_object(void **state)
{
	(void)state;
	struct ask *read = first_read("1000");
	serve_by_close(read, 300);
	assert_ended(read, -EIO);
	assert_false(current().proven);
	/* Nor is it one the next time. */
	read = ask_read(current().id, 0, SIZE);
	serve_by_close(read, 300);
	assert_ended(read, -EIO);
	assert_false(current().proven);
	assert_non_null(strstr(errors_text(), "end before the object does"));
	/* What is as long as claimed is whole. */
	read = ask_read(current().id, 0, SIZE);
	serve_by_close(read, 0);
	assert_version(read, 0, SIZE);
}

static void a_cut_in_between_is_made_good(void **state)
{
	(void)state;
	struct ask *read = first_read("1000");
	serve_version(next_request(), 1, SIZE,
	    (struct how){.cut = 300, .by_close = true});
	assert_waits(read);
	serve_version(next_request(), 2, SIZE, (struct how){.by_close = true});
	assert_version(read, 2, SIZE);
}

static void where_nothing_is_claimed_two_must_be_the_same(void **state)
{
	(void)state;
	struct ask *read = first_read("null");
	serve_version(next_request(), 1, SIZE,
	    (struct how){.cut = 300, .by_close = true});
	serve_version(next_request(), 1, SIZE, (struct how){.by_close = true});
	assert_waits(read);
	serve_version(next_request(), 2, SIZE, (struct how){.by_close = true});
	assert_waits(read); /* of the same length, and another */
	serve_version(next_request(), 2, SIZE, (struct how){.by_close = true});
	assert_version(read, 2, SIZE);
	assert_int_equal(current().size, SIZE);
}

/* An empty one as well, and however long its answers take. */
static void an_empty_one_is_asked_for_twice(void **state)
{
	(void)state;
	struct ask *read = first_read("0");
	give_url();
	for (int i = 0; i < 2; i++) {
		struct http_call *call = next_request();
		fake_advance(fake, 2 * RETRY_MS);
		assert_waits(read);
		ANSWER(call, .status = 200, .by_close = true);
	}
	assert_ended(read, 0);
	assert_int_equal(read->op.got, 0);
	assert_true(current().proven);
}

/* An attempt that broke is no witness. */
static void one_that_broke_and_one_that_closed_are_not_the_same(void **state)
{
	(void)state;
	struct ask *read = first_read("null");
	serve_version(next_request(), 1, SIZE,
	    (struct how){.cut = 300, .by_close = true, .err = -EPIPE});
	serve_version(next_request(), 1, SIZE,
	    (struct how){.cut = 300, .by_close = true});
	assert_waits(read);
	serve_version(next_request(), 1, SIZE, (struct how){.by_close = true});
	serve_version(next_request(), 1, SIZE, (struct how){.by_close = true});
	assert_version(read, 1, SIZE);
}

/* No cut makes an object longer: the claim is false. */
static void more_than_claimed_is_believed_the_second_time(void **state)
{
	(void)state;
	struct ask *read = first_read("600");
	serve_version(next_request(), 1, SIZE, (struct how){.by_close = true});
	assert_waits(read);
	serve_version(next_request(), 1, SIZE, (struct how){.by_close = true});
	assert_ended(read, -EIO); /* as with every false claim */
	assert_int_equal(current().size, SIZE);
	assert_version(ask_read(current().id, 0, SIZE), 1, SIZE);
}

/* An earlier answer has told the length, and has the same ETag. */
static void an_earlier_answers_length_proves_an_end(void **state)
{
	(void)state;
	int64_t node = stored_file("null");
	struct ask *read = ask_read(node, 0, 100);
	CLEANUP_FREE char *data = version(0, 3 * MIB);
	struct fake_answer answer = partial(next_request(), 3 * MIB, ETAG);
	fake_answer(next_request(), &answer);
	free((char *)answer.body);
	assert_version(read, 0, 100);
	read = ask_read(node, (uint64_t)(2 * MIB), SIZE);
	struct ask *last = ask_read(node, (uint64_t)(3 * MIB - 5), 5);
	answer = (struct fake_answer){.status = 200,
	    .body = data,
	    .len = (size_t)(2 * MIB + 5000),
	    .by_close = true,
	    .etag = ETAG};
	fake_answer(next_request(), &answer);
	assert_bytes(read, 2 * MIB, SIZE);
	assert_waits(last);
	answer.len = (size_t)(3 * MIB);
	for (int i = 0; i < 9 && !last->count; i++)
		fake_answer(next_request(), &answer);
	assert_bytes(last, 3 * MIB - 5, 5);
}

/* A request without a Range that is refused for its Range is no loop. */
static void a_whole_that_is_refused_as_a_range_is_eproto(void **state)
{
	(void)state;
	struct ask *read = first_read("1000");
	ANSWER(next_request(), .status = 416);
	answer_to_the_end(read, &(struct fake_answer){.status = 416});
	assert_ended(read, -EPROTO);
}

static void a_whole_that_comes_as_a_part_is_eproto(void **state)
{
	(void)state;
	struct ask *read = first_read("3145728");
	serve_range(next_request(), 3 * MIB, NULL);
	const struct fake_answer part = {.status = 206,
	    .body = "x",
	    .range = true,
	    .range_end = 0,
	    .range_total = 3 * MIB};
	answer_to_the_end(read, &part);
	assert_ended(read, -EPROTO);
}

/* ---- where it is shorter than claimed ---- */

static void the_beginning_says_which_version_is_shorter(void **state)
{
	(void)state;
	int64_t node = stored_file("9000000");
	struct ask *read = ask_read(node, 8000000, 100);
	serve_range(next_request(), 3 * MIB, ETAG); /* 416 */
	assert_range(next_request(), 0, RANGE_SMALL - 1);
	serve_range(next_request(), 3 * MIB, ETAG);
	assert_ended(read, -EIO);
	assert_int_equal(current().size, 3 * MIB);
	read = ask_read(current().id, 2 * MIB, 100);
	assert_string_equal(fake_header(next_request(), "If-Range"), ETAG);
	serve_range(next_request(), 3 * MIB, ETAG);
	assert_bytes(read, 2 * MIB, 100);
}

/* ---- encodings ---- */

static void what_was_encoded_on_the_way_is_not_the_object(void **state)
{
	(void)state;
	static const struct {
		const char *claim;
		int64_t size;
		bool told;
		int err;
	} cases[] = {{"1000", SIZE, true, 0}, {"1000", 400, true, -EPROTO},
	    {"null", 400, true, -EPROTO}, {"null", 400, false, -EPROTO}};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ask *read = first_read(cases[i].claim);
		CLEANUP_FREE char *data = version(1, cases[i].size);
		struct fake_answer answer = {.status = 200,
		    .body = data,
		    .len = (size_t)cases[i].size,
		    .length_told = cases[i].told,
		    .etag = ETAG,
		    .encoded = true};
		answer_to_the_end(read, &answer);
		assert_ended(read, cases[i].err);
		assert_int_equal(fixture_teardown(state), 0);
		assert_int_equal(fixture_setup(state), 0);
	}
	fixture_start();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_restart_with_another_version_is_never_mixed),
	    TEST(a_part_of_a_version_unknown_is_not_believed),
	    TEST(a_range_that_is_all_of_it_is_taken_when_it_is_whole),
	    TEST(a_part_without_a_total_has_the_whole_asked_for),
	    TEST(a_total_that_is_left_out_later_has_it_asked_for_too),
	    TEST(one_that_never_tells_is_eproto),
	    TEST(another_version_of_the_same_size_is_found_out_later),
	    TEST(all_of_it_is_not_fetched_ahead),
	    TEST(one_that_is_always_cut_is_given_up),
	    TEST(a_cut_that_looks_like_an_end_is_no_object),
	    TEST(a_cut_in_between_is_made_good),
	    TEST(where_nothing_is_claimed_two_must_be_the_same),
	    TEST(an_empty_one_is_asked_for_twice),
	    TEST(one_that_broke_and_one_that_closed_are_not_the_same),
	    TEST(more_than_claimed_is_believed_the_second_time),
	    TEST(an_earlier_answers_length_proves_an_end),
	    TEST(a_whole_that_is_refused_as_a_range_is_eproto),
	    TEST(a_whole_that_comes_as_a_part_is_eproto),
	    TEST(the_beginning_says_which_version_is_shorter),
	    TEST(what_was_encoded_on_the_way_is_not_the_object),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
