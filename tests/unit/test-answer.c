#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/answer.h"

/* ---- what may be an answer at all ---- */

#define MAY_BE(text) answer_may_be_object(TEXT(text))

static void what_begins_as_an_object_may_be_one(void **state)
{
	(void)state;
	assert_true(MAY_BE(""));
	assert_true(MAY_BE(" \t\r\n"));
	assert_true(MAY_BE(" {"));
	assert_true(MAY_BE("{]"));
	assert_false(MAY_BE(" ["));
	assert_false(MAY_BE("<html>{"));
}

/* Whatever of a byte order mark has come yet, and no more than that. */
static void part_of_a_mark_may_become_an_object(void **state)
{
	(void)state;
	assert_true(MAY_BE("\xef"));
	assert_true(MAY_BE("\xef\xbb"));
	assert_true(MAY_BE("\xef\xbb\xbf"));
	assert_true(MAY_BE("\xef\xbb\xbf {"));
	assert_false(MAY_BE("\xef\xbb\xbf<"));
	assert_false(MAY_BE("\xbb"));
	assert_false(MAY_BE("\xef{"));
	assert_false(MAY_BE("\xef\xbb{"));
	assert_false(MAY_BE("\xef\xbb\0"));
}

/* ---- errors ---- */

static struct api_error error_of(const char *body)
{
	struct api_error error = {0};
	CLEANUP_BUF struct buf code, message;
	buf_init(&code, 4096);
	buf_init(&message, 4096);
	answer_error(body, strlen(body), &code, &message);
	snprintf(error.code, sizeof(error.code), "%s", buf_str(&code));
	snprintf(error.message, sizeof(error.message), "%s", buf_str(&message));
	return error;
}

static void all_three_error_shapes_give_code_and_message(void **state)
{
	(void)state;
	static const struct {
		const char *body, *code, *message;
	} cases[] = {
	    {"{\"success\":false,\"error\":{\"code\":\"data/table-not-found\","
	     "\"message\":\"no such table\"}}",
		"data/table-not-found", "no such table"},
	    {"{\"statusCode\":403,\"error\":\"PERMISSION_DENIED\","
	     "\"message\":\"not yours\"}",
		"PERMISSION_DENIED", "not yours"},
	    {"{\"error\":{\"code\":\"NOT_FOUND\",\"message\":\"gone\"}}",
		"NOT_FOUND", "gone"},
	    {"{\"error\":{\"message\":\"no code\"}}", "", "no code"},
	    {"{\"error\":{\"code\":\"no-message\"}}", "no-message", ""},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct api_error error = error_of(cases[i].body);
		assert_string_equal(error.code, cases[i].code);
		assert_string_equal(error.message, cases[i].message);
	}
}

static void a_body_of_no_error_shape_leaves_both_empty(void **state)
{
	(void)state;
	static const char *const bodies[] = {"", "<html>502</html>", "[]",
	    "\"error\"", "null", "{", "{\"error\":7,\"message\":[]}",
	    "{\"error\":{\"code\":1,\"message\":{}}}", "{\"error\":null}"};
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		struct api_error error = error_of(bodies[i]);
		assert_string_equal(error.code, "");
		assert_string_equal(error.message, "");
	}
}

static void long_codes_and_messages_are_cut(void **state)
{
	(void)state;
	struct buf body;
	buf_init(&body, BUF_MAX_DEFAULT);
	buf_adds(&body, "{\"error\":{\"code\":\"");
	for (int i = 0; i < 500; i++)
		buf_addc(&body, 'c');
	buf_adds(&body, "\",\"message\":\"");
	for (int i = 0; i < 500; i++)
		buf_addc(&body, 'm');
	buf_adds(&body, "\"}}");
	struct api_error error = error_of(buf_str(&body));
	assert_int_equal(strlen(error.code), sizeof(error.code) - 1);
	assert_int_equal(strlen(error.message), sizeof(error.message) - 1);
	buf_done(&body);
}

static void an_error_without_a_nul_behind_it_is_read(void **state)
{
	(void)state;
	static const char body[] = "{\"error\":{\"code\":\"X\"}}";
	size_t len = sizeof(body) - 1;
	char *exact = malloc(len);
	assert_non_null(exact);
	memcpy(exact, body, len);
	struct buf code, message;
	buf_init(&code, 4096);
	buf_init(&message, 4096);
	answer_error(exact, len, &code, &message);
	assert_string_equal(buf_str(&code), "X");
	buf_done(&code);
	buf_done(&message);
	free(exact);
}

static bool is_failure(const char *body)
{
	return answer_is_failure(body, strlen(body));
}

static void a_failure_is_told_from_a_payload(void **state)
{
	(void)state;
	assert_true(is_failure("{\"success\":false}"));
	assert_true(is_failure("{\"error\":{\"code\":\"X\"}}"));
	assert_false(is_failure("{}"));
	assert_false(is_failure("[]"));
	assert_false(is_failure(""));
	assert_false(is_failure("{\"success\":true,\"data\":{}}"));
	assert_false(is_failure("{\"success\":\"false\"}"));
	/* A spec may have a member of that name. */
	assert_false(is_failure("{\"error\":{},\"schema\":{}}"));
	assert_false(is_failure("{\"error\":\"text\"}"));
}

/* ---- tokens ---- */

static int tokens_of(const char *body, struct answer_tokens *ret)
{
	return answer_tokens(body, strlen(body), ret);
}

static void tokens_come_bare_and_in_an_envelope(void **state)
{
	(void)state;
	static const char *const bodies[] = {
	    "{\"accessToken\":\"a\",\"refreshToken\":\"r\","
	    "\"tokenType\":\"Bearer\",\"expiresIn\":1800}",
	    "{\"success\":true,\"data\":{\"accessToken\":\"a\","
	    "\"refreshToken\":\"r\",\"expiresIn\":\"1800\"}}"};
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		struct answer_tokens tokens;
		assert_int_equal(tokens_of(bodies[i], &tokens), 0);
		assert_string_equal(tokens.access, "a");
		assert_string_equal(tokens.refresh, "r");
		assert_int_equal(tokens.lifetime_ms, 1800000);
		answer_tokens_done(&tokens);
		assert_null(tokens.access);
		assert_null(tokens.refresh);
	}
}

static void tokens_without_a_refresh_token_are_taken(void **state)
{
	(void)state;
	static const char *const bodies[] = {"{\"accessToken\":\"a\"}",
	    "{\"accessToken\":\"a\",\"refreshToken\":\"\"}",
	    "{\"accessToken\":\"a\",\"refreshToken\":null}",
	    "{\"accessToken\":\"a\",\"refreshToken\":5}"};
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		struct answer_tokens tokens;
		assert_int_equal(tokens_of(bodies[i], &tokens), 0);
		assert_string_equal(tokens.access, "a");
		assert_null(tokens.refresh);
		answer_tokens_done(&tokens);
	}
}

static void a_lifetime_that_is_not_said_is_an_hour(void **state)
{
	(void)state;
	static const char *const lifetimes[] = {
	    "null", "-5", "1.5", "\"soon\"", "\"\"", "1e300", "{}", "true"};
	for (size_t i = 0; i < ARRAY_SIZE(lifetimes); i++) {
		struct buf body;
		struct answer_tokens tokens;
		buf_init(&body, 1024);
		buf_printf(&body, "{\"accessToken\":\"a\",\"expiresIn\":%s}",
		    lifetimes[i]);
		assert_int_equal(tokens_of(buf_str(&body), &tokens), 0);
		assert_int_equal(tokens.lifetime_ms, 3600000);
		answer_tokens_done(&tokens);
		buf_done(&body);
	}
}

static void an_answer_without_an_access_token_is_refused(void **state)
{
	(void)state;
	static const char *const bodies[] = {"", "{}", "[]", "null",
	    "{\"accessToken\":\"\"}", "{\"accessToken\":7}",
	    "{\"refreshToken\":\"r\"}", "{\"success\":true,\"data\":null}",
	    "{\"success\":true,\"data\":[]}", "<html></html>",
	    "{\"accessToken\":\"a\"",
	    /* They would break out of the header line. */
	    "{\"accessToken\":\"a\\r\\nX-Evil: 1\"}",
	    "{\"accessToken\":\"a b\"}", "{\"accessToken\":\"\\u00e9\"}",
	    "{\"accessToken\":\"a\\n\",\"refreshToken\":\"r\"}"};
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		struct answer_tokens tokens = {.lifetime_ms = 42};
		assert_int_equal(tokens_of(bodies[i], &tokens), -EPROTO);
		assert_int_equal(tokens.lifetime_ms, 42);
	}
}

/* ---- pagination ---- */

static int page_of(const char *skeleton, struct api_page *ret)
{
	return answer_page(skeleton, strlen(skeleton), ret);
}

#define PAGINATION                                                             \
	"\"pagination\":{\"total\":250,\"page\":2,\"limit\":100,"              \
	"\"totalPages\":3,\"%s\":%s}"

static void assert_page(const char *skeleton, int has_next)
{
	struct api_page page;
	assert_int_equal(page_of(skeleton, &page), 0);
	assert_int_equal(page.total, 250);
	assert_int_equal(page.page, 2);
	assert_int_equal(page.limit, 100);
	assert_int_equal(page.total_pages, 3);
	assert_int_equal(page.has_next, has_next);
}

static void pagination_is_found_in_every_envelope(void **state)
{
	(void)state;
	static const char numbers[] = "\"total\":250,\"page\":2,\"limit\":100,"
				      "\"totalPages\":3";
	static const char *const forms[] = {
	    "{\"items\":[],\"pagination\":{%s}}",
	    "{\"pagination\":{%s},\"items\":[]}",
	    "{\"success\":true,\"data\":{\"items\":[],\"pagination\":{%s}}}",
	    "{\"success\":true,\"data\":{\"items\":[]},\"pagination\":{%s}}",
	    "{\"items\":[],%s}",
	    "{\"success\":true,\"data\":{\"items\":[],%s}}",
	};
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		struct buf body;
		buf_init(&body, 1024);
		const char *hole = strstr(forms[i], "%s");
		buf_add(&body, forms[i], (size_t)(hole - forms[i]));
		buf_adds(&body, numbers);
		buf_adds(&body, hole + 2);
		assert_page(buf_str(&body), -1);
		buf_done(&body);
	}
}

static void both_names_of_the_next_page_are_known(void **state)
{
	(void)state;
	static const char *const names[] = {"hasNext", "hasNextPage"};
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		for (int next = 0; next < 2; next++) {
			struct buf body;
			buf_init(&body, 1024);
			buf_printf(&body, "{\"items\":[]," PAGINATION "}",
			    names[i], next ? "true" : "false");
			assert_page(buf_str(&body), next);
			buf_done(&body);
		}
	}
	assert_page("{\"items\":[],\"pagination\":{\"total\":250,\"page\":2,"
		    "\"limit\":100,\"totalPages\":3,\"hasNext\":\"yes\"}}",
	    -1);
}

static void numbers_that_are_none_count_as_not_told(void **state)
{
	(void)state;
	struct api_page page;
	assert_int_equal(page_of("{\"items\":[]}", &page), 0);
	assert_int_equal(page.total, -1);
	assert_int_equal(page.total_pages, -1);
	assert_int_equal(page_of("{\"items\":[],\"pagination\":{\"total\":-3,"
				 "\"page\":\"x\",\"limit\":1.5,"
				 "\"totalPages\":1e99}}",
			     &page),
	    0);
	assert_int_equal(page.total, -1);
	assert_int_equal(page.page, -1);
	assert_int_equal(page.limit, -1);
	assert_int_equal(page.total_pages, -1);
	assert_int_equal(
	    page_of("{\"items\":[],\"pagination\":{\"total\":\"12\"}}", &page),
	    0);
	assert_int_equal(page.total, 12);
}

static void an_error_is_no_page(void **state)
{
	(void)state;
	struct api_page page;
	assert_int_equal(
	    page_of("{\"success\":false,\"error\":{}}", &page), -EPROTO);
	assert_int_equal(page_of("[]", &page), -EPROTO);
	assert_int_equal(page_of("", &page), -EPROTO);
	assert_int_equal(page_of("{\"items\":[]", &page), -EPROTO);
}

/* ---- download URLs ---- */

static int download_of(const char *body, struct answer_download *ret)
{
	return answer_download(body, strlen(body), ret);
}

static void a_download_url_comes_with_size_and_expiry(void **state)
{
	(void)state;
	static const char *const bodies[] = {
	    "{\"url\":\"https://s/o?sig=1\",\"filename\":\"a.txt\","
	    "\"contentType\":\"text/plain\",\"size\":12,"
	    "\"expiresAt\":\"2026-04-13T09:30:00.123Z\"}",
	    "{\"success\":true,\"data\":{\"url\":\"https:\\/\\/s\\/o?sig=1\","
	    "\"size\":\"12\",\"expiresAt\":\"2026-04-13T09:30:00.123Z\"}}"};
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		struct answer_download download;
		assert_int_equal(download_of(bodies[i], &download), 0);
		assert_string_equal(download.url, "https://s/o?sig=1");
		assert_int_equal(download.size, 12);
		assert_int_equal(download.expires_ms, INT64_C(1776072600123));
		answer_download_done(&download);
		assert_null(download.url);
	}
}

static void strange_file_names_do_not_spoil_a_download(void **state)
{
	(void)state;
	static const char *const names[] = {"\\ud800", "a\\udfffb\\ud800",
	    "nul\\u0000nul", "\xff\xfe", "a/b\\\\c\\\"", "\\ud83d\\ude00", ""};
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct buf body;
		struct answer_download download;
		buf_init(&body, 1024);
		buf_printf(&body,
		    "{\"filename\":\"%s\",\"url\":\"https://s/o\"}", names[i]);
		assert_int_equal(download_of(buf_str(&body), &download), 0);
		assert_string_equal(download.url, "https://s/o");
		assert_int_equal(download.size, -1);
		assert_int_equal(download.expires_ms, -1);
		answer_download_done(&download);
		buf_done(&body);
	}
}

static void an_expiry_may_have_any_form_of_a_date(void **state)
{
	(void)state;
	static const char *const times[] = {"1776072600", "1776072600000",
	    "\"2026-04-13 09:30:00+00\"", "\"2026-04-13T09:30:00\"",
	    "{\"$date\":1776072600000}"};
	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		struct answer_download download;
		char body[128];
		snprintf(body, sizeof(body),
		    "{\"url\":\"https://s/o\",\"expiresAt\":%s}", times[i]);
		assert_int_equal(download_of(body, &download), 0);
		assert_int_equal(download.expires_ms, INT64_C(1776072600000));
		answer_download_done(&download);
	}
}

static void an_expiry_that_is_no_time_counts_as_not_said(void **state)
{
	(void)state;
	static const char *const times[] = {
	    "\"soon\"", "1e400", "null", "\"\"", "\"2026-13-01T00:00:00Z\""};
	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		struct buf body;
		struct answer_download download;
		buf_init(&body, 1024);
		buf_printf(&body,
		    "{\"url\":\"https://s/o\",\"size\":-1,"
		    "\"expiresAt\":%s}",
		    times[i]);
		assert_int_equal(download_of(buf_str(&body), &download), 0);
		assert_int_equal(download.expires_ms, -1);
		assert_int_equal(download.size, -1);
		answer_download_done(&download);
		buf_done(&body);
	}
}

static void a_download_without_a_url_is_refused(void **state)
{
	(void)state;
	static const char *const bodies[] = {"", "{}", "[]", "null",
	    "{\"url\":\"\"}", "{\"url\":null}", "{\"url\":[\"https://s\"]}",
	    "{\"url\":\"https://s\\u0000.evil\"}",
	    "{\"success\":true,\"data\":\"https://s\"}",
	    "{\"success\":true,\"data\":{}}", "{\"url\":\"https://s\""};
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		struct answer_download download = {.size = 42};
		assert_int_equal(download_of(bodies[i], &download), -EPROTO);
		assert_int_equal(download.size, 42);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_begins_as_an_object_may_be_one),
	    cmocka_unit_test(part_of_a_mark_may_become_an_object),
	    cmocka_unit_test(all_three_error_shapes_give_code_and_message),
	    cmocka_unit_test(a_body_of_no_error_shape_leaves_both_empty),
	    cmocka_unit_test(long_codes_and_messages_are_cut),
	    cmocka_unit_test(an_error_without_a_nul_behind_it_is_read),
	    cmocka_unit_test(a_failure_is_told_from_a_payload),
	    cmocka_unit_test(tokens_come_bare_and_in_an_envelope),
	    cmocka_unit_test(tokens_without_a_refresh_token_are_taken),
	    cmocka_unit_test(a_lifetime_that_is_not_said_is_an_hour),
	    cmocka_unit_test(an_answer_without_an_access_token_is_refused),
	    cmocka_unit_test(pagination_is_found_in_every_envelope),
	    cmocka_unit_test(both_names_of_the_next_page_are_known),
	    cmocka_unit_test(numbers_that_are_none_count_as_not_told),
	    cmocka_unit_test(an_error_is_no_page),
	    cmocka_unit_test(a_download_url_comes_with_size_and_expiry),
	    cmocka_unit_test(strange_file_names_do_not_spoil_a_download),
	    cmocka_unit_test(an_expiry_may_have_any_form_of_a_date),
	    cmocka_unit_test(an_expiry_that_is_no_time_counts_as_not_said),
	    cmocka_unit_test(a_download_without_a_url_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
