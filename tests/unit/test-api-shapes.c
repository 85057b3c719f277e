/* Answers whose form is odd, and what they mean all the same. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "api-fixture.h"
#include "api/record.h"
#include "api/retry.h"

#define MARK "\xef\xbb\xbf"

/* ---- a byte order mark ---- */

static void a_record_behind_a_byte_order_mark_is_the_record(void **state)
{
	(void)state;
	static const char *const bodies[] = {MARK "{\"id\":\"a\"}",
	    MARK " {\"id\":\"a\"}\n",
	    MARK "{\"success\":true,\"data\":{\"id\":\"a\"}}"};
	start_guest();
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		ANSWER_GET(&outcomes[i], .status = 200, .body = bodies[i],
		    .chunk = i ? 0 : 1, .length_told = true);
		assert_outcome(&outcomes[i], 0, 200);
		assert_buf(&outcomes[i].text, "{\"id\":\"a\"}");
	}
}

static void a_spec_behind_a_byte_order_mark_is_the_spec(void **state)
{
	(void)state;
	start_guest();
	api_spec(api, "posts/.spec.json", "posts", on_text, &outcomes[0]);
	fake_run(fake);
	ANSWER(only(), .status = 200, .body = MARK "{\"indexes\":[]}");
	assert_outcome(&outcomes[0], 0, 200);
	assert_buf(&outcomes[0].text, "{\"indexes\":[]}");
}

static void a_server_may_say_that_there_is_no_spec(void **state)
{
	(void)state;
	static const struct {
		const char *body;
		int err;
	} cases[] = {
	    {"{\"success\":true,\"data\":null}", -ENOENT},
	    {"{ \"data\" : null , \"success\" : true }\n", -ENOENT},
	    {"null", -ENOENT},
	    {" null\r\n", -ENOENT},
	    {"{}", 0},
	    {"{\"success\":true,\"data\":\"null\"}", -EPROTO},
	    {"{\"success\":true,\"data\":[null]}", -EPROTO},
	    {"null null", -EPROTO},
	    {"nullify", -EPROTO},
	};
	start_guest();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		api_spec(
		    api, "posts/.spec.json", "posts", on_text, &outcomes[i]);
		while (!outcomes[i].count) {
			if (fake_open_count(fake))
				ANSWER(only(), .status = 200,
				    .body = cases[i].body);
			else
				assert_true(fake_advance_to_timer(fake));
		}
		assert_outcome(&outcomes[i], cases[i].err, 200);
	}
}

/* Also where its bytes come one by one. */
static void a_page_behind_a_byte_order_mark_is_the_page(void **state)
{
	(void)state;
	start_guest();
	for (size_t chunk = 0; chunk < 4; chunk++) {
		ANSWER_LIST(&outcomes[chunk], .status = 200, .chunk = chunk,
		    .body = MARK "{\"items\":[{\"id\":1}],\"total\":1}");
		assert_outcome(&outcomes[chunk], 0, 200);
		assert_buf(&outcomes[chunk].text, "{\"id\":1}");
		assert_int_equal(outcomes[chunk].page.total, 1);
	}
}

static void a_download_url_behind_a_byte_order_mark_is_one(void **state)
{
	(void)state;
	start_guest();
	ANSWER_URL(&outcomes[0], .status = 200,
	    .body = MARK "{\"url\":\"https://s.test/o\"}");
	assert_outcome(&outcomes[0], 0, 200);
	assert_string_equal(outcomes[0].url, "https://s.test/o");
}

static void a_token_behind_a_byte_order_mark_is_one(void **state)
{
	(void)state;
	start_api();
	get("a", &outcomes[0]);
	fake_run(fake);
	ANSWER(only_line("POST /v1/auth/email/signin"), .status = 200,
	    .body = MARK "{\"accessToken\":\"access1\"}");
	assert_bearer(only_line("GET /v1/data/posts/a"), "access1");
	ANSWER(only(), .status = 200, .body = "{\"id\":\"a\"}");
}

static void an_error_behind_a_byte_order_mark_is_told(void **state)
{
	(void)state;
	static const int statuses[] = {200, 403};
	start_guest();
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
		ANSWER_GET(&outcomes[i], .status = statuses[i],
		    .body = MARK "{\"success\":false,\"error\":"
				 "{\"code\":\"C\",\"message\":\"m\"}}");
		assert_string_equal(outcomes[i].error.code, "C");
		assert_string_equal(outcomes[i].error.message, "m");
	}
}

static void a_mark_does_not_make_half_a_record_whole(void **state)
{
	(void)state;
	start_guest();
	ANSWER_GET(&outcomes[0], .status = 200, .body = MARK "{\"id\":\"a\"");
	assert_int_equal(outcomes[0].count, 0); /* asked for again */
	fake_advance(fake, 200);
	PERSIST_GARBLED(
	    &outcomes[0], .status = 200, .body = MARK MARK "{\"id\":\"a\"}");
}

/* ---- no items ---- */

static void items_that_are_null_are_an_empty_page(void **state)
{
	(void)state;
	static const char *const bodies[] = {"{\"items\":null,\"total\":0}",
	    "{\"data\":{\"items\":null,\"pagination\":{\"total\":0}}}",
	    "{\"total\":0,\"items\" : null }"};
	start_guest();
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		ANSWER_LIST(&outcomes[i], .status = 200, .body = bodies[i]);
		assert_outcome(&outcomes[i], 0, 200);
		assert_int_equal(outcomes[i].records, 0);
		assert_int_equal(outcomes[i].page.total, 0);
	}
}

static void anything_else_in_place_of_items_is_no_page(void **state)
{
	(void)state;
	static const char *const bodies[] = {"{\"items\":false}",
	    "{\"items\":\"\"}", "{\"data\":null}", "{\"item\":null}",
	    "{\"data\":{\"data\":{\"items\":null}}}", "{\"items\":nul"};
	start_guest();
	assert_no_pages(bodies, ARRAY_SIZE(bodies));
}

/* ---- download URLs ---- */

static void a_space_in_a_download_url_is_sent_as_an_escape(void **state)
{
	(void)state;
	start_guest();
	ANSWER_URL(&outcomes[0], .status = 200,
	    .body =
		"{\"url\":\"https://s.test/my  photo.jpg?name=a b+c%20d\"}");
	assert_outcome(&outcomes[0], 0, 200);
	assert_string_equal(outcomes[0].url,
	    "https://s.test/my%20%20photo.jpg?name=a%20b+c%20d");
}

static void a_url_that_is_none_to_follow_tells_why(void **state)
{
	(void)state;
	static const struct {
		const char *url, *why;
	} cases[] = {
	    {"https://s.test/o?a=b", NULL},
	    {"http://127.0.0.1:9/o", NULL},
	    {"http://s.test/o", "clear"},
	    {"ftp://s.test/o", "neither"},
	    {"https://s.test/a b", ""},
	    {"https://s.test/a\tb", ""},
	    {"https://:80/o", "host"},
	    {"/o", ""},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *why = http_url_problem(cases[i].url);
		if (!why != !cases[i].why ||
		    (why && !strstr(why, cases[i].why)))
			fail_msg("%s: %s", cases[i].url, why ? why : "fine");
	}
}

/* ---- redirects ---- */

static void a_redirect_tells_where_it_leads(void **state)
{
	(void)state;
	const struct fake_answer moved = {.status = 301,
	    .location = "https://www.api.test/v1/a",
	    .body = "<html>moved</html>"};
	const struct fake_answer found = {
	    .status = 302, .location = "https://x.test/" KEY "/in"};
	start_guest();
	get("a", &outcomes[0]);
	persist_garbled(&outcomes[0], &moved);
	assert_outcome(&outcomes[0], -EPROTO, 301);
	assert_string_equal(outcomes[0].error.message,
	    "it redirects to https://www.api.test/v1/a");
	/* No secret goes along. */
	get("b", &outcomes[1]);
	persist_garbled(&outcomes[1], &found);
	assert_outcome(&outcomes[1], -EPROTO, 302);
	assert_null(strstr(outcomes[1].error.message, KEY));
	assert_non_null(strstr(outcomes[1].error.message, "x.test"));
	/* Nor is a Location that means something else told. */
	ANSWER_GET(&outcomes[2], .status = 404, .location = "https://x.test/",
	    .body = "{\"message\":\"gone\"}");
	assert_outcome(&outcomes[2], -ENOENT, 404);
	assert_string_equal(outcomes[2].error.message, "gone");
}

/* ---- what is long ---- */

/* len copies of a byte in front of text, to be freed. */
static char *long_text(char byte, size_t len, const char *text)
{
	char *copy = malloc(len + strlen(text) + 1);
	assert_non_null(copy);
	memset(copy, byte, len);
	strcpy(copy + len, text);
	return copy;
}

/* Each byte of it takes three in the URL. */
static void an_id_as_long_as_any_is_asked_for_whole(void **state)
{
	(void)state;
	CLEANUP_FREE char *id = long_text('/', RECORD_ID_MAX - 3, "end");
	start_guest();
	get(id, &outcomes[0]);
	fake_run(fake);
	const char *line = fake_line(only());
	assert_int_equal(strlen(line),
	    strlen("GET /v1/data/posts/end") + 3 * (RECORD_ID_MAX - 3));
	assert_string_equal(line + strlen(line) - 9, "%2F%2Fend");
	ANSWER(only(), .status = 414);
	assert_outcome(&outcomes[0], -EPROTO, 414);
}

static void a_filter_of_long_ids_is_asked_whole(void **state)
{
	(void)state;
	CLEANUP_FREE char *filter = long_text('"', 4 * RECORD_ID_MAX, "}");
	struct api_query query = first_page;
	query.filters = filter;
	start_guest();
	list(&query, &outcomes[0]);
	fake_run(fake);
	const char *line = fake_line(only());
	assert_true(strlen(line) > 3 * 4 * RECORD_ID_MAX);
	assert_string_equal(line + strlen(line) - 6, "%22%7D");
	ANSWER(only(), .status = 400);
	assert_outcome(&outcomes[0], -EPROTO, 400);
}

static void a_long_token_goes_along_whole(void **state)
{
	(void)state;
	CLEANUP_FREE char *token = long_text('t', 100000, "end");
	CLEANUP_BUF struct buf text;
	buf_init(&text, BUF_MAX_DEFAULT);
	buf_printf(&text, "{\"accessToken\":\"%s\"}", token);
	start_api();
	get("a", &outcomes[0]);
	fake_run(fake);
	ANSWER(only_line("POST /v1/auth/email/signin"), .status = 200,
	    .body = buf_str(&text));
	buf_clear(&text);
	buf_printf(&text, "Bearer %s", token);
	assert_string_equal(
	    fake_header(only(), "Authorization"), buf_str(&text));
	ANSWER(only(), .status = 200, .body = "{\"id\":\"a\"}");
	assert_outcome(&outcomes[0], 0, 200);
}

/* Another attempt may find somebody else. */
static void an_answer_of_nobody_is_asked_for_again(void **state)
{
	(void)state;
	static const int statuses[] = {301, 302, 303, 304, 307, 308, 421, 425};
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
		start_guest();
		get("a", &outcomes[0]);
		fake_run(fake);
		ANSWER(only(), .status = statuses[i],
		    .location = statuses[i] < 400 ? "https://x.test/" : NULL);
		assert_true(fake_advance_to_timer(fake));
		ANSWER(only(), .status = 200, .body = "{\"id\":\"a\"}");
		assert_outcome(&outcomes[0], 0, 200);
		teardown(state);
		setup(state);
	}
	/* What is said in the API's words is meant. */
	start_guest();
	ANSWER_GET(&outcomes[0], .status = 421,
	    .body = "{\"error\":{\"code\":\"x\",\"message\":\"no\"}}");
	assert_outcome(&outcomes[0], -EPROTO, 421);
}

/* Once: many a server has no such route, and a page of its own for that. */
static void a_spec_that_is_refused_without_a_word_is_asked_for_once_more(
    void **state)
{
	static const struct fake_answer refusals[] = {{.status = 404},
	    {.status = 404, .body = "<html>no</html>"}, {.status = 410},
	    {.status = 403, .body = "<html>no</html>"}, {.status = 400},
	    {.status = 405}};
	for (size_t i = 0; i < 2 * ARRAY_SIZE(refusals); i++) {
		bool passes = i % 2;
		start_guest();
		api_spec(api, "s", "posts", on_text, &outcomes[0]);
		fake_run(fake);
		fake_answer(only(), &refusals[i / 2]);
		assert_true(fake_advance_to_timer(fake));
		if (passes)
			ANSWER(only(), .status = 200, .body = "{\"a\":1}");
		else
			fake_answer(only(), &refusals[i / 2]);
		assert_int_equal(outcomes[0].count, 1);
		assert_int_equal(outcomes[0].error.err, passes ? 0 : -ENOENT);
		teardown(state);
		setup(state);
	}
	/* What is said is believed. */
	start_guest();
	api_spec(api, "s", "posts", on_text, &outcomes[0]);
	fake_run(fake);
	ANSWER(only(), .status = 404, .body = "{\"message\":\"none\"}");
	assert_outcome(&outcomes[0], -ENOENT, 404);
}

/* Nor what stands in a listing. */
static void no_item_is_gone_for_a_page(void **state)
{
	const struct fake_answer page = {
	    .status = 404, .body = "<html>no</html>"};
	start_guest();
	assert_non_null(api_get(
	    api, "s", "posts", TEXT("a"), API_TOLD_OF, on_text, &outcomes[0]));
	persist_garbled(&outcomes[0], &page);
	get("a", &outcomes[1]);
	persist(&outcomes[1], &page, 0);
	assert_outcome(&outcomes[1], -ENOENT, 404);
	assert_non_null(api_get(
	    api, "s", "posts", TEXT("a"), API_TOLD_OF, on_text, &outcomes[2]));
	fake_run(fake);
	ANSWER(only(), .status = 404,
	    .body = "{\"error\":{\"code\":\"data/not-found\"}}");
	assert_outcome(&outcomes[2], -ENOENT, 404);
	teardown(state);
	setup(state);
	start_guest();
	ask_url(&outcomes[0]);
	persist_garbled(&outcomes[0], &page);
}

/* For which api_presence an answer says that there is no such listing. */
static const struct miss {
	struct fake_answer answer;
	const char *by;
} misses[] = {
    {{.status = 404, .body = "<html>404 Not Found</html>"}, "P--"},
    {{.status = 404, .body = "no such route"}, "P--"},
    {{.status = 404, .body = "{}", .page = true}, "P--"},
    {{.status = 404}, "P--"},
    {{.status = 410}, "P--"},
    {{.status = 404, .body = "{\"error\":{\"code\":\"NOT_FOUND\"}}"}, "PT-"},
    {{.status = 404, .body = "{\"statusCode\":404,\"error\":\"NOT_FOUND\"}"},
	"PT-"},
    {{.status = 404,
	 .body = "{\"error\":{\"code\":\"data/environment-not-found\"}}"},
	"PT-"},
    {{.status = 404, .body = "{\"error\":{\"code\":\"TABLE_NOT_FOUND\"}}"},
	"PTL"},
    {{.status = 404, .body = "{\"error\":{\"code\":\"data/table-not-found\"}}"},
	"PTL"},
};

static void assert_miss(void **state, const struct miss *miss,
    enum api_presence presence, bool of_files, bool believed)
{
	struct outcome *outcome = &outcomes[0];
	struct api_query query = first_page;
	start_guest();
	query.presence = presence;
	if (of_files)
		query.table = NULL;
	uint64_t before = counters().retries;
	list(&query, outcome);
	persist(outcome, &miss->answer, 0);
	assert_outcome(
	    outcome, believed ? -ENOENT : -EPROTO, miss->answer.status);
	assert_int_equal(
	    counters().retries - before, believed ? 0 : RETRY_GARBLED_MAX);
	teardown(state);
	setup(state);
}

/* rsync deletes what is missing. */
static void a_miss_is_believed_of_who_can_know(void **state)
{
	static const char letters[] = {
	    [API_PERHAPS] = 'P', [API_TOLD_OF] = 'T', [API_LISTED] = 'L'};
	for (size_t i = 0; i < ARRAY_SIZE(misses); i++) {
		for (size_t p = 0; p < ARRAY_SIZE(letters); p++)
			assert_miss(state, &misses[i], (enum api_presence)p,
			    false, misses[i].by[p] == letters[p]);
		/* No project is without its list of files. */
		assert_miss(state, &misses[i], API_TOLD_OF, true, false);
		assert_miss(state, &misses[i], API_LISTED, true, false);
	}
	start_guest();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_record_behind_a_byte_order_mark_is_the_record),
	    TEST(a_spec_behind_a_byte_order_mark_is_the_spec),
	    TEST(a_server_may_say_that_there_is_no_spec),
	    TEST(a_page_behind_a_byte_order_mark_is_the_page),
	    TEST(a_download_url_behind_a_byte_order_mark_is_one),
	    TEST(a_token_behind_a_byte_order_mark_is_one),
	    TEST(an_error_behind_a_byte_order_mark_is_told),
	    TEST(a_mark_does_not_make_half_a_record_whole),
	    TEST(items_that_are_null_are_an_empty_page),
	    TEST(anything_else_in_place_of_items_is_no_page),
	    TEST(a_space_in_a_download_url_is_sent_as_an_escape),
	    TEST(a_url_that_is_none_to_follow_tells_why),
	    TEST(a_redirect_tells_where_it_leads),
	    TEST(an_answer_of_nobody_is_asked_for_again),
	    TEST(a_spec_that_is_refused_without_a_word_is_asked_for_once_more),
	    TEST(no_item_is_gone_for_a_page),
	    TEST(a_miss_is_believed_of_who_can_know),
	    TEST(an_id_as_long_as_any_is_asked_for_whole),
	    TEST(a_filter_of_long_ids_is_asked_whole),
	    TEST(a_long_token_goes_along_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
