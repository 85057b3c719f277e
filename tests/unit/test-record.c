#include "unit.h"

#include <errno.h>
#include <stdio.h>

#include "api/record.h"

static int parse(const char *text, struct record *ret)
{
	return record_parse(text, strlen(text), ret);
}

static void assert_id(const char *text, const char *id, size_t len)
{
	struct record record;
	assert_int_equal(parse(text, &record), 0);
	assert_text(buf_str(&record.id), record.id.len, id, len);
	assert_ptr_equal(record.text.text, text);
	assert_int_equal(record.text.len, strlen(text));
	record_done(&record);
}

static void an_id_is_a_string_a_number_or_an_oid(void **state)
{
	(void)state;
	assert_id("{\"id\":\"507f1f77bcf86cd799439011\"}",
	    TEXT("507f1f77bcf86cd799439011"));
	assert_id(
	    "{\"id\":12345678901234567890}", TEXT("12345678901234567890"));
	assert_id("{\"id\":-1.0e5}", TEXT("-1.0e5"));
	assert_id("{\"id\":0}", TEXT("0"));
	assert_id("{\"id\":9}", TEXT("9"));
	assert_id("{\"id\":{\"$oid\":\"507f\"}}", TEXT("507f"));
	assert_id("{\"id\":\"a\\u0000b\\/c\"}", TEXT("a\0b/c"));
	assert_id("{\"id\":\"\\ud800\"}", TEXT("\xed\xa0\x80"));
	assert_id("{\"\\u0069d\":\"escaped key\"}", TEXT("escaped key"));
}

static void its_laid_out_size_comes_with_it(void **state)
{
	static const char *const texts[] = {
	    "{\"id\":1}",
	    " { \"id\" : 1 , \"a\" : [ ] , \"b\" : { } } ",
	    "{\"id\":1,\"a\":[1,[2,{\"c\":[]}],\"x\"],\"b\":{\"d\":null}}",
	    "{\"a\":{\"id\":{\"id\":[[[]]]}},\n\"id\":\"\\u00e9\"}",
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct buf pretty;
		struct record record;
		buf_init(&pretty, BUF_MAX_DEFAULT);
		assert_int_equal(
		    json_pretty(texts[i], strlen(texts[i]), &pretty), 0);
		assert_int_equal(parse(texts[i], &record), 0);
		assert_int_equal(record.pretty_size, pretty.len);
		record_done(&record);
		buf_done(&pretty);
	}
}

static void an_underscore_id_stands_in_for_a_missing_id(void **state)
{
	(void)state;
	assert_id("{\"_id\":\"x\"}", TEXT("x"));
	assert_id("{\"_id\":{\"$oid\":\"x\"},\"name\":1}", TEXT("x"));
	assert_id("{\"_id\":7}", TEXT("7"));
	assert_id("{\"_id\":\"no\",\"id\":\"yes\"}", TEXT("yes"));
	assert_id("{\"id\":null,\"_id\":\"x\"}", TEXT("x"));
	assert_id("{\"id\":\"\",\"_id\":\"x\"}", TEXT("x"));
	assert_id("{\"id\":{\"oid\":\"y\"},\"_id\":\"x\"}", TEXT("x"));
	assert_id("{\"id\":\"first\",\"id\":\"last\"}", TEXT("last"));
}

static void a_record_without_an_id_is_refused(void **state)
{
	(void)state;
	static const char *const texts[] = {"{}", "{\"name\":\"x\"}",
	    "{\"id\":\"\"}", "{\"id\":null}", "{\"id\":true}", "{\"id\":[]}",
	    "{\"id\":{}}", "{\"id\":{\"$oid\":7}}", "{\"id\":{\"$oid\":\"\"}}",
	    "{\"data\":{\"id\":\"x\"}}", "{\"ID\":\"x\"}"};
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct record record = {.size = 42};
		assert_int_equal(parse(texts[i], &record), -EPROTO);
		assert_int_equal(record.size, 42);
	}
}

static void what_is_no_object_is_refused(void **state)
{
	(void)state;
	static const char *const texts[] = {"", " ", "null", "[]", "\"id\"",
	    "{\"id\":\"x\"", "{\"id\":\"x\"}}", "{\"id\":\"x\",}", "{'id':'x'}",
	    "{\"id\":\"x\"}{\"id\":\"x\"}"};
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct record record;
		assert_int_equal(parse(texts[i], &record), -EPROTO);
	}
}

static void an_id_over_the_cap_is_refused(void **state)
{
	(void)state;
	struct buf text;
	struct record record;
	for (size_t over = 0; over < 2; over++) {
		buf_init(&text, BUF_MAX_DEFAULT);
		buf_adds(&text, "{\"id\":\"");
		for (size_t i = 0; i < RECORD_ID_MAX + over; i++)
			buf_addc(&text, 'x');
		buf_adds(&text, "\"}");
		int r = record_parse(buf_str(&text), text.len, &record);
		assert_int_equal(r, over ? -EPROTO : 0);
		if (r == 0)
			record_done(&record);
		buf_done(&text);
	}
}

static void times_are_updated_else_created_else_the_epoch(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t mtime, created, updated;
	} cases[] = {
	    {"{\"id\":1,\"createdAt\":\"2026-04-13T09:30:00.123Z\","
	     "\"updatedAt\":\"2026-04-13T09:30:01.000Z\"}",
		1776072601000, 1776072600123, 1776072601000},
	    {"{\"id\":1,\"createdAt\":\"2026-04-13T09:30:00Z\"}", 1776072600000,
		1776072600000, -1},
	    {"{\"id\":1,\"updatedAt\":\"1970-01-01T00:00:00.000Z\"}", 0, -1, 0},
	    {"{\"id\":1}", 0, -1, -1},
	    {"{\"id\":1,\"updatedAt\":null,"
	     "\"createdAt\":\"2026-04-13T18:30:00.123+09:00\"}",
		1776072600123, 1776072600123, -1},
	    {"{\"id\":1,\"updatedAt\":\"yesterday\",\"createdAt\":5}", 5000,
		5000, -1},
	    {"{\"id\":1,\"updatedAt\":\"\\u0032026-04-13T09:30:00.123Z\"}",
		1776072600123, -1, 1776072600123},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct record record;
		assert_int_equal(parse(cases[i].text, &record), 0);
		assert_int_equal(record.mtime_ms, cases[i].mtime);
		assert_int_equal(record.created_ms, cases[i].created);
		assert_int_equal(record.updated_ms, cases[i].updated);
		record_done(&record);
	}
}

static void dates_are_read_in_whatever_form_they_come(void **state)
{
	(void)state;
	static const char *const same[] = {"\"2024-01-02T00:00:02.123Z\"",
	    "\"2024-01-02 00:00:02.123Z\"", "\"2024-01-02 00:00:02.123+00\"",
	    "\"2024-01-02t00:00:02.123z\"", "\"2024-01-02 00:00:02.123456\"",
	    "\"2024-01-02T09:00:02.123\\u002b09:00\"",
	    "\"2024-01-01T20:30:02.123-03:30\"", "1704153602.123",
	    "1704153602123", "\"1704153602123\"", "1.704153602123E12",
	    "{\"$date\":\"2024-01-02T00:00:02.123Z\"}",
	    "{\"$date\":1704153602123}", "{ \"$date\" : 1.704153602123E12 }",
	    "{\"$date\":{\"$numberLong\":\"1704153602123\"}}",
	    "{\"$date\":{\"$numberLong\":1704153602123}}",
	    "{\"$numberLong\":\"1704153602123\"}",
	    "{\"$numberDouble\":\"1704153602123.0\"}"};
	for (size_t i = 0; i < ARRAY_SIZE(same); i++) {
		struct record record;
		char text[256];
		snprintf(text, sizeof(text),
		    "{\"id\":1,\"updatedAt\":%s,\"createdAt\":7}", same[i]);
		assert_int_equal(parse(text, &record), 0);
		if (record.updated_ms != INT64_C(1704153602123))
			fail_msg("not read: %s", same[i]);
		assert_int_equal(record.mtime_ms, record.updated_ms);
		assert_int_equal(record.created_ms, 7000);
		record_done(&record);
	}
}

/* In MongoDB's own form the unit is given. */
static void a_mongodb_date_is_in_milliseconds(void **state)
{
	(void)state;
	struct record record;
	assert_int_equal(parse("{\"id\":1,\"createdAt\":{\"$date\":5},"
			       "\"updatedAt\":{\"$date\":{\"$numberLong\":"
			       "\"-86400000\"}}}",
			     &record),
	    0);
	assert_int_equal(record.created_ms, 5);
	assert_int_equal(record.updated_ms, -86400000);
	assert_int_equal(record.mtime_ms, -86400000);
	record_done(&record);
}

static void a_date_that_nobody_can_read_counts_as_absent(void **state)
{
	(void)state;
	static const char *const unreadable[] = {"null", "true", "\"\"", "[]",
	    "[1704153602]", "{}", "\"0000-00-00 00:00:00\"", "1e400",
	    "99999999999999999999999", "-9223372036854775809",
	    "{\"$date\":null}", "{\"$date\":{}}", "{\"$date\":{\"$date\":5}}",
	    "{\"$date\":{\"$numberLong\":\"\"}}",
	    "{\"$date\":{\"$numberLong\":\"9223372036854775807\"}}",
	    "{\"$date\":{\"$numberLong\":\"2024-01-02\"}}",
	    "{\"date\":1704153602}", "\"2024-01-02T00:00:02Z\\u0000\""};
	for (size_t i = 0; i < ARRAY_SIZE(unreadable); i++) {
		struct record record;
		char text[256];
		snprintf(text, sizeof(text),
		    "{\"id\":1,\"updatedAt\":%s,\"createdAt\":7}",
		    unreadable[i]);
		assert_int_equal(parse(text, &record), 0);
		if (record.updated_ms != -1)
			fail_msg("read: %s", unreadable[i]);
		assert_int_equal(record.mtime_ms, 7000);
		record_done(&record);
	}
}

static void times_before_1970_are_times(void **state)
{
	(void)state;
	struct record record;
	assert_int_equal(
	    parse("{\"id\":1,\"updatedAt\":\"1969-12-31T23:59:59.999Z\","
		  "\"createdAt\":\"0999-01-01\"}",
		&record),
	    0);
	assert_int_equal(record.mtime_ms, -1);
	assert_int_equal(record.created_ms, INT64_C(-30641760000000));
	record_done(&record);
}

/* A token of up to so many bytes, quotes included, is looked at. */
static void a_text_that_is_too_long_is_no_date(void **state)
{
	(void)state;
	for (size_t len = 1023; len <= 1025; len++) {
		struct record record;
		CLEANUP_BUF struct buf text;
		buf_init(&text, 4096);
		buf_adds(
		    &text, "{\"id\":1,\"updatedAt\":\"1970-01-01T00:00:07.");
		while (text.len < strlen("{\"id\":1,\"updatedAt\":") + len - 1)
			buf_addc(&text, '0');
		buf_adds(&text, "\"}");
		assert_int_equal(parse(buf_str(&text), &record), 0);
		assert_int_equal(record.updated_ms, len <= 1024 ? 7000 : -1);
		record_done(&record);
	}
}

static void a_date_may_have_any_number_of_decimals(void **state)
{
	(void)state;
	struct record record;
	CLEANUP_BUF struct buf text;
	buf_init(&text, 4096);
	buf_adds(&text, "{\"id\":1,\"updatedAt\":\"2024-01-02 00:00:02.123");
	for (int i = 0; i < 500; i++)
		buf_addc(&text, '9');
	buf_adds(&text, "+00:00\"}");
	assert_int_equal(parse(buf_str(&text), &record), 0);
	assert_int_equal(record.updated_ms, INT64_C(1704153602123));
	record_done(&record);
}

static void a_size_is_what_the_metadata_claims(void **state)
{
	(void)state;
	static const struct {
		const char *value;
		int64_t size;
	} cases[] = {{"0", 0}, {"7", 7}, {"\"7\"", 7}, {"-1", -1}, {"-7", -1},
	    {"\"-7\"", -1}, {"null", -1}, {"\"big\"", -1}, {"1.5", -1},
	    {"7.0", -1}, {"1e3", -1}, {"[]", -1},
	    {"9007199254740992", RECORD_SIZE_MAX}, {"9007199254740993", -1},
	    {"9223372036854775807", -1}, {"9223372036854775808", -1},
	    {"\"\"", -1}};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buf text;
		struct record record;
		buf_init(&text, 1024);
		buf_printf(&text, "{\"id\":1,\"size\":%s}", cases[i].value);
		assert_int_equal(parse(buf_str(&text), &record), 0);
		assert_int_equal(record.size, cases[i].size);
		record_done(&record);
		buf_done(&text);
	}
	struct record record;
	assert_int_equal(parse("{\"id\":1}", &record), 0);
	assert_int_equal(record.size, -1);
	record_done(&record);
}

static void an_original_name_keeps_its_bytes(void **state)
{
	(void)state;
	static const struct {
		const char *text, *name;
		size_t len;
	} cases[] = {
	    {"{\"id\":1,\"originalName\":\"a/b\\u0000\\ud800\"}",
		TEXT("a/b\0\xed\xa0\x80")},
	    {"{\"id\":1,\"originalName\":\"\"}", TEXT("")},
	    {"{\"id\":1,\"originalName\":null}", TEXT("")},
	    {"{\"id\":1,\"originalName\":7}", TEXT("")},
	    {"{\"id\":1}", TEXT("")},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct record record;
		assert_int_equal(parse(cases[i].text, &record), 0);
		assert_text(buf_str(&record.original_name),
		    record.original_name.len, cases[i].name, cases[i].len);
		record_done(&record);
	}
}

/* ---- envelopes ---- */

static void assert_payload(
    const char *text, const char *id, const char *payload)
{
	struct json_span span;
	assert_int_equal(
	    record_unwrap(text, strlen(text), id, id ? strlen(id) : 0, &span),
	    0);
	assert_text(span.text, span.len, payload, strlen(payload));
}

static void an_envelope_is_taken_off(void **state)
{
	(void)state;
	assert_payload("{\"success\":true,\"data\":{\"id\":\"x\"}}", "x",
	    "{\"id\":\"x\"}");
	assert_payload(
	    "{\"success\":true,\"data\":{\"a\":1}}", NULL, "{\"a\":1}");
	assert_payload(" {\"data\" : \n{\"id\":\"x\"}\t, \"success\" : true} ",
	    "x", "{\"id\":\"x\"}");
	assert_payload("{\"success\":true,\"data\":null}", "x", "null");
}

static void a_bare_object_is_the_payload(void **state)
{
	(void)state;
	assert_payload("{\"id\":\"x\"}", "x", "{\"id\":\"x\"}");
	assert_payload(" \r\n{\"id\":\"x\"}\t ", "x", "{\"id\":\"x\"}");
	assert_payload("{\"a\":1}", NULL, "{\"a\":1}");
	assert_payload("{\"success\":true}", NULL, "{\"success\":true}");
	assert_payload("{\"success\":false,\"data\":{}}", NULL,
	    "{\"success\":false,\"data\":{}}");
	assert_payload("{\"success\":\"true\",\"data\":{}}", NULL,
	    "{\"success\":\"true\",\"data\":{}}");
}

static void a_record_that_looks_like_an_envelope_is_the_record(void **state)
{
	(void)state;
	static const char record[] =
	    "{\"id\":\"x\",\"success\":true,\"data\":{\"id\":\"y\"}}";
	assert_payload(record, "x", record);
	static const char underscore[] =
	    "{\"success\":true,\"data\":{\"id\":\"x\"},\"_id\":7}";
	assert_payload(underscore, "7", underscore);
	/* The same inside an envelope. */
	struct buf text;
	buf_init(&text, 1024);
	buf_printf(&text, "{\"success\":true,\"data\":%s}", record);
	assert_payload(buf_str(&text), "x", record);
	/* An id that is not the one asked for makes no record of it. */
	assert_payload(record, "y", "{\"id\":\"y\"}");
	assert_payload(record, "xx", "{\"id\":\"y\"}");
	buf_done(&text);
}

static void what_is_no_json_object_has_no_payload(void **state)
{
	(void)state;
	static const char *const texts[] = {"", "[]", "null", "<html></html>",
	    "{\"success\":true,\"data\":{\"id\":\"x\"}", "{} {}"};
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct json_span span;
		assert_int_equal(
		    record_unwrap(texts[i], strlen(texts[i]), "x", 1, &span),
		    -EPROTO);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_id_is_a_string_a_number_or_an_oid),
	    cmocka_unit_test(its_laid_out_size_comes_with_it),
	    cmocka_unit_test(an_underscore_id_stands_in_for_a_missing_id),
	    cmocka_unit_test(a_record_without_an_id_is_refused),
	    cmocka_unit_test(what_is_no_object_is_refused),
	    cmocka_unit_test(an_id_over_the_cap_is_refused),
	    cmocka_unit_test(times_are_updated_else_created_else_the_epoch),
	    cmocka_unit_test(dates_are_read_in_whatever_form_they_come),
	    cmocka_unit_test(a_mongodb_date_is_in_milliseconds),
	    cmocka_unit_test(a_date_that_nobody_can_read_counts_as_absent),
	    cmocka_unit_test(times_before_1970_are_times),
	    cmocka_unit_test(a_text_that_is_too_long_is_no_date),
	    cmocka_unit_test(a_date_may_have_any_number_of_decimals),
	    cmocka_unit_test(a_size_is_what_the_metadata_claims),
	    cmocka_unit_test(an_original_name_keeps_its_bytes),
	    cmocka_unit_test(an_envelope_is_taken_off),
	    cmocka_unit_test(a_bare_object_is_the_payload),
	    cmocka_unit_test(
		a_record_that_looks_like_an_envelope_is_the_record),
	    cmocka_unit_test(what_is_no_json_object_has_no_payload),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
