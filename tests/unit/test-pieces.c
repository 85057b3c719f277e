/* A layout made in pieces is the one that is made at once. */
#include "unit.h"

#include <stdlib.h>

#include "json/json.h"
#include "json/layout.h"

static const char *const texts[] = {"{}", "[]", "1", " \"a\\\"b\" ",
    "{\"a\":1,\"b\":[],\"c\":{},\"d\":[[],{}],\"e\":[1,[2,{\"f\":null}]]}",
    " { \"a\" :\t\"x y , : { [ \\\\\" ,\r\n\"\" : -1.5e+3 , \"n\":[ true,false "
    "] } ",
    "[[[[[[[[[[[[[[[[0,1],2],3],4],5],6],7],8],9],10],11],12],13],14],15],16]",
    "{\"long\":"
    "\"0123456789012345678901234567890123456789\\u0041\\n0123456789\"}"};

/* The text is fed so many bytes at a time. */
static void lay_out(const char *text, size_t step, struct json_layout *place,
    const struct json_slice *slice)
{
	size_t len = strlen(text);
	while (place->in < len) {
		size_t left = len - (size_t)place->in;
		if (json_layout_feed(place, text + place->in,
			left < step ? left : step, slice))
			return;
	}
	json_layout_end(place, slice);
}

/* More than one byte of text becomes. */
#define GUARD 128

static void assert_slice(const char *text, const struct buf *whole, size_t step,
    struct json_layout *place, size_t from, size_t size)
{
	/* With nothing behind it but what must stay. */
	char *data = malloc(size + GUARD);
	assert_non_null(data);
	memset(data, '?', size + GUARD);
	struct json_slice slice = {from, data, size};
	lay_out(text, step, place, &slice);
	size_t there = from < whole->len ? whole->len - from : 0;
	if (there > size)
		there = size;
	assert_memory_equal(data, whole->data + from, there);
	for (size_t i = size; i < size + GUARD; i++)
		assert_true(data[i] == '?');
	if (there == size)
		assert_true(place->out <= from + size);
	else
		assert_int_equal(place->out, whole->len);
	free(data);
}

static void any_slice_is_that_of_the_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		CLEANUP_BUF struct buf whole;
		buf_init(&whole, BUF_MAX_DEFAULT);
		assert_int_equal(
		    json_pretty(texts[i], strlen(texts[i]), &whole), 0);
		for (size_t from = 0; from < whole.len; from++) {
			for (size_t size = 1; size < 70; size += 6) {
				struct json_layout place = {0};
				assert_slice(texts[i], &whole,
				    1 + (from + size) % 9, &place, from, size);
			}
		}
	}
}

static void one_slice_goes_on_where_the_last_one_ended(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		CLEANUP_BUF struct buf whole;
		buf_init(&whole, BUF_MAX_DEFAULT);
		assert_int_equal(
		    json_pretty(texts[i], strlen(texts[i]), &whole), 0);
		for (size_t size = 1; size < 90; size++) {
			struct json_layout place = {0};
			for (size_t from = 0; from < whole.len; from += size)
				assert_slice(texts[i], &whole, 1 + size % 7,
				    &place, from, size);
		}
	}
}

/* What is no valid text is laid out somehow, and harms nobody. */
static void broken_texts_do_no_harm(void **state)
{
	(void)state;
	static const char *const broken[] = {"}}}}]]", "\"\\", "\"\x01\x02\"",
	    ":,:,", "{{{{{\"", "tru", "\\\\", "]\"[,"};
	char data[64];
	struct json_slice slice = {0, data, sizeof(data)};
	for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
		struct json_layout place = {0};
		lay_out(broken[i], 1, &place, &slice);
		assert_int_equal(place.in, strlen(broken[i]));
	}
}

static void depth_is_bounded(void **state)
{
	(void)state;
	struct json_layout place = {0};
	char data[1];
	struct json_slice slice = {UINT64_C(1) << 40, data, sizeof(data)};
	for (int i = 0; i < 5000; i++)
		assert_false(json_layout_feed(&place, "[", 1, &slice));
	assert_int_equal(place.depth, JSON_DEPTH_MAX);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(any_slice_is_that_of_the_whole),
	    cmocka_unit_test(one_slice_goes_on_where_the_last_one_ended),
	    cmocka_unit_test(broken_texts_do_no_harm),
	    cmocka_unit_test(depth_is_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
