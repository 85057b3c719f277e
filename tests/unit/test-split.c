#include "unit.h"

#include <errno.h>
#include <stdio.h>

#include "json/json.h"
#include "json/split.h"

/* What one run over a body gave. */
struct outcome {
	struct buf records; /* each followed by a newline */
	struct buf skeleton;
	int found;
	int error;
	int stop_after; /* the callback fails at this record; 0: never */
	int count;
};

static void outcome_init(struct outcome *outcome)
{
	*outcome = (struct outcome){.found = -1};
	buf_init(&outcome->records, BUF_MAX_DEFAULT);
	buf_init(&outcome->skeleton, BUF_MAX_DEFAULT);
}

static void outcome_done(struct outcome *outcome)
{
	buf_done(&outcome->records);
	buf_done(&outcome->skeleton);
}

static int take_record(void *ctx, const char *text, size_t len)
{
	struct outcome *outcome = ctx;
	assert_int_equal(json_check(text, len), 0);
	assert_int_equal(text[0], '{');
	assert_int_equal(text[len - 1], '}');
	if (++outcome->count == outcome->stop_after)
		return -ECANCELED;
	assert_int_equal(buf_add(&outcome->records, text, len), 0);
	assert_int_equal(buf_addc(&outcome->records, '\n'), 0);
	return 0;
}

/* Feed a chunk from memory of its own, so that a byte read past its end, or
 * kept after the call, is an error that the sanitizer sees. */
static int feed_copy(struct json_split *split, const char *data, size_t len)
{
	char *copy = malloc(len ? len : 1);
	assert_non_null(copy);
	memcpy(copy, data, len);
	int r = json_split_feed(split, copy, len);
	free(copy);
	return r;
}

/* Feed body, the first chunk first bytes long and the others step. */
static void run(const char *body, size_t len, size_t first, size_t step,
    struct outcome *outcome)
{
	struct json_split *split;
	assert_int_equal(json_split_new(take_record, outcome, &split), 0);
	int r = 0;
	size_t at = 0, n = first < len ? first : len;
	while (r == 0 && at < len) {
		r = feed_copy(split, body + at, n);
		at += n;
		n = step < len - at ? step : len - at;
	}
	const char *skeleton;
	size_t skeleton_len;
	if (r == 0)
		r = json_split_end(
		    split, &skeleton, &skeleton_len, &outcome->found);
	if (r == 0)
		assert_int_equal(
		    buf_add(&outcome->skeleton, skeleton, skeleton_len), 0);
	outcome->error = r;
	json_split_free(split);
}

/* The outcome must be the same however the body is cut into chunks. */
static void assert_split_text(const char *body, size_t len, int found,
    const char *records, const char *skeleton)
{
	for (size_t first = 0; first <= len; first++) {
		struct outcome outcome;
		outcome_init(&outcome);
		run(body, len, first, first % 3 ? len : 1 + first / 3,
		    &outcome);
		assert_int_equal(outcome.error, 0);
		assert_int_equal(outcome.found, found);
		assert_string_equal(buf_str(&outcome.records), records);
		assert_string_equal(buf_str(&outcome.skeleton), skeleton);
		outcome_done(&outcome);
	}
}

static void assert_split(
    const char *body, int found, const char *records, const char *skeleton)
{
	assert_split_text(body, strlen(body), found, records, skeleton);
}

static void assert_fails(const char *body, int error)
{
	size_t len = strlen(body);
	for (size_t step = 1; step <= len + 1; step++) {
		struct outcome outcome;
		outcome_init(&outcome);
		run(body, len, step, step, &outcome);
		if (outcome.error != error)
			fail_msg("%d for: %s", outcome.error, body);
		assert_int_equal(outcome.found, -1);
		outcome_done(&outcome);
	}
}

static void a_bare_listing_is_split(void **state)
{
	(void)state;
	assert_split("{\"items\":[{\"id\":\"1\"},{\"id\":\"2\"}],"
		     "\"pagination\":{\"total\":2,\"hasNext\":false}}",
	    1, "{\"id\":\"1\"}\n{\"id\":\"2\"}\n",
	    "{\"items\":[],\"pagination\":{\"total\":2,\"hasNext\":false}}");
}

static void an_enveloped_listing_is_split(void **state)
{
	(void)state;
	assert_split("{\"success\":true,\"data\":{\"items\":[{\"a\":1}],"
		     "\"pagination\":{\"total\":1}}}",
	    1, "{\"a\":1}\n",
	    "{\"success\":true,\"data\":{\"items\":[],"
	    "\"pagination\":{\"total\":1}}}");
}

static void the_order_of_members_does_not_matter(void **state)
{
	(void)state;
	assert_split("{\"pagination\":{\"items\":[9]},\"items\":[{}]}", 1,
	    "{}\n", "{\"pagination\":{\"items\":[9]},\"items\":[]}");
	assert_split("{\"data\":{\"p\":[{\"items\":[1]}],\"items\":[{}]},"
		     "\"success\":true}",
	    1, "{}\n",
	    "{\"data\":{\"p\":[{\"items\":[1]}],\"items\":[]},"
	    "\"success\":true}");
}

static void an_empty_listing_is_found(void **state)
{
	(void)state;
	assert_split("{\"items\":[]}", 1, "", "{\"items\":[]}");
	assert_split("{\"items\" : [ \r\n\t ] }", 1, "", "{\"items\" : [] }");
	assert_split(
	    "{\"data\":{\"items\":[]}}", 1, "", "{\"data\":{\"items\":[]}}");
}

static void white_space_around_records_is_dropped(void **state)
{
	(void)state;
	assert_split(
	    " {\"items\":\n[ { \"a\" : [ 1 ] } \n,\t{\"b\":2}\r\n] }\n", 1,
	    "{ \"a\" : [ 1 ] }\n{\"b\":2}\n", " {\"items\":\n[] }\n");
}

static void record_text_is_untouched(void **state)
{
	(void)state;
	static const char record[] =
	    "{\"n\":12345678901234567890,\"f\":1.0,\"x\":1e400,\"z\":-0,"
	    "\"nul\":\"\\u0000\",\"lone\":\"\\ud800\",\"k\":1,\"k\":2,"
	    "\"text\":\"]},{[\\\"\\\\\",\"deep\":[[{\"items\":[{}]}]],"
	    "\"utf8\":\"\xc3\xa9\xf0\x9f\x98\x80\",\"bad\":\"\xff\","
	    "\"data\":{\"items\":[1]}}";
	char body[1024], expected[1024];
	snprintf(body, sizeof(body), "{\"items\":[%s , %s]}", record, record);
	snprintf(expected, sizeof(expected), "%s\n%s\n", record, record);
	assert_split(body, 1, expected, "{\"items\":[]}");
}

static void only_the_first_items_array_counts(void **state)
{
	(void)state;
	assert_split("{\"items\":[{\"a\":1}],\"items\":[{\"b\":2}]}", 1,
	    "{\"a\":1}\n", "{\"items\":[],\"items\":[{\"b\":2}]}");
	assert_split("{\"items\":[{\"a\":1}],\"data\":{\"items\":[2]}}", 1,
	    "{\"a\":1}\n", "{\"items\":[],\"data\":{\"items\":[2]}}");
	assert_split("{\"items\":null,\"data\":{\"items\":[{\"a\":1}]}}", 1,
	    "{\"a\":1}\n", "{\"items\":null,\"data\":{\"items\":[]}}");
}

static void escaped_keys_are_recognised(void **state)
{
	(void)state;
	assert_split("{\"\\u0064ata\":{\"item\\u0073\":[{\"a\":1}]}}", 1,
	    "{\"a\":1}\n", "{\"\\u0064ata\":{\"item\\u0073\":[]}}");
}

static void items_elsewhere_stay_in_the_skeleton(void **state)
{
	(void)state;
	static const char *const bodies[] = {"{}", "[]", "null", "\"items\"",
	    "{\"items\":{}}", "{\"items\":null}", "{\"items\":\"[\"}",
	    "{\"items\":{\"items\":[1]}}", "{\"data\":[{\"items\":[1]}]}",
	    "{\"data\":[\"items\",[1]]}", "{\"data\":\"items\",\"x\":[1]}",
	    "{\"x\":{\"items\":[1]}}", "{\"x\":\"items\",\"y\":[1]}",
	    "[{\"items\":[1]}]", "[\"items\",[1]]",
	    "{\"data\":{\"data\":{\"items\":[1]}}}",
	    "{\"data\":{\"x\":{\"items\":[1]}}}", "{\"Items\":[1]}",
	    "{\"items\\u0000\":[1]}", "{\"item\":[1],\"itemss\":[1]}",
	    "{\"data\":{\"items\":1},\"data\":[[1]]}",
	    "{\"id\":\"1\",\"success\":true,\"data\":5}"};
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++)
		assert_split(bodies[i], 0, "", bodies[i]);
}

static void a_byte_order_mark_is_skipped(void **state)
{
	(void)state;
	assert_split(
	    "\xef\xbb\xbf{\"items\":[{}]}", 1, "{}\n", "{\"items\":[]}");
	assert_fails("{\xef\xbb\xbf}", -EPROTO);
	assert_fails("\xef\xbb\xbf", -EPROTO);
}

/* Before anything that follows is handed out. */
static void one_bracket_too_many_is_refused_at_once(void **state)
{
	(void)state;
	static const char *const bodies[] = {
	    "}", "]", "{}}", "{\"a\":[]}]", "} {\"items\":[{}]}"};
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		struct json_split *split;
		struct outcome outcome;
		outcome_init(&outcome);
		assert_int_equal(
		    json_split_new(take_record, &outcome, &split), 0);
		assert_int_equal(
		    feed_copy(split, bodies[i], strlen(bodies[i])), -EPROTO);
		assert_int_equal(outcome.count, 0);
		json_split_free(split);
		outcome_done(&outcome);
	}
}

static void elements_must_be_objects(void **state)
{
	(void)state;
	static const char *const elements[] = {
	    "1", "null", "\"a\"", "[]", "[{}]", "true", "{},1", "{},[]", "-"};
	for (size_t i = 0; i < ARRAY_SIZE(elements); i++) {
		char body[64];
		snprintf(body, sizeof(body), "{\"items\":[%s]}", elements[i]);
		assert_fails(body, -EPROTO);
	}
}

static void broken_bodies_are_refused(void **state)
{
	(void)state;
	static const char *const bodies[] = {"", " ", "{\"items\":[{}{}]}",
	    "{\"items\":[{},]}", "{\"items\":[,{}]}", "{\"items\":[{},,{}]}",
	    "{\"items\":[,]}", "{\"items\":[{}}", "{\"items\":[{}]]",
	    "{\"items\":[{\"a\":01}]}", "{\"items\":[{\"a\":1,}]}",
	    "{\"items\":[{\"a\":[1}]}]}", "{\"items\":[{\"a\"}]}",
	    "{\"items\":[{}]}}", "{\"items\":[{}]}x", "{\"items\":[{}],}",
	    "{\"items\":[{}]", "{\"items\":[{}", "{\"items\":[{\"a\":\"",
	    "{\"items\":[{\"a\":\"\\", "{\"items\":[", "{\"items\":", "}", "]",
	    "{\"items\" [{}]}", "{\"items\":[{}] \"b\":1}", "{:[{}]}",
	    "{\"it\\xems\":[]}", "{\"items\":[{}];}", "<html>502</html>",
	    "{\"items\":[\x01{}]}", "{\"items\":[{\"a\":\"\n\"}]}"};
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++)
		assert_fails(bodies[i], -EPROTO);
}

/* Cut a good body anywhere: it never passes for a whole one. */
static void a_truncated_body_is_never_whole(void **state)
{
	(void)state;
	static const char body[] =
	    "{\"success\":true,\"data\":{\"items\":[{\"a\":\"\\n\"},{}],"
	    "\"pagination\":{\"hasNext\":false}}}";
	for (size_t len = 0; len < sizeof(body) - 1; len++) {
		struct outcome outcome;
		outcome_init(&outcome);
		run(body, len, len, 1, &outcome);
		assert_int_equal(outcome.error, -EPROTO);
		outcome_done(&outcome);
	}
}

static void nul_bytes_are_refused(void **state)
{
	(void)state;
	static const char bodies[][24] = {"{\"items\":[\0{}]}     ",
	    "{\"items\":[{\0}]}     ", "{\"items\":[{}]}\0     ",
	    "\0{\"items\":[{}]}     "};
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		struct outcome outcome;
		outcome_init(&outcome);
		run(bodies[i], 20, 20, 1, &outcome);
		assert_int_equal(outcome.error, -EPROTO);
		outcome_done(&outcome);
	}
}

static void the_callers_error_stops_the_feed(void **state)
{
	(void)state;
	static const char body[] = "{\"items\":[{},{},{}]}";
	for (size_t step = 1; step < sizeof(body); step++) {
		struct outcome outcome;
		outcome_init(&outcome);
		outcome.stop_after = 2;
		run(body, sizeof(body) - 1, step, step, &outcome);
		assert_int_equal(outcome.error, -ECANCELED);
		assert_int_equal(outcome.count, 2);
		outcome_done(&outcome);
	}
}

static void records_nest_up_to_the_limit(void **state)
{
	(void)state;
	for (int over = 0; over <= 1; over++) {
		struct outcome outcome;
		CLEANUP_BUF struct buf body;
		buf_init(&body, BUF_MAX_DEFAULT);
		outcome_init(&outcome);
		assert_int_equal(buf_adds(&body, "{\"items\":[{\"a\":"), 0);
		int levels = JSON_DEPTH_MAX - 1 + over;
		for (int i = 0; i < levels; i++)
			assert_int_equal(buf_addc(&body, '['), 0);
		for (int i = 0; i < levels; i++)
			assert_int_equal(buf_addc(&body, ']'), 0);
		assert_int_equal(buf_adds(&body, "}]}"), 0);
		run(body.data, body.len, 7, 7, &outcome);
		assert_int_equal(outcome.error, over ? -EPROTO : 0);
		outcome_done(&outcome);
	}
}

/* Feed head, then one byte over and over until it fails or total is reached. */
static int flood(const char *head, char c, size_t total)
{
	struct json_split *split;
	struct outcome outcome;
	size_t step = 1 << 20;
	char *chunk = malloc(step);
	assert_non_null(chunk);
	memset(chunk, c, step);
	outcome_init(&outcome);
	assert_int_equal(json_split_new(take_record, &outcome, &split), 0);
	int r = json_split_feed(split, head, strlen(head));
	for (size_t fed = 0; r == 0 && fed < total; fed += step)
		r = json_split_feed(split, chunk, step);
	json_split_free(split);
	outcome_done(&outcome);
	free(chunk);
	return r;
}

static void an_endless_record_meets_the_cap(void **state)
{
	(void)state;
	static const char head[] = "{\"items\":[{\"a\":\"";
	assert_int_equal(flood(head, 'x', JSON_RECORD_MAX / 2), 0);
	assert_int_equal(flood(head, 'x', JSON_RECORD_MAX * 2), -EMSGSIZE);
}

static void an_endless_skeleton_meets_the_cap(void **state)
{
	(void)state;
	size_t much = JSON_SKELETON_MAX * 8;
	assert_int_equal(flood("{\"a\":\"", 'x', much), -EMSGSIZE);
	assert_int_equal(flood("", ' ', much), -EMSGSIZE);
	assert_int_equal(flood("", '[', much), -EMSGSIZE);
}

/* White space between records costs no memory. */
static void white_space_between_records_is_not_kept(void **state)
{
	(void)state;
	assert_int_equal(flood("{\"items\":[", ' ', JSON_RECORD_MAX * 2), 0);
}

static void a_record_over_the_cap_in_one_chunk_is_refused(void **state)
{
	(void)state;
	static const char head[] = "{\"items\":[{\"a\":\"", tail[] = "\"}]}";
	size_t fill = JSON_RECORD_MAX;
	size_t len = sizeof(head) - 1 + fill + sizeof(tail) - 1;
	char *body = malloc(len);
	assert_non_null(body);
	memset(body, 'x', len);
	memcpy(body, head, sizeof(head) - 1);
	memcpy(body + len - (sizeof(tail) - 1), tail, sizeof(tail) - 1);
	struct outcome outcome;
	struct json_split *split;
	outcome_init(&outcome);
	assert_int_equal(json_split_new(take_record, &outcome, &split), 0);
	assert_int_equal(json_split_feed(split, body, len), -EMSGSIZE);
	json_split_free(split);
	outcome_done(&outcome);
	free(body);
}

static void freeing_nothing_is_fine(void **state)
{
	(void)state;
	json_split_free(NULL);
}

static int count_record(void *ctx, const char *text, size_t len)
{
	struct outcome *outcome = ctx;
	outcome->count++;
	return json_check(text, len);
}

/* They are checked, once: by the splitter, or by who takes them. */
static void who_takes_records_may_check_them(void **state)
{
	static const char body[] = "{\"items\":[{},{\"a\":01}]}";
	(void)state;
	for (int left = 0; left < 2; left++) {
		struct outcome outcome = {0};
		struct json_split *split;
		assert_int_equal(
		    json_split_new(count_record, &outcome, &split), 0);
		if (left)
			json_split_leave_checks(split);
		assert_int_equal(feed_copy(split, body, strlen(body)), -EPROTO);
		assert_int_equal(outcome.count, 1 + left);
		json_split_free(split);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_bare_listing_is_split),
	    cmocka_unit_test(an_enveloped_listing_is_split),
	    cmocka_unit_test(the_order_of_members_does_not_matter),
	    cmocka_unit_test(an_empty_listing_is_found),
	    cmocka_unit_test(white_space_around_records_is_dropped),
	    cmocka_unit_test(record_text_is_untouched),
	    cmocka_unit_test(only_the_first_items_array_counts),
	    cmocka_unit_test(escaped_keys_are_recognised),
	    cmocka_unit_test(items_elsewhere_stay_in_the_skeleton),
	    cmocka_unit_test(a_byte_order_mark_is_skipped),
	    cmocka_unit_test(one_bracket_too_many_is_refused_at_once),
	    cmocka_unit_test(elements_must_be_objects),
	    cmocka_unit_test(broken_bodies_are_refused),
	    cmocka_unit_test(a_truncated_body_is_never_whole),
	    cmocka_unit_test(nul_bytes_are_refused),
	    cmocka_unit_test(the_callers_error_stops_the_feed),
	    cmocka_unit_test(records_nest_up_to_the_limit),
	    cmocka_unit_test(an_endless_record_meets_the_cap),
	    cmocka_unit_test(an_endless_skeleton_meets_the_cap),
	    cmocka_unit_test(white_space_between_records_is_not_kept),
	    cmocka_unit_test(a_record_over_the_cap_in_one_chunk_is_refused),
	    cmocka_unit_test(who_takes_records_may_check_them),
	    cmocka_unit_test(freeing_nothing_is_fine),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
