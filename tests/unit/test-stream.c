#include "unit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/timestamp.h"
#include "sync-fixture.h"

#define MIB (INT64_C(1) << 20)
#define URL_LINE "POST /v1/files/f1/download-url"
#define STORE "https://s.test/f1?sig="
#define GET_LINE "GET " STORE
#define NAME "f1_a.bin"
#define ETAG "\"one\""

/* ---- the object store ---- */

static unsigned char byte_at(int64_t pos)
{
	return (unsigned char)(pos * 7 + (pos >> 8) * 13 + 3);
}

static char *bytes(int64_t first, int64_t len)
{
	char *data = malloc((size_t)len + 1);
	assert_non_null(data);
	for (int64_t i = 0; i < len; i++)
		data[i] = (char)byte_at(first + i);
	return data;
}

static void assert_range(struct http_call *call, int64_t first, int64_t last)
{
	char expected[64];
	snprintf(expected, sizeof(expected), "bytes=%" PRId64 "-%" PRId64,
	    first, last);
	assert_non_null(fake_header(call, "Range"));
	assert_string_equal(fake_header(call, "Range"), expected);
}

/* What a range of an object of so many bytes is answered with; the caller
 * frees its body. */
static struct fake_answer partial(
    struct http_call *call, int64_t size, const char *etag)
{
	int64_t first = 0, last = 0;
	const char *range = fake_header(call, "Range");
	assert_non_null(range);
	assert_int_equal(
	    sscanf(range, "bytes=%" SCNd64 "-%" SCNd64, &first, &last), 2);
	if (last >= size)
		last = size - 1;
	if (first >= size)
		return (struct fake_answer){
		    .status = 416, .nowhere = true, .range_total = size};
	return (struct fake_answer){.status = 206,
	    .body = bytes(first, last - first + 1),
	    .len = (size_t)(last - first + 1),
	    .chunk = 100000,
	    .length_told = true,
	    .range = true,
	    .range_start = first,
	    .range_end = last,
	    .range_total = size,
	    .etag = etag};
}

static void serve_range(struct http_call *call, int64_t size, const char *etag)
{
	struct fake_answer answer = partial(call, size, etag);
	fake_answer(call, &answer);
	free((char *)answer.body);
}

static int serial;

static void give_url(void)
{
	char body[128];
	snprintf(body, sizeof(body),
	    "{\"url\":\"" STORE "%d\",\"filename\":\"a.bin\"}", ++serial);
	ANSWER(request(URL_LINE), .status = 200, .body = body);
}

/* Serve URLs and ranges until nothing is asked for. */
static void serve_store(int64_t size)
{
	fake_run(fake);
	while (fake_open_count(fake)) {
		struct http_call *call = fake_open(fake, 0);
		if (strcmp(fake_line(call), URL_LINE) == 0)
			give_url();
		else
			serve_range(call, size, ETAG);
	}
}

/* ---- the object ---- */

static struct node current(void)
{
	struct node node = {0};
	assert_int_equal(replica_lookup(replica, NODE_STORAGE, NAME, &node), 0);
	return node;
}

/* Mount, and look up the stored file, whose metadata claim that size. */
static int64_t stored_file(const char *claim)
{
	char body[256];
	serial = 0;
	fixture_start();
	struct ask *lookup = ask_lookup(NODE_STORAGE, NAME);
	snprintf(body, sizeof(body),
	    "{\"id\":\"f1\",\"originalName\":\"a.bin\",\"size\":%s}", claim);
	ANSWER(request("GET /v1/files/f1"), .status = 200, .body = body);
	assert_ended(lookup, 0);
	sent();
	return lookup->op.node.id;
}

static void assert_bytes(const struct ask *ask, int64_t offset, int64_t len)
{
	assert_ended(ask, 0);
	assert_int_equal(ask->op.got, len);
	char *expected = bytes(offset, len);
	assert_memory_equal(ask->data, expected, (size_t)len);
	free(expected);
}

/* ---- ranges ---- */

static void a_read_is_answered_by_a_range(void **state)
{
	(void)state;
	int64_t node = stored_file("1000");
	struct ask *read = ask_read(node, 0, 4096);
	give_url();
	struct http_call *call = request(GET_LINE "1");
	assert_range(call, 0, 999);
	assert_int_equal(fake_header_count(call), 1); /* and nothing else */
	assert_waits(read);
	serve_range(call, 1000, ETAG);
	assert_bytes(read, 0, 1000);
	assert_int_equal(sent(), 2);
	assert_int_equal(size_changes, 0);
	assert_true(current().proven);
	assert_int_equal(current().size, 1000);
	assert_int_equal(current().id, node);
}

static void a_read_at_the_end_gets_nothing(void **state)
{
	(void)state;
	int64_t node = stored_file("1000");
	ask_read(node, 0, 500);
	serve_store(1000);
	sent();
	assert_bytes(ask_read(node, 500, 4096), 500, 500);
	struct ask *read = ask_read(node, 1000, 4096);
	serve_store(1000);
	assert_bytes(read, 1000, 0);
	read = ask_read(node, 999999, 1);
	serve_store(1000);
	assert_bytes(read, 999999, 0);
}

static void reads_within_a_range_wait_only_for_their_bytes(void **state)
{
	(void)state;
	int64_t node = stored_file("1000");
	struct ask *first = ask_read(node, 0, 100);
	struct ask *last = ask_read(node, 900, 100);
	struct ask *same = ask_read(node, 0, 100);
	give_url();
	struct http_call *call = request(GET_LINE "1");
	char *data = bytes(0, 1000);
	fake_begin_answer(call, &(struct fake_answer){.status = 206,
				    .body = data,
				    .len = 500,
				    .range = true,
				    .range_start = 0,
				    .range_end = 999,
				    .range_total = 1000});
	assert_bytes(first, 0, 100);
	assert_bytes(same, 0, 100);
	assert_waits(last);
	assert_int_equal(sent(), 2); /* one URL, one range, for all three */
	ANSWER(call, .status = 206, .body = data + 500, .len = 500);
	assert_bytes(last, 900, 100);
	free(data);
}

static void a_size_is_measured_with_one_small_range(void **state)
{
	(void)state;
	static const char *const claims[] = {"null", "0", "-1"};
	for (size_t i = 0; i < ARRAY_SIZE(claims); i++) {
		int64_t node = stored_file(claims[i]);
		struct node shown = current();
		assert_false(sync_size_is_known(sync_under_test, &shown));
		struct ask *measure = ask_measure(node);
		struct ask *second = ask_measure(node);
		give_url();
		assert_range(request(GET_LINE), 0, RANGE_SMALL / 2 - 1);
		serve_range(request(GET_LINE), 3000, ETAG);
		assert_ended(measure, 0);
		assert_ended(second, 0);
		assert_int_equal(measure->op.node.size, 3000);
		assert_true(measure->op.node.proven);
		assert_int_equal(measure->op.node.id, node);
		assert_int_equal(sent(), 2);
		shown = current();
		assert_true(sync_size_is_known(sync_under_test, &shown));
		/* What came with it is not asked for again. */
		assert_bytes(ask_read(node, 0, 4096), 0, 3000);
		assert_ended(ask_measure(node), 0);
		assert_int_equal(sent(), 0);
		void *unused = NULL;
		assert_int_equal(fixture_teardown(&unused), 0);
		assert_int_equal(fixture_setup(&unused), 0);
	}
	fixture_start();
}

static void a_claim_is_believed_unless_told_to_verify(void **state)
{
	(void)state;
	stored_file("1000");
	struct node node = current();
	assert_true(sync_size_is_known(sync_under_test, &node));
	fixture_stop();
	settings.verify_sizes = true;
	fixture_start();
	assert_false(sync_size_is_known(sync_under_test, &node));
	node.proven = true;
	assert_true(sync_size_is_known(sync_under_test, &node));
}

static void a_wrong_claim_fails_one_read_and_is_right_then(void **state)
{
	(void)state;
	static const char *const claims[] = {"1000", "5000"};
	for (size_t i = 0; i < ARRAY_SIZE(claims); i++) {
		int64_t node = stored_file(claims[i]);
		struct ask *read = ask_read(node, 0, 4096);
		serve_store(3000);
		assert_ended(read, -EIO);
		assert_int_equal(size_changes, 1);
		assert_int_equal(size_changed_node, node);
		assert_int_equal(current().id, node);
		assert_int_equal(current().size, 3000);
		char expected[128];
		snprintf(expected, sizeof(expected),
		    "the size was given as %s, but the object has 3000 bytes",
		    claims[i]);
		assert_non_null(strstr(errors_text(), expected));
		assert_non_null(strstr(errors_text(), "\tstorage/" NAME "\t"));
		assert_null(strstr(errors_text(), "sig="));
		read = ask_read(node, 0, 4096);
		serve_store(3000);
		assert_bytes(read, 0, 3000);
		assert_int_equal(size_changes, 1);
		void *unused = NULL;
		assert_int_equal(fixture_teardown(&unused), 0);
		assert_int_equal(fixture_setup(&unused), 0);
	}
	fixture_start();
}

static void an_object_of_many_ranges_comes_whole(void **state)
{
	(void)state;
	int64_t size = 9 * MIB + 12345, step = 131072;
	int64_t node = stored_file("9449529");
	for (int64_t pos = 0; pos < size; pos += step) {
		struct ask *read = ask_read(node, (uint64_t)pos, (size_t)step);
		serve_store(size);
		assert_bytes(read, pos, size - pos < step ? size - pos : step);
	}
	/* Each byte was asked for once. */
	int64_t asked = 0;
	for (size_t i = 0; i < fake_count(fake); i++) {
		struct http_call *call = fake_call(fake, i);
		int64_t first, last;
		const char *range = fake_header(call, "Range");
		if (range && sscanf(range, "bytes=%" SCNd64 "-%" SCNd64, &first,
				 &last) == 2)
			asked += last - first + 1;
	}
	assert_int_equal(asked, size);
	/* Handed out once, it is not kept. */
	assert_true(TAILQ_EMPTY(&sync_under_test->streams));
}

static void reads_here_and_there_stay_small(void **state)
{
	(void)state;
	int64_t size = 200 * MIB;
	int64_t node = stored_file("209715200");
	static const int64_t places[] = {150 * MIB, 30 * MIB, 90 * MIB};
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		struct ask *read = ask_read(node, (uint64_t)places[i], 4096);
		if (i == 0)
			give_url();
		assert_int_equal(fake_open_count(fake), 1);
		assert_range(
		    request(GET_LINE), places[i], places[i] + RANGE_SMALL - 1);
		serve_range(request(GET_LINE), size, ETAG);
		assert_bytes(read, places[i], 4096);
	}
}

static int64_t bytes_held(void)
{
	struct stream *stream;
	struct range *range;
	int64_t held = 0;
	TAILQ_FOREACH (stream, &sync_under_test->streams, link) {
		TAILQ_FOREACH (range, &stream->ranges, link)
			held += range->len;
	}
	return held;
}

static void a_reader_that_waits_gets_more_at_once_but_bounded(void **state)
{
	(void)state;
	int64_t size = 1000 * MIB, step = 131072;
	int64_t node = stored_file("1048576000");
	size_t most = 0;
	for (int64_t pos = 0; pos < 80 * MIB; pos += step) {
		struct ask *read = ask_read(node, (uint64_t)pos, (size_t)step);
		if (fake_find(fake, URL_LINE))
			give_url();
		size_t open = fake_open_count(fake);
		most = open > most ? open : most;
		assert_true(open <= 16);
		assert_true(bytes_held() <=
			    AHEAD_MAX + RANGE_LARGEST * 2 + BEHIND_KEPT);
		/* A slow store: nothing comes before it is waited for. */
		while (!read->count)
			serve_range(fake_open(fake, 0), size, ETAG);
		assert_bytes(read, pos, step);
	}
	assert_true(most >= 4);
	serve_store(size);
}

/* ---- another object under the same name ---- */

static void assert_changed(int64_t old)
{
	struct node node = {0};
	assert_int_equal(name_changes, 1);
	assert_string_equal(name_changed_name, NAME);
	assert_true(current().id > old);
	assert_int_equal(current().size, -1);
	assert_int_equal(replica_get(replica, old, &node), 0);
	assert_true(node.spoiled);
	assert_non_null(
	    strstr(errors_text(), "the object changed while it was read"));
	/* Never again a byte of the old one. */
	assert_ended(ask_read(old, 0, 10), -EIO);
	int64_t fresh = current().id;
	struct ask *measure = ask_measure(fresh);
	serve_store(77);
	assert_ended(measure, 0);
	assert_int_equal(measure->op.node.size, 77);
	assert_bytes(ask_read(fresh, 0, 100), 0, 77);
}

/* Read the beginning of an object of 3 MiB, then ask for more. */
static struct ask *read_begun(int64_t *ret_node)
{
	int64_t node = stored_file("3145728");
	struct ask *read = ask_read(node, 0, 4096);
	give_url();
	serve_range(request(GET_LINE), 3 * MIB, ETAG);
	assert_bytes(read, 0, 4096);
	read = ask_read(node, 2 * MIB, 4096);
	assert_string_equal(fake_header(request(GET_LINE), "If-Range"), ETAG);
	*ret_node = node;
	return read;
}

static void another_etag_is_eio_and_a_new_node(void **state)
{
	(void)state;
	int64_t node;
	struct ask *read = read_begun(&node);
	serve_range(request(GET_LINE), 3 * MIB, "\"two\"");
	assert_ended(read, -EIO);
	assert_changed(node);
}

static void another_size_is_eio_and_a_new_node(void **state)
{
	(void)state;
	int64_t node;
	struct ask *read = read_begun(&node);
	serve_range(request(GET_LINE), 3 * MIB + 1, ETAG);
	assert_ended(read, -EIO);
	assert_changed(node);
}

static void a_whole_new_object_for_a_range_is_eio_and_a_new_node(void **state)
{
	(void)state;
	int64_t node;
	struct ask *read = read_begun(&node);
	/* What If-Range makes of it. */
	ANSWER(request(GET_LINE), .status = 200, .body = "new",
	    .length_told = true, .etag = "\"two\"");
	assert_ended(read, -EIO);
	assert_changed(node);
}

static void the_first_etag_lasts_over_a_remount(void **state)
{
	(void)state;
	int64_t node = stored_file("3145728");
	struct ask *read = ask_read(node, 0, 4096);
	give_url();
	serve_range(request(GET_LINE), 3 * MIB, ETAG);
	assert_bytes(read, 0, 4096);
	fixture_stop();
	fixture_start();
	read = ask_read(node, MIB, 4096);
	give_url();
	assert_string_equal(fake_header(request(GET_LINE), "If-Range"), ETAG);
	serve_range(request(GET_LINE), 3 * MIB, "\"two\"");
	assert_ended(read, -EIO);
	assert_changed(node);
}

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
	assert_int_equal(size_changes, 1);
	assert_int_equal(current().size, 3000);
	read = ask_read(node, 0, 4096);
	if (fake_find(fake, GET_LINE))
		ANSWER(request(GET_LINE), .status = 200, .body = data,
		    .len = 3000);
	assert_bytes(read, 0, 3000);
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
	read = ask_read(node, 0, 100);
	fake_run(fake);
	assert_bytes(read, 0, 0);
}

/* ---- URLs ---- */

static void a_refused_url_is_renewed(void **state)
{
	(void)state;
	int64_t node = stored_file("1000");
	struct ask *read = ask_read(node, 0, 1000);
	give_url();
	ANSWER(request(GET_LINE "1"), .status = 403, .body = "<Error/>");
	give_url();
	assert_range(request(GET_LINE "2"), 0, 999);
	serve_range(request(GET_LINE "2"), 1000, ETAG);
	assert_bytes(read, 0, 1000);
	assert_int_equal(sent(), 4);
	assert_string_equal(errors_text(), "");
}

static void fresh_urls_that_are_refused_are_final(void **state)
{
	(void)state;
	static const struct {
		int status, err;
	} cases[] = {{403, -EACCES}, {401, -EACCES}, {404, -ENOENT}};
	int64_t node = stored_file("1000");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ask *read = ask_read(node, 0, 1000);
		while (!read->count) {
			assert_true(sent() < 8);
			if (fake_find(fake, URL_LINE))
				give_url();
			else
				ANSWER(request(GET_LINE),
				    .status = cases[i].status);
		}
		assert_ended(read, cases[i].err);
	}
	assert_non_null(
	    strstr(errors_text(), "the object store refuses a fresh URL"));
	assert_null(strstr(errors_text(), "sig="));
}

static void an_expired_url_is_not_sent(void **state)
{
	(void)state;
	char body[256], expires[TIMESTAMP_SIZE];
	int64_t node = stored_file("209715200");
	struct ask *read = ask_read(node, 0, 4096);
	snprintf(body, sizeof(body),
	    "{\"url\":\"" STORE "9\",\"expiresAt\":\"%s\"}",
	    timestamp_format(timestamp_now_ms() + 8000, expires));
	ANSWER(request(URL_LINE), .status = 200, .body = body);
	serve_range(request(GET_LINE "9"), 200 * MIB, ETAG);
	assert_bytes(read, 0, 4096);
	/* While it is valid, it serves further ranges. */
	fake_advance(fake, 1000);
	read = ask_read(node, 100 * MIB, 4096);
	serve_range(request(GET_LINE "9"), 200 * MIB, ETAG);
	assert_bytes(read, 100 * MIB, 4096);
	fake_advance(fake, 7000);
	sent();
	read = ask_read(node, 150 * MIB, 4096);
	assert_null(fake_find(fake, GET_LINE));
	give_url();
	serve_range(request(GET_LINE "1"), 200 * MIB, ETAG);
	assert_bytes(read, 150 * MIB, 4096);
	assert_int_equal(sent(), 2);
}

static void a_url_that_seems_expired_from_the_start_is_tried(void **state)
{
	(void)state;
	int64_t node = stored_file("1000");
	struct ask *read = ask_read(node, 0, 1000);
	ANSWER(request(URL_LINE), .status = 200,
	    .body = "{\"url\":\"" STORE "1\","
		    "\"expiresAt\":\"2001-01-01T00:00:00.000Z\"}");
	serve_range(request(GET_LINE), 1000, ETAG);
	assert_bytes(read, 0, 1000);
}

static void a_url_that_is_not_to_be_followed_is_eproto(void **state)
{
	(void)state;
	static const char *const urls[] = {"file:///etc/passwd",
	    "ftp://s.test/o?sig=1", "http://s.test/o?sig=1", "//s.test/o"};
	int64_t node = stored_file("1000");
	for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
		char body[128];
		struct ask *read = ask_read(node, 0, 1000);
		snprintf(body, sizeof(body), "{\"url\":\"%s\"}", urls[i]);
		ANSWER(request(URL_LINE), .status = 200, .body = body);
		assert_ended(read, -EPROTO);
		assert_int_equal(fake_open_count(fake), 0);
	}
	assert_null(strstr(errors_text(), "sig="));
	assert_null(strstr(errors_text(), "passwd"));
}

static void what_the_service_refuses_is_told(void **state)
{
	(void)state;
	static const struct {
		int status, err;
	} cases[] = {{403, -EACCES}, {404, -ENOENT}, {400, -EPROTO}};
	int64_t node = stored_file("1000");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ask *read = ask_read(node, 0, 1000);
		struct ask *measure = ask_measure(node);
		ANSWER(request(URL_LINE), .status = cases[i].status);
		assert_ended(read, cases[i].err);
		assert_ended(measure, cases[i].err);
	}
}

/* ---- broken transfers ---- */

static void a_body_cut_short_goes_on_at_its_byte(void **state)
{
	(void)state;
	int64_t node = stored_file("1000");
	struct ask *read = ask_read(node, 0, 1000);
	give_url();
	struct fake_answer answer = partial(request(GET_LINE), 1000, ETAG);
	answer.len = 400;
	answer.err = -EPIPE;
	fake_answer(request(GET_LINE), &answer);
	free((char *)answer.body);
	assert_waits(read);
	assert_int_equal(fake_open_count(fake), 0);
	fake_advance(fake, 200);
	struct http_call *call = request(GET_LINE "1");
	assert_range(call, 400, 999);
	assert_string_equal(fake_header(call, "If-Range"), ETAG);
	serve_range(call, 1000, ETAG);
	assert_bytes(read, 0, 1000);
	assert_int_equal(sent(), 3);
}

static void a_range_that_ends_early_goes_on_at_once(void **state)
{
	(void)state;
	int64_t node = stored_file("1000");
	struct ask *read = ask_read(node, 0, 1000);
	give_url();
	char *data = bytes(0, 300);
	ANSWER(request(GET_LINE), .status = 206, .body = data, .len = 300,
	    .range = true, .range_start = 0, .range_end = 299,
	    .range_total = 1000, .etag = ETAG);
	free(data);
	assert_range(request(GET_LINE), 300, 999);
	serve_range(request(GET_LINE), 1000, ETAG);
	assert_bytes(read, 0, 1000);
}

static void a_failing_store_is_tried_again(void **state)
{
	(void)state;
	static const int statuses[] = {500, 502, 503, 504, 429, 408};
	int64_t node = stored_file("1000");
	struct ask *read = ask_read(node, 0, 1000);
	give_url();
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
		ANSWER(request(GET_LINE), .status = statuses[i],
		    .body = "<Error>try again</Error>");
		assert_waits(read);
		while (!fake_open_count(fake))
			assert_true(fake_advance_to_timer(fake));
	}
	serve_range(request(GET_LINE "1"), 1000, ETAG);
	assert_bytes(read, 0, 1000);
}

static void retry_after_of_a_store_is_heeded(void **state)
{
	(void)state;
	int64_t node = stored_file("1000");
	struct ask *read = ask_read(node, 0, 1000);
	give_url();
	ANSWER(
	    request(GET_LINE), .status = 429, .retry_after_ms = RETRY_MS * 2);
	fake_advance(fake, RETRY_MS * 2 - 1);
	assert_null(fake_find(fake, GET_LINE));
	fake_advance(fake, 1);
	serve_range(request(GET_LINE), 1000, ETAG);
	assert_bytes(read, 0, 1000);
}

/* Break, or answer with status, whatever is asked until the read is over. */
static int64_t persist(struct ask *read, int err, int status)
{
	int64_t begin = fake_now(fake);
	while (!read->count) {
		if (fake_find(fake, URL_LINE))
			give_url();
		else if (!fake_open_count(fake))
			assert_true(fake_advance_to_timer(fake));
		else if (err)
			fake_break(fake_open(fake, 0), err);
		else
			ANSWER(fake_open(fake, 0), .status = status);
	}
	return fake_now(fake) - begin;
}

static void a_store_that_keeps_failing_has_its_errno(void **state)
{
	(void)state;
	static const struct {
		int broken, status, err;
	} cases[] = {{0, 503, -EIO}, {-EPIPE, 0, -EIO},
	    {-ECONNREFUSED, 0, -ENETUNREACH}, {-EHOSTUNREACH, 0, -ENETUNREACH},
	    {-ETIMEDOUT, 0, -ETIMEDOUT}};
	int64_t node = stored_file("1000");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ask *read = ask_read(node, 0, 1000);
		int64_t took = persist(read, cases[i].broken, cases[i].status);
		assert_ended(read, cases[i].err);
		assert_in_range(took, RETRY_MS, RETRY_MS + 100);
	}
	assert_null(strstr(errors_text(), "sig="));
}

static void patience_is_counted_from_the_last_byte(void **state)
{
	(void)state;
	int64_t node = stored_file("1000");
	struct ask *read = ask_read(node, 0, 1000);
	give_url();
	/* A byte now and then is progress, however long it takes. */
	for (int i = 0; i < 100; i++) {
		struct fake_answer answer =
		    partial(request(GET_LINE), 1000, ETAG);
		answer.len = 10;
		answer.err = -EPIPE;
		fake_answer(request(GET_LINE), &answer);
		free((char *)answer.body);
		if (i == 99)
			break;
		fake_advance(fake, RETRY_MS / 2);
		assert_range(request(GET_LINE), (i + 1) * 10, 999);
	}
	/* Everything is there, though the last transfer broke as well. */
	while (!read->count)
		assert_true(fake_advance_to_timer(fake));
	assert_bytes(read, 0, 1000);
}

static void an_answer_that_was_not_asked_for_is_eproto(void **state)
{
	(void)state;
	char *data = bytes(0, 2000);
	const struct fake_answer answers[] = {
	    /* no Content-Range, or another one */
	    {.status = 206, .body = data, .len = 1000},
	    {.status = 206,
		.body = data,
		.len = 1000,
		.range = true,
		.range_start = 10,
		.range_end = 1009,
		.range_total = 2000},
	    {.status = 206,
		.body = data,
		.len = 1000,
		.range = true,
		.range_start = 0,
		.range_end = 999,
		.range_total = -1},
	    {.status = 206,
		.body = data,
		.len = 1000,
		.range = true,
		.range_start = 0,
		.range_end = 999,
		.range_total = 500},
	    /* more bytes than that */
	    {.status = 206,
		.body = data,
		.len = 1001,
		.range = true,
		.range_start = 0,
		.range_end = 999,
		.range_total = 1000},
	};
	int64_t node = stored_file("1000");
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		struct ask *read = ask_read(node, 0, 1000);
		give_url();
		fake_answer(request(GET_LINE), &answers[i]);
		assert_ended(read, -EPROTO);
		assert_int_equal(fake_open_count(fake), 0);
	}
	free(data);
}

static void a_measure_beside_a_read_that_fails_is_told_the_truth(void **state)
{
	(void)state;
	int64_t node = stored_file("1000");
	struct ask *read = ask_read(node, 0, 100);
	struct ask *measure = ask_measure(node);
	serve_store(3000);
	assert_ended(read, -EIO);
	assert_ended(measure, 0);
	assert_int_equal(measure->op.node.size, 3000);
}

static void a_resumed_range_that_is_refused_is_no_short_read(void **state)
{
	(void)state;
	static const int64_t totals[] = {1000, 300, 400, 0};
	for (size_t i = 0; i < ARRAY_SIZE(totals); i++) {
		int64_t node = stored_file("1000");
		struct ask *read = ask_read(node, 0, 1000);
		give_url();
		struct fake_answer answer =
		    partial(request(GET_LINE), 1000, ETAG);
		answer.len = 400;
		answer.err = -EPIPE;
		fake_answer(request(GET_LINE), &answer);
		free((char *)answer.body);
		fake_advance(fake, 200);
		ANSWER(request(GET_LINE), .status = 416, .nowhere = true,
		    .range_total = totals[i]);
		fake_advance(fake, RETRY_MS);
		assert_int_equal(read->count, 1);
		assert_true(read->err == -EPROTO || read->err == -EIO);
		void *unused = NULL;
		assert_int_equal(fixture_teardown(&unused), 0);
		assert_int_equal(fixture_setup(&unused), 0);
	}
	fixture_start();
}

static void a_whole_body_that_begins_again_is_never_mixed(void **state)
{
	(void)state;
	int64_t node = stored_file("1000");
	char *data = bytes(0, 1000), other[1000];
	struct ask *read = ask_read(node, 500, 100);
	give_url();
	ANSWER(request(GET_LINE), .status = 200, .body = data, .len = 550,
	    .err = -EPIPE, .etag = ETAG);
	fake_advance(fake, 200);
	memset(other, 'Z', sizeof(other));
	ANSWER(request(GET_LINE), .status = 200, .body = other, .len = 1000,
	    .etag = "\"two\"");
	assert_ended(read, -EIO);
	free(data);
}

static void a_store_that_stops_heeding_ranges_is_followed(void **state)
{
	(void)state;
	int64_t node;
	struct ask *read = read_begun(&node);
	char *data = bytes(0, 3 * MIB);
	ANSWER(request(GET_LINE), .status = 200, .body = data,
	    .len = (size_t)(3 * MIB), .length_told = true, .etag = ETAG);
	assert_bytes(read, 2 * MIB, 4096);
	assert_int_equal(name_changes, 0);
	free(data);
}

static void a_refused_certificate_is_final(void **state)
{
	(void)state;
	int64_t node = stored_file("1000");
	struct ask *read = ask_read(node, 0, 1000);
	assert_int_equal(persist(read, -EKEYREJECTED, 0), 0);
	assert_ended(read, -EKEYREJECTED);
}

/* ---- readers that come and go ---- */

static void a_read_can_be_interrupted(void **state)
{
	(void)state;
	int64_t node = stored_file("1000");
	struct ask *first = ask_read(node, 0, 100);
	struct ask *second = ask_read(node, 100, 100);
	give_url();
	sync_interrupt(sync_under_test, first->op.id);
	fake_run(fake);
	assert_ended(first, -EINTR);
	assert_waits(second);
	serve_range(request(GET_LINE), 1000, ETAG);
	assert_bytes(second, 100, 100);
}

static void with_its_last_reader_a_transfer_ends(void **state)
{
	(void)state;
	int64_t node = stored_file("1000");
	struct ask *read = ask_read(node, 0, 100);
	sync_interrupt(sync_under_test, read->op.id);
	fake_run(fake);
	assert_ended(read, -EINTR);
	assert_int_equal(fake_open_count(fake), 0);
	read = ask_read(node, 0, 100);
	give_url();
	ANSWER(request(GET_LINE), .status = 503);
	sync_interrupt(sync_under_test, read->op.id);
	fake_run(fake);
	assert_ended(read, -EINTR);
	fake_advance(fake, RETRY_MS);
	assert_int_equal(fake_open_count(fake), 0);
	read = ask_read(node, 0, 100);
	serve_store(1000);
	assert_bytes(read, 0, 100);
}

static void a_stream_that_nobody_reads_is_given_up(void **state)
{
	(void)state;
	int64_t node = stored_file("209715200");
	struct ask *read = ask_read(node, 0, 4096);
	serve_store(200 * MIB);
	assert_bytes(read, 0, 4096);
	assert_false(TAILQ_EMPTY(&sync_under_test->streams));
	fake_advance(fake, STREAM_IDLE_MS * 2);
	assert_true(TAILQ_EMPTY(&sync_under_test->streams));
	assert_int_equal(fake_timer_count(fake), 0);
	/* And is there again when somebody comes back. */
	read = ask_read(node, 4096, 4096);
	serve_store(200 * MIB);
	assert_bytes(read, 4096, 4096);
}

static void an_unmount_ends_what_is_read(void **state)
{
	(void)state;
	int64_t node = stored_file("209715200");
	struct ask *waiting = ask_read(node, 0, 4096);
	give_url();
	struct fake_answer answer = partial(request(GET_LINE), 200 * MIB, ETAG);
	answer.len = 1000;
	fake_begin_answer(request(GET_LINE), &answer);
	free((char *)answer.body);
	fixture_stop();
	assert_ended(waiting, -EIO);
	assert_int_equal(fake_open_count(fake), 0);
	fixture_start();
}

static void offline_no_object_can_be_read(void **state)
{
	(void)state;
	int64_t node = stored_file("1000");
	fixture_stop();
	fixture_start_offline();
	struct node shown = current();
	assert_true(sync_size_is_known(sync_under_test, &shown));
	assert_ended(ask_read(node, 0, 100), -ENODATA);
	assert_ended(ask_measure(node), -ENODATA);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_read_is_answered_by_a_range),
	    TEST(a_read_at_the_end_gets_nothing),
	    TEST(reads_within_a_range_wait_only_for_their_bytes),
	    TEST(a_size_is_measured_with_one_small_range),
	    TEST(a_claim_is_believed_unless_told_to_verify),
	    TEST(a_wrong_claim_fails_one_read_and_is_right_then),
	    TEST(an_object_of_many_ranges_comes_whole),
	    TEST(reads_here_and_there_stay_small),
	    TEST(a_reader_that_waits_gets_more_at_once_but_bounded),
	    TEST(another_etag_is_eio_and_a_new_node),
	    TEST(another_size_is_eio_and_a_new_node),
	    TEST(a_whole_new_object_for_a_range_is_eio_and_a_new_node),
	    TEST(the_first_etag_lasts_over_a_remount),
	    TEST(a_store_without_ranges_is_read_in_one_go),
	    TEST(a_told_length_lets_readers_go_on_early),
	    TEST(a_wrong_claim_is_found_out_without_ranges_too),
	    TEST(a_whole_body_cut_short_begins_again),
	    TEST(an_empty_object_is_told_by_its_range),
	    TEST(an_empty_object_that_tells_nothing_is_asked_for_whole),
	    TEST(a_claimed_object_that_is_empty_fails_one_read),
	    TEST(a_refused_url_is_renewed),
	    TEST(fresh_urls_that_are_refused_are_final),
	    TEST(an_expired_url_is_not_sent),
	    TEST(a_url_that_seems_expired_from_the_start_is_tried),
	    TEST(a_url_that_is_not_to_be_followed_is_eproto),
	    TEST(what_the_service_refuses_is_told),
	    TEST(a_body_cut_short_goes_on_at_its_byte),
	    TEST(a_range_that_ends_early_goes_on_at_once),
	    TEST(a_failing_store_is_tried_again),
	    TEST(retry_after_of_a_store_is_heeded),
	    TEST(a_store_that_keeps_failing_has_its_errno),
	    TEST(patience_is_counted_from_the_last_byte),
	    TEST(an_answer_that_was_not_asked_for_is_eproto),
	    TEST(a_measure_beside_a_read_that_fails_is_told_the_truth),
	    TEST(a_resumed_range_that_is_refused_is_no_short_read),
	    TEST(a_whole_body_that_begins_again_is_never_mixed),
	    TEST(a_store_that_stops_heeding_ranges_is_followed),
	    TEST(a_refused_certificate_is_final),
	    TEST(a_read_can_be_interrupted),
	    TEST(with_its_last_reader_a_transfer_ends),
	    TEST(a_stream_that_nobody_reads_is_given_up),
	    TEST(an_unmount_ends_what_is_read),
	    TEST(offline_no_object_can_be_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
