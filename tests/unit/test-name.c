/* Names and back: of records, of stored files, of tables. */
#include <errno.h>

#include "unit.h"

#include "base/utf8.h"
#include "name-fixture.h"
#include "random.h"
#include "tree/name.h"

#define assert_record(id, name)                                                \
	do {                                                                   \
		CLEANUP_BUF struct buf out;                                    \
		buf_init(&out, 1000);                                          \
		assert_int_equal(name_of_record(TEXT(id), &out), 0);           \
		assert_string_equal(buf_str(&out), name);                      \
	} while (0)

#define assert_object(id, original, name)                                      \
	do {                                                                   \
		CLEANUP_BUF struct buf out;                                    \
		buf_init(&out, 1000);                                          \
		assert_int_equal(                                              \
		    name_of_object(TEXT(id), TEXT(original), &out), 0);        \
		assert_string_equal(buf_str(&out), name);                      \
	} while (0)

static void a_usual_id_is_its_own_name(void **state)
{
	(void)state;
	assert_record(
	    "507f1f77bcf86cd799439011", "507f1f77bcf86cd799439011.json");
	assert_record("a b~c:d*e?f\"<>|\\", "a b~c:d*e?f\"<>|\\.json");
	assert_record("a.json", "a.json.json");
}

static void slashes_and_control_characters_are_escaped(void **state)
{
	(void)state;
	assert_record("a/b", "a%2Fb.json");
	assert_record("a\nb", "a%0Ab.json");
	assert_record("\x1b[31m", "%1B[31m.json");
	assert_record("\0\x01\x1f\x7f", "%00%01%1F%7F.json");
	assert_record("\xc2\x80\xc2\x85\xc2\x9f", "%C2%80%C2%85%C2%9F.json");
	assert_record("\xc2\xa0 \x7e", "\xc2\xa0 ~.json");
}

static void only_a_dot_that_begins_an_id_is_escaped(void **state)
{
	(void)state;
	assert_record(".", "%2E.json");
	assert_record("..", "%2E..json");
	assert_record(".hidden", "%2Ehidden.json");
	assert_record("...a.b.", "%2E..a.b..json");
	assert_record("a.b", "a.b.json");
	assert_object(".x", ".y", "%2Ex_.y");
	assert_object("x", "..", "x_..");
}

static void percent_signs_are_escaped_before_two_hex_digits(void **state)
{
	(void)state;
	assert_record("%2f", "%252f.json");
	assert_record("%2F", "%252F.json");
	assert_record("%aB%Ff%00", "%25aB%25Ff%2500.json");
	assert_record("100%", "100%.json");
	assert_record("%", "%.json");
	assert_record("%2", "%2.json");
	assert_record("%2g%g2%%", "%2g%g2%%.json");
	assert_record("%%41", "%%2541.json");
	assert_record("%2/", "%2%2F.json"); /* judged before it is escaped */
	assert_record("%4\x01", "%4%01.json");
	assert_object("a%2", "f", "a%2_f");
	assert_object("a%", "2f", "a%_2f");
	assert_object("a", "%2f", "a_%252f");
}

static void bytes_that_are_not_utf8_are_escaped(void **state)
{
	(void)state;
	assert_record("\xff", "%FF.json");
	assert_record("a\x80z", "a%80z.json");
	assert_record("\xc3", "%C3.json");
	assert_record("\xc3z", "%C3z.json");
	assert_record("\xc0\xaf", "%C0%AF.json"); /* overlong slash */
	assert_record("\xe0\x80\xaf", "%E0%80%AF.json");
	assert_record("\xed\xa0\x80", "%ED%A0%80.json"); /* lone surrogates */
	assert_record("\xed\xbf\xbf", "%ED%BF%BF.json");
	assert_record("\xf4\x90\x80\x80", "%F4%90%80%80.json");
	assert_record("\xf0\x9f\x98", "%F0%9F%98.json");
	assert_record("\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80.json");
	assert_object("\xc3", "\xa9", "%C3_%A9");
}

static void both_normal_forms_stay_apart(void **state)
{
	(void)state;
	assert_record("\xc3\xa9", "\xc3\xa9.json");
	assert_record("e\xcc\x81", "e\xcc\x81.json");
}

static void a_stored_files_name_joins_id_and_original(void **state)
{
	(void)state;
	assert_object("65a1", "photo.jpg", "65a1_photo.jpg");
	assert_object(
	    "65a1", "../../etc/passwd", "65a1_..%2F..%2Fetc%2Fpasswd");
	assert_object("65a1", "a\0b\n", "65a1_a%00b%0A");
	assert_object("65a1", "", "65a1_");
	CLEANUP_BUF struct buf out;
	buf_init(&out, 100);
	assert_int_equal(name_of_object(TEXT("65a1"), NULL, 0, &out), 0);
	assert_buf(&out, "65a1_");
}

static void names_are_appended(void **state)
{
	(void)state;
	CLEANUP_BUF struct buf out;
	buf_init(&out, 100);
	assert_int_equal(name_of_record(TEXT("a"), &out), 0);
	assert_int_equal(name_of_object(TEXT("b"), TEXT("c"), &out), 0);
	assert_buf(&out, "a.jsonb_c");
}

static void a_full_buffer_is_told(void **state)
{
	(void)state;
	CLEANUP_BUF struct buf out;
	buf_init(&out, 5);
	assert_int_equal(name_of_record(TEXT("a"), &out), -EMSGSIZE);
	assert_int_equal(
	    name_of_object(TEXT("abc"), TEXT("de"), &out), -EMSGSIZE);
	assert_int_equal(
	    name_of_object_twin(TEXT("a"), TEXT("b"), &out), -EMSGSIZE);
	assert_int_equal(out.len, 0);
}

static int to_id(const char *name, struct buf *out)
{
	return name_to_record_id(name, out);
}

static void records_names_are_turned_back(void **state)
{
	(void)state;
	static const char *const pairs[][2] = {{"abc.json", "abc"},
	    {"a%2Fb.json", "a/b"}, {"%2E.json", "."}, {"%2E..json", ".."},
	    {"a.json.json", "a.json"}, {"%252f.json", "%2f"},
	    {"100%.json", "100%"}, {"%FF%ED%A0%80.json", "\xff\xed\xa0\x80"},
	    {"e\xcc\x81.json", "e\xcc\x81"}};
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		CLEANUP_BUF struct buf id;
		buf_init(&id, 100);
		assert_int_equal(to_id(pairs[i][0], &id), 0);
		assert_string_equal(buf_str(&id), pairs[i][1]);
	}
	CLEANUP_BUF struct buf id;
	buf_init(&id, 100);
	assert_int_equal(to_id("a%00b.json", &id), 0);
	assert_buf(&id, "a\0b");
}

static void other_spellings_stand_for_no_id(void **state)
{
	(void)state;
	static const char *const bad[] = {"", ".json", "json", "abc",
	    "abc.JSON", "abc.jso", "abc.json ", "abc.json.", ".spec.json",
	    "..json", ".hidden.json", "%41.json", "a%2fb.json", "a%2eb.json",
	    "a%2Eb.json", "%25.json", "%252.json", "a/b.json", "a\nb.json",
	    "\x7f.json", "\xc2\x85.json", "\xff.json", "\xed\xa0\x80.json",
	    "%C3%A9.json", "%20.json", "%C3\xa9.json"};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		CLEANUP_BUF struct buf id;
		buf_init(&id, 100);
		assert_int_equal(buf_adds(&id, "x"), 0);
		if (to_id(bad[i], &id) != -ENOENT)
			fail_msg("turned back: %s", bad[i]);
		assert_string_equal(buf_str(&id), "x");
	}
}

static void names_over_the_limit_stand_for_no_id(void **state)
{
	(void)state;
	CLEANUP_BUF struct buf name, id;
	buf_init(&name, 1000);
	buf_init(&id, 1000);
	fill(&name, 250, ".json");
	assert_int_equal(to_id(name.data, &id), 0);
	assert_int_equal(id.len, 250);
	fill(&name, 251, ".json");
	assert_int_equal(to_id(name.data, &id), -ENOENT);
}

/* Text made of what the rules are about, so that they meet. */
static void random_text(uint64_t *random, size_t pieces, struct buf *out)
{
	static const struct {
		const char *text;
		size_t len;
	} atoms[] = {{TEXT("a")}, {TEXT("F")}, {TEXT("2")}, {TEXT("%")},
	    {TEXT("%2")}, {TEXT("%41")}, {TEXT("%25")}, {TEXT(".")},
	    {TEXT("/")}, {TEXT("\0")}, {TEXT("\n")}, {TEXT("\x1b")},
	    {TEXT("\x7f")}, {TEXT("\xc2\x85")}, {TEXT("\xc3\xa9")},
	    {TEXT("e\xcc\x81")}, {TEXT("\xf0\x9f\x98\x80")},
	    {TEXT("\xed\xa0\x80")}, {TEXT("\xff")}, {TEXT("\xc0")},
	    {TEXT("\xe2\x82")}, {TEXT("~")}, {TEXT(".json")}};
	buf_clear(out);
	for (size_t i = random_below(random, pieces + 1); i > 0; i--) {
		size_t k = random_below(random, ARRAY_SIZE(atoms) + 1);
		char byte = (char)random_below(random, 256);
		if (k == ARRAY_SIZE(atoms))
			assert_int_equal(buf_addc(out, byte), 0);
		else
			assert_int_equal(
			    buf_add(out, atoms[k].text, atoms[k].len), 0);
	}
}

static void assert_good_entry(const struct buf *name)
{
	assert_true(name->len > 0 && name->len <= NAME_BYTES_MAX);
	assert_int_not_equal(name->data[0], '.');
	for (size_t i = 0; i < name->len;) {
		uint32_t code;
		size_t n = utf8_sequence(name->data + i, name->len - i, &code);
		assert_true(n > 0 && code >= 0x20 && code != '/');
		assert_false(code >= 0x7f && code <= 0x9f);
		i += n;
	}
}

/* Which makes the encoding injective, too. */
static void every_uncut_name_can_be_turned_back(void **state)
{
	(void)state;
	uint64_t random = 1;
	CLEANUP_BUF struct buf id, name, back;
	buf_init(&id, 1000);
	buf_init(&name, NAME_BYTES_MAX);
	buf_init(&back, NAME_BYTES_MAX);
	for (int i = 0; i < 100000; i++) {
		random_text(&random, i % 8 ? 8 : 100, &id);
		if (id.len == 0)
			continue;
		buf_clear(&name);
		buf_clear(&back);
		assert_int_equal(name_of_record(id.data, id.len, &name), 0);
		assert_good_entry(&name);
		if (name_is_marked(name.data))
			continue;
		assert_int_equal(to_id(name.data, &back), 0);
		assert_text(back.data, back.len, id.data, id.len);
	}
}

/* And whatever is asked for: what is found has just that name. */
static void every_name_that_stands_for_an_id_is_its_name(void **state)
{
	(void)state;
	uint64_t random = 2;
	int found = 0;
	CLEANUP_BUF struct buf name, id, back;
	buf_init(&name, 1000);
	buf_init(&id, NAME_BYTES_MAX);
	buf_init(&back, NAME_BYTES_MAX);
	for (int i = 0; i < 100000; i++) {
		random_text(&random, 4, &name);
		assert_int_equal(buf_adds(&name, ".json"), 0);
		buf_clear(&id);
		buf_clear(&back);
		if (to_id(name.data, &id) < 0)
			continue;
		found++;
		assert_int_equal(name_of_record(id.data, id.len, &back), 0);
		assert_string_equal(back.data, name.data);
	}
	assert_true(found > 1000);
}

static void stored_files_names_are_good_entries(void **state)
{
	(void)state;
	uint64_t random = 3;
	CLEANUP_BUF struct buf id, original, name;
	buf_init(&id, 1000);
	buf_init(&original, 1000);
	buf_init(&name, NAME_BYTES_MAX);
	for (int i = 0; i < 50000; i++) {
		random_text(&random, 5, &id);
		random_text(&random, i % 4 ? 8 : 150, &original);
		buf_clear(&name);
		assert_int_equal(name_of_object(id.data, id.len, original.data,
				     original.len, &name),
		    0);
		assert_good_entry(&name);
		buf_clear(&name);
		assert_int_equal(name_of_object_twin(id.data, id.len,
				     original.data, original.len, &name),
		    0);
		assert_good_entry(&name);
	}
}

static void tables_have_plain_names(void **state)
{
	(void)state;
	static const char *const good[] = {
	    "a", "Z", "posts", "my-table_2", "storage", "files", "a--__9"};
	static const char *const bad[] = {"", "_system", "-a", "9a", "a.b",
	    "a b", "a/b", ".", "..", "caf\xc3\xa9", "a\n", "a%20",
	    "storage.table"};
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_true(name_is_table(good[i]));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_false(name_is_table(bad[i]));
		if (strcmp(bad[i], "storage.table") != 0)
			assert_null(name_to_table(bad[i]));
	}
}

static void a_tables_name_has_at_most_64_characters(void **state)
{
	(void)state;
	CLEANUP_BUF struct buf table;
	buf_init(&table, 100);
	fill(&table, 63, "9");
	assert_true(name_is_table(table.data));
	assert_string_equal(name_to_table(table.data), table.data);
	fill(&table, 64, "9");
	assert_false(name_is_table(table.data));
	assert_null(name_to_table(table.data));
}

static void only_the_table_named_storage_moves_aside(void **state)
{
	(void)state;
	assert_string_equal(name_of_table_dir("posts"), "posts");
	assert_string_equal(name_of_table_dir("storage"), "storage.table");
	assert_string_equal(name_of_table_dir("Storage"), "Storage");
	assert_string_equal(name_to_table("posts"), "posts");
	assert_string_equal(name_to_table("Storage"), "Storage");
	assert_string_equal(name_to_table("storage.table"), "storage");
	assert_null(name_to_table("storage"));
	assert_null(name_to_table("files"));
	assert_null(name_to_table("posts.table"));
	assert_null(name_to_table(".bkendfs"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_usual_id_is_its_own_name),
	    cmocka_unit_test(slashes_and_control_characters_are_escaped),
	    cmocka_unit_test(only_a_dot_that_begins_an_id_is_escaped),
	    cmocka_unit_test(percent_signs_are_escaped_before_two_hex_digits),
	    cmocka_unit_test(bytes_that_are_not_utf8_are_escaped),
	    cmocka_unit_test(both_normal_forms_stay_apart),
	    cmocka_unit_test(a_stored_files_name_joins_id_and_original),
	    cmocka_unit_test(names_are_appended),
	    cmocka_unit_test(a_full_buffer_is_told),
	    cmocka_unit_test(records_names_are_turned_back),
	    cmocka_unit_test(other_spellings_stand_for_no_id),
	    cmocka_unit_test(names_over_the_limit_stand_for_no_id),
	    cmocka_unit_test(every_uncut_name_can_be_turned_back),
	    cmocka_unit_test(every_name_that_stands_for_an_id_is_its_name),
	    cmocka_unit_test(stored_files_names_are_good_entries),
	    cmocka_unit_test(tables_have_plain_names),
	    cmocka_unit_test(a_tables_name_has_at_most_64_characters),
	    cmocka_unit_test(only_the_table_named_storage_moves_aside),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
