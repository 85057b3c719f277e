/*
 * Each allocation fails in turn: every function must say -ENOMEM, leave its
 * outputs as they were and lose nothing (the leak checker looks on). The
 * linker puts our allocators in front (--wrap).
 */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>

#include "api/record.h"
#include "json/json.h"
#include "json/split.h"
#include "tree/name.h"

static long left = -1; /* allocations before one fails; -1: none fails */

static int fails(void)
{
	if (left < 0)
		return 0;
	return left-- == 0;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return fails() ? NULL : __real_realloc(old, size);
}

/* Run attempt with the first, the second, … allocation failing, until it gets
 * by without that one. At least one must have failed. */
static void fail_in_turn(int (*attempt)(struct buf *out))
{
	for (long i = 0;; i++) {
		CLEANUP_BUF struct buf out;
		buf_init(&out, BUF_MAX_DEFAULT);
		left = i;
		int r = attempt(&out);
		int unused = left >= 0;
		left = -1;
		if (r == 0) {
			assert_true(unused);
			assert_true(i > 0);
			return;
		}
		assert_int_equal(r, -ENOMEM);
		assert_int_equal(out.len, 0);
	}
}

static int try_pretty(struct buf *out)
{
	return json_pretty(TEXT("{\"a\":[1,2,{}]}"), out);
}

static int try_decode(struct buf *out)
{
	static const char token[] =
	    "\"0123456789012345678901234567890123456789\\n0123456789012345678"
	    "90123456789012345678901234567890123456789\\ud83d\\ude00\"";
	return json_string_decode(
	    (struct json_span){token, sizeof(token) - 1}, out);
}

static int try_encode(struct buf *out)
{
	static const char text[] =
	    "012345678901234567890123456789012345678901234567890123456789\n\x01"
	    "012345678901234567890123456789012345678901234567890123456789\"";
	return json_string_encode(text, sizeof(text) - 1, out);
}

static int try_members(struct buf *out)
{
	(void)out;
	static const char *const names[] = {"id"};
	struct json_span spans[1];
	int r = json_members(TEXT("{\"\\u0069d\":1}"), names, 1, spans);
	if (r == 0)
		assert_int_equal(spans[0].len, 1);
	else
		assert_null(spans[0].text);
	return r;
}

static int count_record(void *ctx, const char *text, size_t len)
{
	(void)text;
	(void)len;
	++*(int *)ctx;
	return 0;
}

static int try_split(struct buf *out)
{
	(void)out;
	static const char body[] =
	    "{\"data\":{\"\\u0069tems\":[{\"a\":\"0123456789012345678901234567"
	    "8901234567890123456789012345678901234567890123456789\"}],"
	    "\"pagination\":{\"total\":1}}}";
	struct json_split *split = NULL;
	const char *skeleton;
	size_t len;
	int found, count = 0;
	int r = json_split_new(count_record, &count, &split);
	for (size_t i = 0; r == 0 && i < sizeof(body) - 1; i++)
		r = json_split_feed(split, body + i, 1);
	if (r == 0)
		r = json_split_end(split, &skeleton, &len, &found);
	if (r == 0)
		assert_int_equal(count, 1);
	json_split_free(split);
	return r;
}

static int try_date(struct buf *out)
{
	static const char date[] = "{\"$date\":{\"$numberLong\":\"\\u0035\"}}";
	int64_t ms = -42;
	(void)out;
	int r = json_date((struct json_span){date, sizeof(date) - 1}, &ms);
	assert_int_equal(ms, r == 0 ? 5 : -42);
	return r;
}

/* What cannot be read for lack of memory is not taken for absent. */
static int try_record(struct buf *out)
{
	struct record record;
	(void)out;
	int r = record_parse(
	    TEXT("{\"_id\":{\"\\u0024oid\":\"a\"},\"originalName\":\"b\","
		 "\"createdAt\":\"1970-01-01\",\"updatedAt\":\"7\"}"),
	    &record);
	if (r < 0)
		return r;
	assert_int_equal(record.created_ms, 0);
	assert_int_equal(record.updated_ms, 7000);
	assert_buf(&record.id, "a");
	record_done(&record);
	return 0;
}

static int try_unwrap(struct buf *out)
{
	static const char text[] =
	    "{\"id\":\"a\",\"success\":true,\"data\":{\"id\":\"b\"}}";
	struct json_span payload;
	(void)out;
	int r = record_unwrap(text, sizeof(text) - 1, TEXT("a"), &payload);
	if (r == 0)
		assert_int_equal(payload.len, sizeof(text) - 1);
	return r;
}

static int try_record_name(struct buf *out)
{
	return name_of_record(TEXT("a/b"), out);
}

static int try_long_record_name(struct buf *out)
{
	char id[400];
	memset(id, '/', sizeof(id));
	return name_of_record(id, sizeof(id), out);
}

static int try_long_object_name(struct buf *out)
{
	char id[400];
	memset(id, '/', sizeof(id));
	return name_of_object(id, sizeof(id), TEXT("a.b"), out);
}

static int try_twin_name(struct buf *out)
{
	char id[400];
	memset(id, '/', sizeof(id));
	return name_of_object_twin(id, sizeof(id), TEXT("a.b"), out);
}

static int try_record_id(struct buf *out)
{
	return name_to_record_id("a%2Fb.json", out);
}

static void laying_out_survives_lack_of_memory(void **state)
{
	(void)state;
	fail_in_turn(try_pretty);
}

static void strings_survive_lack_of_memory(void **state)
{
	(void)state;
	fail_in_turn(try_decode);
	fail_in_turn(try_encode);
}

static void members_survive_lack_of_memory(void **state)
{
	(void)state;
	fail_in_turn(try_members);
}

static void splitting_survives_lack_of_memory(void **state)
{
	(void)state;
	fail_in_turn(try_split);
}

static void records_survive_lack_of_memory(void **state)
{
	(void)state;
	fail_in_turn(try_date);
	fail_in_turn(try_record);
	fail_in_turn(try_unwrap);
}

static void names_survive_lack_of_memory(void **state)
{
	(void)state;
	fail_in_turn(try_record_name);
	fail_in_turn(try_long_record_name);
	fail_in_turn(try_long_object_name);
	fail_in_turn(try_twin_name);
	fail_in_turn(try_record_id);
}

static void stealing_survives_lack_of_memory(void **state)
{
	(void)state;
	struct buf buf;
	buf_init(&buf, 10);
	left = 0;
	char *text = buf_steal(&buf);
	left = -1;
	assert_null(text);
}

/* Plain values are read without allocating anything. */
static void reading_needs_no_memory(void **state)
{
	(void)state;
	static const char *const names[] = {"id"};
	static const char date[] = "\"1970-01-01T00:00:00.005Z\"";
	struct json_span spans[1];
	uint64_t size;
	int64_t ms = 0;
	left = 0;
	int checked = json_check(TEXT("{\"id\":[1]}"));
	int found = json_members(TEXT("{\"id\":[1]}"), names, 1, spans);
	int sized = json_pretty_size(TEXT("{\"id\":[1]}"), &size);
	int dated = json_date((struct json_span){date, sizeof(date) - 1}, &ms);
	int unused = left == 0;
	left = -1;
	assert_true(dated == 0 && ms == 5);
	assert_true(checked == 0 && found == 0 && sized == 0 && unused);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(laying_out_survives_lack_of_memory),
	    cmocka_unit_test(strings_survive_lack_of_memory),
	    cmocka_unit_test(members_survive_lack_of_memory),
	    cmocka_unit_test(splitting_survives_lack_of_memory),
	    cmocka_unit_test(records_survive_lack_of_memory),
	    cmocka_unit_test(names_survive_lack_of_memory),
	    cmocka_unit_test(stealing_survives_lack_of_memory),
	    cmocka_unit_test(reading_needs_no_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
