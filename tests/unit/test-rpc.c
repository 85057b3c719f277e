#include "unit.h"

#include <errno.h>

#include "mcp/rpc.h"

static void requests_are_json(void **state)
{
	(void)state;
	CLEANUP_BUF struct buf out;
	buf_init(&out, 1000);
	assert_int_equal(rpc_request(&out, 7, "tools/list", "{}"), 0);
	assert_buf(&out, "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":"
			 "\"tools/list\",\"params\":{}}");
	buf_clear(&out);
	assert_int_equal(rpc_request(&out, RPC_NO_ID, "a\"b", NULL), 0);
	assert_buf(&out, "{\"jsonrpc\":\"2.0\",\"method\":\"a\\\"b\"}");
}

static void assert_result(const char *text)
{
	struct rpc_answer answer;
	assert_int_equal(rpc_read(text, strlen(text), 7, &answer), 0);
	assert_non_null(answer.result);
	assert_int_equal(answer.code, 0);
	assert_true(rpc_answers(text, strlen(text), 7));
	rpc_answer_done(&answer);
}

static void the_answer_is_found_by_its_id(void **state)
{
	(void)state;
	assert_result("{\"id\":7,\"result\":{}}");
	assert_result("{\"id\":\"7\",\"result\":null}");
	assert_result("[{\"id\":8,\"result\":1},{\"method\":\"x\"},"
		      "{\"id\":7,\"result\":[]}]");
}

static void failures_have_code_and_words(void **state)
{
	(void)state;
	static const char text[] =
	    "{\"id\":7,\"error\":{\"code\":-32002,\"message\":\"gone\"}}";
	struct rpc_answer answer;
	assert_int_equal(rpc_read(TEXT(text), 7, &answer), 0);
	assert_null(answer.result);
	assert_int_equal(answer.code, RPC_NOT_FOUND);
	assert_string_equal(answer.message, "gone");
	rpc_answer_done(&answer);
}

static void what_is_no_answer_of_ours_is_none(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int err;
	} cases[] = {
	    {"", -EPROTO},
	    {"<html>", -EPROTO},
	    {"{\"id\":7", -EPROTO},
	    {"{\"id\":8,\"result\":{}}", -ENOENT},
	    {"{\"id\":7}", -ENOENT},
	    {"{\"id\":7,\"error\":\"x\"}", -ENOENT},
	    {"{\"id\":null,\"result\":{}}", -ENOENT},
	    /* A question of the server's may have the same number. */
	    {"{\"id\":7,\"method\":\"ping\",\"result\":{}}", -ENOENT},
	    {"[]", -ENOENT},
	    {"7", -ENOENT},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct rpc_answer answer;
		const char *text = cases[i].text;
		assert_int_equal(
		    rpc_read(text, strlen(text), 7, &answer), cases[i].err);
		assert_false(rpc_answers(text, strlen(text), 7));
	}
}

static void errors_without_an_id_are_read(void **state)
{
	(void)state;
	CLEANUP_BUF struct buf words;
	int64_t code;
	buf_init(&words, 1000);
	rpc_read_error(TEXT("{\"id\":null,\"error\":{\"code\":-32001,"
			    "\"message\":\"no\"}}"),
	    &code, &words);
	assert_int_equal(code, RPC_UNAUTHORIZED);
	assert_buf(&words, "no");
	buf_clear(&words);
	rpc_read_error(TEXT("{\"error\":\"invalid_grant\","
			    "\"error_description\":\"used\"}"),
	    &code, &words);
	assert_int_equal(code, 0);
	assert_buf(&words, "used");
	buf_clear(&words);
	rpc_read_error(TEXT("nothing"), &code, &words);
	assert_int_equal(words.len, 0);
}

static void a_revision_is_digits_and_dashes(void **state)
{
	(void)state;
	static const struct {
		const char *text, *revision;
	} cases[] = {
	    {"{\"id\":7,\"result\":{\"protocolVersion\":\"2025-06-18\"}}",
		"2025-06-18"},
	    {"{\"id\":7,\"result\":{\"protocolVersion\":\"2\\r\\nX: y\"}}", ""},
	    {"{\"id\":7,\"result\":{\"protocolVersion\":\"99999999999999\"}}",
		""},
	    {"{\"id\":7,\"result\":{\"protocolVersion\":3}}", ""},
	    {"{\"id\":7,\"result\":{}}", ""},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct rpc_answer answer;
		char out[12];
		const char *text = cases[i].text;
		assert_int_equal(rpc_read(text, strlen(text), 7, &answer), 0);
		rpc_revision(&answer, out, sizeof(out));
		assert_string_equal(out, cases[i].revision);
		rpc_answer_done(&answer);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(requests_are_json),
	    cmocka_unit_test(the_answer_is_found_by_its_id),
	    cmocka_unit_test(failures_have_code_and_words),
	    cmocka_unit_test(what_is_no_answer_of_ours_is_none),
	    cmocka_unit_test(errors_without_an_id_are_read),
	    cmocka_unit_test(a_revision_is_digits_and_dashes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
