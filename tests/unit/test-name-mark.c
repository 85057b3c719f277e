/* Names with a mark: those that are cut, and those of twins. */
#include <stdbool.h>
#include <stdio.h>

#include "unit.h"

#include "base/hash.h"
#include "name-fixture.h"
#include "tree/name.h"

#define assert_twin(id, original, name)                                        \
	do {                                                                   \
		CLEANUP_BUF struct buf out;                                    \
		buf_init(&out, 1000);                                          \
		assert_int_equal(                                              \
		    name_of_object_twin(TEXT(id), TEXT(original), &out), 0);   \
		assert_string_equal(buf_str(&out), name);                      \
	} while (0)

static void the_hash_is_fnv_1a(void **state)
{
	(void)state;
	assert_true(
	    hash_fnv1a(HASH_FNV1A_INIT, "", 0) == UINT64_C(0xcbf29ce484222325));
	assert_true(hash_fnv1a(HASH_FNV1A_INIT, "a", 1) ==
		    UINT64_C(0xaf63dc4c8601ec8c));
	assert_true(hash_fnv1a(HASH_FNV1A_INIT, "foobar", 6) ==
		    UINT64_C(0x85944171f73967e8));
	assert_true(hash_fnv1a(hash_fnv1a(HASH_FNV1A_INIT, "foo", 3), "bar",
			3) == UINT64_C(0x85944171f73967e8));
}

static void a_long_records_name_is_cut_and_marked(void **state)
{
	(void)state;
	CLEANUP_BUF struct buf id, out;
	char expected[300];
	buf_init(&id, 1000);
	buf_init(&out, 1000);
	fill(&id, 250, "");
	assert_int_equal(name_of_record(id.data, id.len, &out), 0);
	assert_int_equal(out.len, 255); /* exactly fits: left alone */
	assert_false(name_is_marked(out.data));

	buf_clear(&out);
	buf_clear(&id);
	for (int i = 0; i < 300; i++)
		assert_int_equal(buf_addc(&id, 'a'), 0);
	snprintf(expected, sizeof(expected), "%.233s~0f7888131f08ff8b.json",
	    id.data);
	assert_int_equal(name_of_record(id.data, id.len, &out), 0);
	assert_string_equal(out.data, expected);
	assert_true(name_is_marked(out.data));
}

/* Whether name, an uncut one's safe form, could have been cut at len. */
static bool may_be_cut_at(const char *safe, size_t len)
{
	if (len > 0 && safe[len - 1] == '%')
		return false;
	if (len > 1 && safe[len - 2] == '%')
		return false;
	return ((unsigned char)safe[len] & 0xc0) != 0x80;
}

/* unit, a character or what becomes an escape, is moved over the place where
 * names are cut. */
static void check_cuts(const char *unit, size_t unit_len, const char *safe_unit)
{
	for (size_t lead = 215; lead < 240; lead++) {
		CLEANUP_BUF struct buf id, safe, out;
		buf_init(&id, 1000);
		buf_init(&safe, 1000);
		buf_init(&out, NAME_BYTES_MAX);
		fill(&id, lead, "");
		fill(&safe, lead, "");
		for (int i = 0; i < 10; i++) {
			assert_int_equal(buf_add(&id, unit, unit_len), 0);
			assert_int_equal(buf_adds(&safe, safe_unit), 0);
		}
		static const char tail[] =
		    "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz";
		assert_int_equal(buf_adds(&id, tail), 0);
		assert_int_equal(buf_adds(&safe, tail), 0);
		assert_int_equal(buf_adds(&safe, ".json"), 0);

		size_t cut = 233;
		while (!may_be_cut_at(safe.data, cut))
			cut--;
		char expected[300];
		snprintf(expected, sizeof(expected), "%.*s~%016llx.json",
		    (int)cut, safe.data,
		    (unsigned long long)hash_fnv1a(
			HASH_FNV1A_INIT, safe.data, safe.len));
		assert_int_equal(name_of_record(id.data, id.len, &out), 0);
		assert_string_equal(out.data, expected);
		assert_true(out.len >= 252 && out.len <= 255);
		assert_true(name_is_marked(out.data));
	}
}

static void no_cut_falls_inside_a_character_or_an_escape(void **state)
{
	(void)state;
	check_cuts(TEXT("a"), "a");
	check_cuts(TEXT("\xc3\xa9"), "\xc3\xa9");
	check_cuts(TEXT("\xe6\xbc\xa2"), "\xe6\xbc\xa2");
	check_cuts(TEXT("\xf0\x9f\x98\x80"), "\xf0\x9f\x98\x80");
	check_cuts(TEXT("/"), "%2F");
	check_cuts(TEXT("\0"), "%00");
	check_cuts(TEXT("%41"), "%2541");
	check_cuts(TEXT("\xed\xa0\x80"), "%ED%A0%80");
	check_cuts(TEXT("a\xcc\x81/"), "a\xcc\x81%2F");
}

/* A percent sign that stands for itself is one byte, not an escape. */
static void a_cut_may_follow_a_percent_sign(void **state)
{
	(void)state;
	CLEANUP_BUF struct buf id, out;
	buf_init(&id, 1000);
	buf_init(&out, 1000);
	fill(&id, 232, "%zzzzzzzzzzzzzzzzzzzzzzz");
	assert_int_equal(name_of_record(id.data, id.len, &out), 0);
	assert_int_equal(out.len, 255);
	assert_memory_equal(out.data + 231, "x%~", 3);
}

static void a_long_stored_files_name_keeps_its_extension(void **state)
{
	(void)state;
	CLEANUP_BUF struct buf original, out;
	char expected[300];
	buf_init(&original, 1000);
	buf_init(&out, 1000);
	fill(&original, 300, ".tar.gz");
	assert_int_equal(
	    name_of_object(TEXT("65a1"), original.data, original.len, &out), 0);
	snprintf(expected, sizeof(expected), "65a1_%.230s~4d782ad65723eb21.gz",
	    original.data);
	assert_string_equal(out.data, expected);
	assert_int_equal(out.len, 255);
}

static void a_long_name_without_extension_ends_with_the_mark(void **state)
{
	(void)state;
	CLEANUP_BUF struct buf original, out;
	buf_init(&original, 1000);
	buf_init(&out, 1000);
	fill(&original, 300, "");
	assert_int_equal(
	    name_of_object(TEXT("65a1"), original.data, original.len, &out), 0);
	assert_int_equal(out.len, 255);
	assert_int_equal(out.data[238], '~');
}

static void a_twin_is_marked_in_front_of_the_extension(void **state)
{
	(void)state;
	assert_twin("65a1", "photo.jpg", "65a1_photo~cb69693966621487.jpg");
	assert_twin("65a1", "", "65a1_~4db6fd242267ccc2");
	assert_twin("id", "a.", "id_a~d185066f85b81f97.");
}

static void a_name_of_dots_has_no_extension(void **state)
{
	(void)state;
	assert_twin(".1", ".hidden", "%2E1_.hidden~cce58ec613bd6a06");
	assert_twin("id", "..a", "id_..a~fd660d1b69c81139");
}

static void an_extension_has_at_most_16_safe_bytes(void **state)
{
	(void)state;
	assert_twin(
	    "id", "a.xxxxxxxxxxxxxxx", "id_a~d68fe0d2df7cd4cb.xxxxxxxxxxxxxxx");
	assert_twin("id", "a.xxxxxxxxxxxxxxxx",
	    "id_a.xxxxxxxxxxxxxxxx~b4d72cedf4424997");
	assert_twin(
	    "id", "a.\n\n\n\n\n", "id_a~ac4dcc3d9301ff7f.%0A%0A%0A%0A%0A");
	assert_twin(
	    "id", "a.\n\n\n\n\n\n", "id_a.%0A%0A%0A%0A%0A%0A~ef5d6ce7d9969597");
}

/* Names become equal where an id and an originalName meet: "a" + "b_c" and
 * "a_b" + "c". */
static void equal_names_of_different_ids_get_different_marks(void **state)
{
	(void)state;
	CLEANUP_BUF struct buf one, two;
	buf_init(&one, 1000);
	buf_init(&two, 1000);
	assert_int_equal(name_of_object(TEXT("a"), TEXT("b_c"), &one), 0);
	assert_int_equal(name_of_object(TEXT("a_b"), TEXT("c"), &two), 0);
	assert_string_equal(one.data, two.data);
	buf_clear(&one);
	buf_clear(&two);
	assert_int_equal(name_of_object_twin(TEXT("a"), TEXT("b_c"), &one), 0);
	assert_int_equal(name_of_object_twin(TEXT("a_b"), TEXT("c"), &two), 0);
	assert_string_not_equal(one.data, two.data);
}

static void a_twin_is_cut_only_where_the_mark_needs_it(void **state)
{
	(void)state;
	for (size_t len = 200; len < 280; len++) {
		CLEANUP_BUF struct buf original, out;
		buf_init(&original, 1000);
		buf_init(&out, NAME_BYTES_MAX);
		fill(&original, len, ".png");
		size_t whole = 2 + original.len + 17;
		assert_int_equal(name_of_object_twin(TEXT("i"), original.data,
				     original.len, &out),
		    0);
		assert_int_equal(out.len, whole < 255 ? whole : 255);
		assert_string_equal(out.data + out.len - 4, ".png");
		assert_int_equal(out.data[out.len - 21], '~');
	}
}

static void only_long_names_with_a_mark_look_cut(void **state)
{
	(void)state;
	CLEANUP_BUF struct buf name;
	buf_init(&name, 1000);
	for (size_t len = 200; len < 240; len++) {
		fill(&name, len, "~0123456789abcdef.json");
		assert_int_equal(name_is_marked(name.data),
		    name.len >= 252 && name.len <= 255);
	}
	fill(&name, 233, "~0123456789ABCDEF.json");
	assert_false(name_is_marked(name.data));
	fill(&name, 233, "~0123456789abcdeg.json");
	assert_false(name_is_marked(name.data));
	fill(&name, 233, "-0123456789abcdef.json");
	assert_false(name_is_marked(name.data));
	fill(&name, 238, "~0123456789abcdef");
	assert_false(name_is_marked(name.data));
	assert_false(name_is_marked("a~0123456789abcdef.json"));
	assert_false(name_is_marked(""));
	assert_false(name_is_marked(".json"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_hash_is_fnv_1a),
	    cmocka_unit_test(a_long_records_name_is_cut_and_marked),
	    cmocka_unit_test(no_cut_falls_inside_a_character_or_an_escape),
	    cmocka_unit_test(a_cut_may_follow_a_percent_sign),
	    cmocka_unit_test(a_long_stored_files_name_keeps_its_extension),
	    cmocka_unit_test(a_long_name_without_extension_ends_with_the_mark),
	    cmocka_unit_test(a_twin_is_marked_in_front_of_the_extension),
	    cmocka_unit_test(a_name_of_dots_has_no_extension),
	    cmocka_unit_test(an_extension_has_at_most_16_safe_bytes),
	    cmocka_unit_test(equal_names_of_different_ids_get_different_marks),
	    cmocka_unit_test(a_twin_is_cut_only_where_the_mark_needs_it),
	    cmocka_unit_test(only_long_names_with_a_mark_look_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
