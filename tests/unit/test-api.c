#include "unit.h"

#include <errno.h>
#include <stdio.h>

#include "api-fixture.h"

/* ---- bodies ---- */

static void a_body_cut_short_is_asked_for_again(void **state)
{
	(void)state;
	start_guest();
	ANSWER_GET(&outcomes[0], .status = 200, .body = "{\"id\":\"a\",\"x\":");
	fake_advance(fake, 200);
	ANSWER(only(), .status = 200, .body = "{\"id\":\"a", .err = -EPIPE);
	fake_advance(fake, 400);
	ANSWER(only(), .status = 200, .body = "{\"id\":\"a\",\"x\":1}");
	assert_outcome(&outcomes[0], 0, 200);
	assert_buf(&outcomes[0].text, "{\"id\":\"a\",\"x\":1}");
}

static void a_body_that_stays_cut_short_is_eio(void **state)
{
	(void)state;
	start_guest();
	get("a", &outcomes[0]);
	int64_t took = persist(&outcomes[0],
	    &(struct fake_answer){.status = 200, .body = "{\"id\":\"a\""}, 0);
	assert_outcome(&outcomes[0], -EIO, 0);
	assert_int_equal(took, RETRY_MS);
}

static void a_whole_body_that_is_no_answer_is_eproto_in_the_end(void **state)
{
	(void)state;
	static const char *const bodies[] = {
	    "<html><body>sign in to this network</body></html>", "[]", "null",
	    "\"text\"", "{\"success\":true,\"data\":[]}",
	    "{\"id\":\"another\"}", "{\"name\":\"no id\"}", "{\"id\":\"a\"",
	    "{\"id\":\"a\"}}"};
	start_guest();
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		get("a", &outcomes[i]);
		PERSIST_GARBLED(&outcomes[i], .status = 200, .body = bodies[i],
		    .length_told = true);
	}
}

/* A proxy asks for patience, then the other side is there again. */
static void what_a_proxy_says_is_asked_again(void **state)
{
	(void)state;
	start_guest();
	ANSWER_GET(&outcomes[0], .status = 200, .length_told = true,
	    .body = "<html>Please wait</html>");
	assert_int_equal(outcomes[0].count, 0);
	fake_advance(fake, 200);
	ANSWER(only(), .status = 503);
	fake_advance(fake, 1000);
	ANSWER(only(), .status = 200, .length_told = true,
	    .body = "{\"id\":\"a\",\"half");
	fake_advance(fake, 1000);
	ANSWER(only(), .status = 200, .body = "{\"id\":\"a\"}");
	assert_outcome(&outcomes[0], 0, 200);
}

static void a_body_that_cannot_become_an_answer_is_eproto_in_the_end(
    void **state)
{
	(void)state;
	/* Whole or not, what begins so is none: no length need be told. */
	static const char *const bodies[] = {
	    "<html><body>sign in to this network</body></html>",
	    "\n<!DOCTYPE html>", "Service temporarily unavailable", "no", "x",
	    "[{\"id\":", "\"id\""};
	start_guest();
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		get("a", &outcomes[i]);
		PERSIST_GARBLED(&outcomes[i], .status = 200, .body = bodies[i]);
	}
}

static void an_error_behind_a_200_is_told(void **state)
{
	(void)state;
	start_guest();
	ANSWER_GET(&outcomes[0], .status = 200,
	    .body = "{\"success\":false,\"error\":{\"code\":\"C\","
		    "\"message\":\"m\"}}");
	assert_outcome(&outcomes[0], -EPROTO, 200);
	assert_string_equal(outcomes[0].error.code, "C");
	api_spec(api, "posts/.spec.json", "posts", on_text, &outcomes[1]);
	fake_run(fake);
	ANSWER(only(), .status = 200, .body = "{\"error\":{\"code\":\"D\"}}");
	assert_outcome(&outcomes[1], -EPROTO, 200);
	assert_string_equal(outcomes[1].error.code, "D");
}

static void the_record_of_another_name_is_none(void **state)
{
	(void)state;
	start_guest();
	get("ABC", &outcomes[0]);
	fake_run(fake);
	ANSWER(only(), .status = 200, .body = "{\"id\":\"abc\"}");
	assert_outcome(&outcomes[0], -ENOENT, 200);
	/* A miss is an answer, not a failure. */
	assert_int_equal(failures_count(failures), 0);
}

static void a_record_comes_out_of_its_envelope_as_it_was_sent(void **state)
{
	(void)state;
	static const char record[] =
	    "{\"id\" : \"a\",\"n\":12345678901234567890,\"success\":true,"
	    "\"data\":1.0}";
	start_guest();
	ANSWER_GET(&outcomes[0], .status = 200, .body = record, .chunk = 3);
	assert_outcome(&outcomes[0], 0, 200);
	assert_text(buf_str(&outcomes[0].text), outcomes[0].text.len, record,
	    sizeof(record) - 1);
	char enveloped[256];
	snprintf(enveloped, sizeof(enveloped),
	    "{\"success\":true,\"data\": %s }", record);
	ANSWER_GET(&outcomes[1], .status = 200, .body = enveloped, .chunk = 7);
	assert_text(buf_str(&outcomes[1].text), outcomes[1].text.len, record,
	    sizeof(record) - 1);
}

static void a_page_hands_out_its_records(void **state)
{
	(void)state;
	start_guest();
	ANSWER_LIST(&outcomes[0], .status = 200, .chunk = 5,
	    .body = "{\"success\":true,\"data\":{\"items\":[{\"id\":1},"
		    "{\"id\":2}],\"pagination\":{\"total\":2,\"page\":1,"
		    "\"limit\":100,\"totalPages\":1,\"hasNext\":false}}}");
	assert_outcome(&outcomes[0], 0, 200);
	assert_int_equal(outcomes[0].records, 2);
	assert_buf(&outcomes[0].text, "{\"id\":1}{\"id\":2}");
	assert_int_equal(outcomes[0].page.total, 2);
	assert_int_equal(outcomes[0].page.has_next, 0);
}

static void a_page_cut_short_starts_over(void **state)
{
	(void)state;
	start_guest();
	ANSWER_LIST(
	    &outcomes[0], .status = 200, .body = "{\"items\":[{\"id\":1},{\"i");
	assert_int_equal(outcomes[0].restarts, 1);
	fake_advance(fake, 200);
	ANSWER(only(), .status = 200, .body = "{\"items\":[{\"id\":1}",
	    .err = -EPIPE);
	assert_int_equal(outcomes[0].restarts, 2);
	fake_advance(fake, 400);
	ANSWER(only(), .status = 200,
	    .body = "{\"items\":[{\"id\":1},{\"id\":2}]}");
	assert_outcome(&outcomes[0], 0, 200);
	assert_buf(&outcomes[0].text, "{\"id\":1}{\"id\":2}");
}

static void what_is_no_page_is_eproto(void **state)
{
	(void)state;
	static const char *const bodies[] = {"<html></html>", "[]",
	    "{\"items\":[1]}", "{\"items\":{}}", "{\"records\":[]}",
	    "{\"success\":false,\"items\":[]}", "{\"items\":[{\"id\":1}]]"};
	start_guest();
	assert_no_pages(bodies, ARRAY_SIZE(bodies));
}

/* A notice in front of a page, however it is cut, does not make it one. */
static void a_page_behind_something_else_is_none(void **state)
{
	(void)state;
	start_guest();
	list(&first_page, &outcomes[0]);
	PERSIST_GARBLED(&outcomes[0], .status = 200, .chunk = 3,
	    .body = "<b>{\"items\":[],\"pagination\":{\"total\":0}}");
	assert_int_equal(outcomes[0].records, 0);
}

static int refuse_record(void *ctx, const char *text, size_t len)
{
	(void)ctx;
	(void)text;
	(void)len;
	return -ENOSPC;
}

static void what_the_sink_refuses_ends_the_call(void **state)
{
	(void)state;
	static const struct api_page_sink refusing = {
	    refuse_record, on_restart, on_page};
	start_guest();
	assert_non_null(api_list(api, &first_page, &refusing, &outcomes[0]));
	fake_run(fake);
	ANSWER(only(), .status = 200, .body = "{\"items\":[{\"id\":1}]}");
	assert_int_equal(outcomes[0].count, 1);
	assert_int_equal(outcomes[0].error.err, -ENOSPC);
	assert_int_equal(fake_timer_count(fake), 0);
}

/* ---- request lines ---- */

static void a_listing_asks_as_the_service_documents_it(void **state)
{
	(void)state;
	static const struct {
		struct api_query query;
		const char *line;
	} cases[] = {
	    {{.subject = "s", .table = "posts", .page = 1, .limit = 100},
		"GET /v1/data/posts?page=1&limit=100&sortDirection=asc"},
	    {{.subject = "s", .page = 12, .limit = 100},
		"GET /v1/files?page=12&limit=100&sortDirection=asc"},
	    {{.subject = "s", .table = "posts", .page = 1},
		"GET /v1/data/posts?page=1&sortDirection=asc"},
	    {{.subject = "s",
		 .table = "posts",
		 .page = 1,
		 .limit = 1,
		 .sort_by = "updatedAt",
		 .descending = true},
		"GET /v1/data/posts?page=1&limit=1&sortBy=updatedAt"
		"&sortDirection=desc"},
	    {{.subject = "s",
		 .table = "a-b_C9",
		 .page = 3,
		 .limit = 100,
		 .filters = "{\"updatedAt\":{\"$gt\":\"2026\"}}"},
		"GET /v1/data/a-b_C9?page=3&limit=100&sortDirection=asc"
		"&andFilters=%7B%22updatedAt%22%3A%7B%22%24gt%22%3A"
		"%222026%22%7D%7D"},
	};
	start_guest();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct api_call *call = list(&cases[i].query, &outcomes[i]);
		fake_run(fake);
		only_line(cases[i].line);
		assert_null(fake_body(only()));
		api_cancel(call);
	}
}

/* Whoever filters or sorts knows what to do where that is refused. */
static void a_refused_filter_or_order_is_no_failure(void **state)
{
	(void)state;
	struct api_query query = first_page;
	start_guest();
	list(&query, &outcomes[0]);
	fake_run(fake);
	ANSWER(only(), .status = 400);
	assert_outcome(&outcomes[0], -EPROTO, 400);
	assert_int_equal(failures_count(failures), 1);
	query.filters = "{}";
	list(&query, &outcomes[1]);
	fake_run(fake);
	ANSWER(only(), .status = 400);
	assert_outcome(&outcomes[1], -EPROTO, 400);
	query.filters = NULL;
	query.sort_by = "updatedAt";
	list(&query, &outcomes[2]);
	fake_run(fake);
	ANSWER(only(), .status = 400);
	assert_outcome(&outcomes[2], -EPROTO, 400);
	assert_int_equal(failures_count(failures), 1);
}

static void an_id_is_one_segment_of_the_path(void **state)
{
	(void)state;
	static const struct {
		const char *id;
		size_t len;
		const char *line;
	} cases[] = {
	    {TEXT("507f1f77bcf86cd799439011"),
		"GET /v1/data/posts/507f1f77bcf86cd799439011"},
	    {TEXT("a/b"), "GET /v1/data/posts/a%2Fb"},
	    {TEXT(".."), "GET /v1/data/posts/%2E%2E"},
	    {TEXT("."), "GET /v1/data/posts/%2E"},
	    {TEXT("a.b"), "GET /v1/data/posts/a.b"},
	    {TEXT("../../auth/me"), "GET /v1/data/posts/..%2F..%2Fauth%2Fme"},
	    {TEXT("a?b#c%d e+f&g"),
		"GET /v1/data/posts/a%3Fb%23c%25d%20e%2Bf%26g"},
	    {TEXT("\xec\x95\x88\0\r\n"),
		"GET /v1/data/posts/%EC%95%88%00%0D%0A"},
	};
	start_guest();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct api_call *call = api_get(api, "s", "posts", cases[i].id,
		    cases[i].len, API_PERHAPS, on_text, &outcomes[i]);
		assert_non_null(call);
		fake_run(fake);
		only_line(cases[i].line);
		api_cancel(call);
	}
	struct api_call *call = api_get(
	    api, "s", NULL, TEXT("a/b"), API_PERHAPS, on_text, &outcomes[20]);
	fake_run(fake);
	only_line("GET /v1/files/a%2Fb");
	api_cancel(call);
	call = api_spec(api, "s", "posts", on_text, &outcomes[21]);
	fake_run(fake);
	only_line("GET /v1/data/posts/spec");
	api_cancel(call);
	call = api_download_url(
	    api, "s", TEXT("a/b"), false, on_download, &outcomes[22]);
	fake_run(fake);
	only_line("POST /v1/files/a%2Fb/download-url");
	assert_null(fake_body(only()));
	assert_null(fake_header(only(), "Content-Type"));
	api_cancel(call);
}

static void a_download_url_is_handed_out(void **state)
{
	(void)state;
	start_guest();
	ANSWER_URL(&outcomes[0], .status = 200,
	    .body = "{\"url\":\"https://s.test/o?sig=1\",\"size\":3}");
	assert_outcome(&outcomes[0], 0, 200);
	assert_string_equal(outcomes[0].url, "https://s.test/o?sig=1");
	ANSWER_URL(&outcomes[1], .status = 404,
	    .body = "{\"error\":{\"code\":\"file/not-found\"}}");
	assert_outcome(&outcomes[1], -ENOENT, 404);
	assert_int_equal(failures_count(failures), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_body_cut_short_is_asked_for_again),
	    TEST(a_body_that_stays_cut_short_is_eio),
	    TEST(a_whole_body_that_is_no_answer_is_eproto_in_the_end),
	    TEST(what_a_proxy_says_is_asked_again),
	    TEST(a_body_that_cannot_become_an_answer_is_eproto_in_the_end),
	    TEST(an_error_behind_a_200_is_told),
	    TEST(the_record_of_another_name_is_none),
	    TEST(a_record_comes_out_of_its_envelope_as_it_was_sent),
	    TEST(a_page_hands_out_its_records),
	    TEST(a_page_cut_short_starts_over),
	    TEST(what_is_no_page_is_eproto),
	    TEST(a_page_behind_something_else_is_none),
	    TEST(what_the_sink_refuses_ends_the_call),
	    TEST(a_listing_asks_as_the_service_documents_it),
	    TEST(a_refused_filter_or_order_is_no_failure),
	    TEST(an_id_is_one_segment_of_the_path),
	    TEST(a_download_url_is_handed_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
