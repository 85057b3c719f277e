#include "unit.h"

#include <cjson/cJSON.h>
#include <errno.h>

#include "mcp/tool.h"

static struct tools *tools;

static int setup(void **state)
{
	(void)state;
	tools = tools_new();
	return tools ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	tools_free(tools);
	return 0;
}

static void take(const char *list)
{
	cJSON *result = cJSON_Parse(list);
	assert_non_null(result);
	assert_int_equal(tools_take(tools, result), 0);
	cJSON_Delete(result);
}

static const struct tool_values all = {
    .values = {[ARGUMENT_ORGANIZATION] = "o\"1",
	[ARGUMENT_PROJECT] = "p1",
	[ARGUMENT_ENVIRONMENT] = "dev",
	[ARGUMENT_ENVIRONMENT_ID] = "e1",
	[ARGUMENT_PAGE] = "2",
	[ARGUMENT_LIMIT] = "100"}};

static void assert_params(
    const struct tool_values *values, const char *expected)
{
	CLEANUP_BUF struct buf out;
	buf_init(&out, 1000);
	assert_int_equal(tool_params(tools, TOOL_TABLES, values, &out), 0);
	assert_string_equal(buf_str(&out), expected);
}

#define TABLES(properties)                                                     \
	"{\"tools\":[{\"name\":\"search_docs\"},{\"name\":"                    \
	"\"backend_table_list\",\"inputSchema\":{\"type\":\"object\","         \
	"\"properties\":{" properties "}}}]}"
#define PARAMS(arguments)                                                      \
	"{\"name\":\"backend_table_list\",\"arguments\":{" arguments "}}"

static void only_what_a_tool_takes_is_sent(void **state)
{
	(void)state;
	take(TABLES("\"orgId\":{},\"projectId\":{},\"envId\":{},"
		    "\"filter\":{}"));
	assert_params(
	    &all, PARAMS("\"orgId\":\"o\\\"1\",\"projectId\":\"p1\",\"envId\":"
			 "\"e1\""));
	assert_true(tool_takes(tools, TOOL_TABLES, ARGUMENT_PROJECT));
	assert_false(tool_takes(tools, TOOL_TABLES, ARGUMENT_PAGE));
	assert_null(tool_name(tools, TOOL_PROJECTS));
}

static void an_environment_is_named_or_numbered(void **state)
{
	(void)state;
	take(TABLES("\"organizationId\":{},\"projectId\":{},"
		    "\"environment\":{}"));
	assert_params(
	    &all, PARAMS("\"organizationId\":\"o\\\"1\",\"projectId\":\"p1\","
			 "\"environment\":\"dev\""));
}

static void numbers_are_numbers_unless_texts_are_wanted(void **state)
{
	(void)state;
	take(TABLES("\"page\":{\"type\":\"integer\"},\"limit\":{\"type\":"
		    "\"string\"}"));
	assert_params(&all, PARAMS("\"page\":2,\"limit\":\"100\""));
}

static void a_tool_without_arguments_gets_none(void **state)
{
	(void)state;
	take("{\"tools\":[{\"name\":\"12_backend_table_list\"}]}");
	assert_params(
	    &all, "{\"name\":\"12_backend_table_list\",\"arguments\":{}}");
}

static void what_is_required_and_not_known_is_not_guessed(void **state)
{
	(void)state;
	CLEANUP_BUF struct buf out;
	const struct tool_values none = {0};
	buf_init(&out, 1000);
	take("{\"tools\":[{\"name\":\"backend_table_list\",\"inputSchema\":"
	     "{\"properties\":{\"projectId\":{},\"secret\":{}},"
	     "\"required\":[\"projectId\"]}}]}");
	assert_int_equal(tool_params(tools, TOOL_TABLES, &none, &out), -ENOENT);
	assert_int_equal(
	    tool_params(tools, TOOL_PROJECTS, &all, &out), -ENOENT);
	assert_int_equal(tool_params(tools, TOOL_TABLES, &all, &out), 0);
}

static void lists_of_other_shapes_hold_nothing(void **state)
{
	(void)state;
	static const char *const lists[] = {"{}", "[]", "{\"tools\":7}",
	    "{\"tools\":[7,null,{\"name\":7},{\"name\":\"\"},[]]}"};
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		take(lists[i]);
	assert_null(tool_name(tools, TOOL_TABLES));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		only_what_a_tool_takes_is_sent, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		an_environment_is_named_or_numbered, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		numbers_are_numbers_unless_texts_are_wanted, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		a_tool_without_arguments_gets_none, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		what_is_required_and_not_known_is_not_guessed, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		lists_of_other_shapes_hold_nothing, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
