#include "unit.h"

#include <cjson/cJSON.h>
#include <errno.h>

#include "mcp/items.h"

static const char *const names[] = {"tableName", "name", NULL};

/* A result whose text is that; in its items' names, a space behind each. */
static void assert_items(
    const char *part, const char *text, int err, const char *expected)
{
	CLEANUP_BUF struct buf found;
	struct items *items = NULL;
	const char *words;
	buf_init(&found, 10000);
	cJSON *result = cJSON_CreateObject();
	cJSON *list = cJSON_AddArrayToObject(result, part);
	cJSON *one = cJSON_CreateObject();
	cJSON_AddStringToObject(one, "text", text);
	cJSON_AddItemToArray(list, one);
	assert_int_equal(items_read(result, &items, &words), err);
	for (size_t i = 0; err == 0 && i < items_count(items); i++) {
		const char *name = items_text(items, i, names);
		buf_printf(&found, "%s ", name ? name : "-");
	}
	assert_string_equal(buf_str(&found), expected);
	items_free(items);
	cJSON_Delete(result);
}

static void lists_are_found_bare_and_in_envelopes(void **state)
{
	(void)state;
	assert_items("content",
	    "{\"items\":[{\"tableName\":\"a\"},{\"name\":\"b\"},{},7]}", 0,
	    "a b - - ");
	assert_items("contents", "[{\"tableName\":\"a\"},\"b\"]", 0, "a b ");
	assert_items("content",
	    "{\"success\":true,\"data\":{\"items\":[{\"name\":7}]}}", 0, "7 ");
	assert_items("content", "{\"data\":[]}", 0, "");
	assert_items("content", "{\"tables\":[{\"name\":\"a\"}]}", 0, "a ");
}

static void what_holds_no_list_is_none(void **state)
{
	(void)state;
	assert_items("content", "# Hello", -EPROTO, "");
	assert_items("content", "{\"items\":{}}", -EPROTO, "");
	assert_items("content", "{\"items\":7}", -EPROTO, "");
	assert_items("else", "[]", -EPROTO, "");
}

static void a_tool_may_fail_in_words(void **state)
{
	(void)state;
	struct items *items;
	const char *words;
	cJSON *result = cJSON_Parse("{\"isError\":true,\"content\":[{\"text\":"
				    "\"not yours\"}]}");
	assert_int_equal(items_read(result, &items, &words), -EACCES);
	assert_string_equal(words, "not yours\n");
	items_free(items);
	cJSON_Delete(result);
}

static int more(const char *text, int64_t page, int64_t seen)
{
	struct items *items;
	const char *words;
	cJSON *result = cJSON_CreateObject();
	cJSON *one = cJSON_CreateObject();
	cJSON_AddItemToArray(cJSON_AddArrayToObject(result, "content"), one);
	cJSON_AddStringToObject(one, "text", text);
	assert_int_equal(items_read(result, &items, &words), 0);
	int r = items_more(items, page, seen);
	items_free(items);
	cJSON_Delete(result);
	return r;
}

static void more_pages_are_told_of_in_many_ways(void **state)
{
	(void)state;
	assert_int_equal(
	    more("{\"items\":[],\"pagination\":{\"hasNext\":true}}", 1, 0), 1);
	assert_int_equal(
	    more("{\"items\":[],\"pagination\":{\"hasNextPage\":false,"
		 "\"totalPages\":9}}",
		1, 0),
	    0);
	assert_int_equal(more("{\"items\":[],\"totalPages\":3}", 2, 9), 1);
	assert_int_equal(more("{\"items\":[],\"totalPages\":3}", 3, 9), 0);
	assert_int_equal(
	    more("{\"data\":{\"items\":[],\"pagination\":{\"total\":21}}}", 1,
		20),
	    1);
	assert_int_equal(more("{\"items\":[],\"total\":20}", 1, 20), 0);
	assert_int_equal(more("{\"items\":[],\"total\":-1}", 1, 20), -1);
	assert_int_equal(more("[]", 1, 0), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lists_are_found_bare_and_in_envelopes),
	    cmocka_unit_test(what_holds_no_list_is_none),
	    cmocka_unit_test(a_tool_may_fail_in_words),
	    cmocka_unit_test(more_pages_are_told_of_in_many_ways),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
