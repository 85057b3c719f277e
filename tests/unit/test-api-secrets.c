#include "unit.h"

#include <errno.h>
#include <stdio.h>

#include "api-fixture.h"
#include "api/api_parts.h"

/* ---- failures and secrets ---- */

static void a_failure_is_told_by_the_path_of_the_mount(void **state)
{
	(void)state;
	struct buf text;
	buf_init(&text, BUF_MAX_DEFAULT);
	start_guest();
	list(&(struct api_query){.subject = "posts",
		 .table = "posts",
		 .page = 2,
		 .limit = 100,
		 .filters = "{\"secret\":1}"},
	    &outcomes[0]);
	fake_run(fake);
	ANSWER(only(), .status = 403,
	    .body = "{\"error\":{\"code\":\"data/permission-denied\","
		    "\"message\":\"no\"}}");
	assert_int_equal(failures_print(failures, &text), 0);
	assert_string_equal(strchr(buf_str(&text), '\t'),
	    "\tposts\tGET /v1/data/posts\t403\tEACCES\t"
	    "data/permission-denied\tno\n");
	buf_done(&text);
}

/* Whether any failure, or what the caller is told, holds text. */
static bool is_told(const struct outcome *outcome, const char *text)
{
	struct buf all;
	buf_init(&all, BUF_MAX_DEFAULT);
	assert_int_equal(failures_print(failures, &all), 0);
	bool told = strstr(buf_str(&all), text) ||
		    strstr(outcome->error.message, text) ||
		    strstr(outcome->error.code, text);
	buf_done(&all);
	return told;
}

static void secrets_are_blotted_out_of_what_the_server_says(void **state)
{
	(void)state;
	static const struct {
		const char *said, *secret;
	} cases[] = {
	    {"the key " KEY " is unknown", KEY},
	    {"X-API-Key: " KEY, KEY},
	    {"another key pk_ffeeddccbbaa99887766 is", "ffeeddccbbaa99887766"},
	    {"sk_ffeeddccbbaa99887766", "ffeeddccbbaa99887766"},
	    {"password " PASSWORD " is weak", PASSWORD},
	    {"token access1x is over: access1", "access1"},
	    {"refresh1 was refused", "refresh1"},
	    {"Authorization: Bearer abc.def.ghi, sorry", "abc.def.ghi"},
	    {"see https://s.test/o?X-Amz-Signature=feedface for it",
		"feedface"},
	};
	sign_in();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char body[512];
		get("a", &outcomes[i]);
		fake_run(fake);
		snprintf(body, sizeof(body),
		    "{\"error\":{\"code\":\"C\",\"message\":\"%s\"}}",
		    cases[i].said);
		ANSWER(only(), .status = 403, .body = body);
		assert_outcome(&outcomes[i], -EACCES, 403);
		assert_string_equal(outcomes[i].error.code, "C");
		assert_true(outcomes[i].error.message[0]);
		assert_false(is_told(&outcomes[i], cases[i].secret));
	}
}

static void what_stands_around_a_secret_is_told(void **state)
{
	(void)state;
	static const struct {
		const char *said, *told;
	} cases[] = {
	    {"Bearer abc.def is old", "Bearer ******* is old"},
	    {"keys sk_12,pk_34 <sk_5>", "keys sk_**,pk_** <sk_*>"},
	    {"see https://s.test/a?b=c&d=e now",
		"see https://s.test/a?******* now"},
	    {"<https://s.test/?q>'http://t.test?r'",
		"<https://s.test/?*>'http://t.test?*'"},
	    {"a?b=c and pk", "a?b=c and pk"},
	};
	start_guest();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct api_error error = {0};
		char body[128];
		snprintf(
		    body, sizeof(body), "{\"message\":\"%s\"}", cases[i].said);
		redact_error(&api->redact, body, strlen(body), &error);
		assert_string_equal(error.message, cases[i].told);
	}
}

static void a_body_that_is_not_kept_by_a_guest_is_blotted_too(void **state)
{
	(void)state;
	start_guest();
	list(&first_page, &outcomes[0]);
	fake_run(fake);
	ANSWER(only(), .status = 200,
	    .body = "{\"success\":false,\"error\":{\"code\":\"" KEY
		    "\",\"message\":\"" KEY "\"}}");
	assert_outcome(&outcomes[0], -EPROTO, 200);
	assert_false(is_told(&outcomes[0], KEY));
}

static void a_refresh_token_is_blotted_out_of_its_own_refusal(void **state)
{
	(void)state;
	sign_in();
	get("a", &outcomes[0]);
	fake_run(fake);
	ANSWER(only(), UNAUTHORIZED);
	ANSWER(only_line("POST /v1/auth/refresh"), .status = 401,
	    .body = "{\"error\":{\"code\":\"auth/invalid-refresh-token\","
		    "\"message\":\"refresh1 was used\"}}");
	ANSWER(only_line("POST /v1/auth/email/signin"), .status = 403,
	    .body = "{\"error\":{\"code\":\"auth/account-banned\","
		    "\"message\":\"banned, and so is refresh1\"}}");
	assert_outcome(&outcomes[0], -EACCES, 403);
	assert_false(is_told(&outcomes[0], "refresh1"));
}

static void an_access_token_that_was_replaced_is_blotted_out(void **state)
{
	(void)state;
	sign_in();
	get("a", &outcomes[0]);
	get("b", &outcomes[1]);
	fake_run(fake);
	struct http_call *b = fake_find(fake, "GET /v1/data/posts/b");
	ANSWER(fake_find(fake, "GET /v1/data/posts/a"), UNAUTHORIZED);
	answer_tokens_with(
	    fake_find(fake, "POST /v1/auth/refresh"), "access2", "refresh2");
	ANSWER(b, .status = 403,
	    .body = "{\"error\":{\"code\":\"X\","
		    "\"message\":\"token access1 has no rights\"}}");
	assert_outcome(&outcomes[1], -EACCES, 403);
	assert_false(is_told(&outcomes[1], "access1"));
	assert_true(is_told(&outcomes[1], "has no rights"));
	ANSWER(only(), .status = 200, .body = "{\"id\":\"a\"}");
}

static void escapes_do_not_hide_a_secret(void **state)
{
	(void)state;
	static const struct {
		const char *said, *secret;
	} cases[] = {
	    {"password pass\\/word\\\"long", "pass/word"},
	    {"password p\\u0061ss/word\\\"long", "pass/word"},
	    {"see https:\\/\\/s.test\\/o?X-Amz-Signature=feedface", "feedface"},
	    {"see https://s.test/o\\u003fX-Amz-Signature=feedface", "feedface"},
	};
	config.password = "pass/word\"long";
	sign_in();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char body[256];
		get("a", &outcomes[i]);
		fake_run(fake);
		snprintf(body, sizeof(body), "{\"error\":{\"message\":\"%s\"}}",
		    cases[i].said);
		ANSWER(only(), .status = 403, .body = body);
		assert_outcome(&outcomes[i], -EACCES, 403);
		assert_true(outcomes[i].error.message[0]);
		assert_false(is_told(&outcomes[i], cases[i].secret));
	}
}

static void a_secret_is_not_cut_in_half_before_it_is_blotted(void **state)
{
	(void)state;
	char body[1024];
	size_t room = sizeof(outcomes[0].error.message);
	sign_in();
	for (size_t i = 0; i < 20; i++) {
		get("a", &outcomes[i]);
		fake_run(fake);
		snprintf(body, sizeof(body),
		    "{\"error\":{\"message\":\"%0*d%s\"}}", (int)(room - 1 - i),
		    0, PASSWORD);
		ANSWER(only(), .status = 403, .body = body);
		assert_outcome(&outcomes[i], -EACCES, 403);
		assert_null(strchr(outcomes[i].error.message, PASSWORD[0]));
	}
}

static void a_password_of_asterisks_is_blotted_out_once(void **state)
{
	(void)state;
	config.password = "********";
	sign_in();
	get("a", &outcomes[0]);
	fake_run(fake);
	ANSWER(only(), .status = 403,
	    .body = "{\"error\":{\"message\":\"not ******** again\"}}");
	assert_outcome(&outcomes[0], -EACCES, 403);
	assert_string_equal(outcomes[0].error.message, "not ******** again");
}

static void a_secret_is_blotted_out_however_short_it_is(void **state)
{
	(void)state;
	static const struct {
		const char *password, *said, *told;
	} cases[] = {
	    {"12345", "the password 12345 is wrong",
		"the password ***** is wrong"},
	    {"abc", "{abc} xabcx abab ABC", "{***} x***x abab ABC"},
	    {"z", "z is not pizza", "* is not pi**a"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct api_error error = {0};
		char body[128];
		config.password = cases[i].password;
		config.mfa_code = "77";
		start_api();
		snprintf(body, sizeof(body),
		    "{\"code\":\"%s\",\"message\":\"%s\"}", "no 77",
		    cases[i].said);
		redact_error(&api->redact, body, strlen(body), &error);
		assert_string_equal(error.message, cases[i].told);
		assert_string_equal(error.code, "no **");
		api_free(api);
		api = NULL;
	}
}

static void a_secret_does_not_hide_a_longer_one_from_view(void **state)
{
	(void)state;
	static const char body[] = "{\"message\":\"access1 accessaccess1\"}";
	struct api_error error = {0};
	config.password = "cess";
	config.mfa_code = "aa";
	sign_in();
	redact_error(&api->redact, body, sizeof(body) - 1, &error);
	assert_string_equal(error.message, "******* ac***********");
	redact_error(&api->redact, TEXT("{\"message\":\"baaab\"}"), &error);
	assert_string_equal(error.message, "b***b");
}

static void no_password_blots_nothing_out(void **state)
{
	(void)state;
	static const char body[] = "{\"message\":\"nothing secret\"}";
	struct api_error error = {0};
	config.password = "";
	start_api();
	redact_error(&api->redact, body, sizeof(body) - 1, &error);
	assert_string_equal(error.message, "nothing secret");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_failure_is_told_by_the_path_of_the_mount),
	    TEST(secrets_are_blotted_out_of_what_the_server_says),
	    TEST(what_stands_around_a_secret_is_told),
	    TEST(a_body_that_is_not_kept_by_a_guest_is_blotted_too),
	    TEST(a_refresh_token_is_blotted_out_of_its_own_refusal),
	    TEST(an_access_token_that_was_replaced_is_blotted_out),
	    TEST(escapes_do_not_hide_a_secret),
	    TEST(a_secret_is_not_cut_in_half_before_it_is_blotted),
	    TEST(a_password_of_asterisks_is_blotted_out_once),
	    TEST(a_secret_is_blotted_out_however_short_it_is),
	    TEST(a_secret_does_not_hide_a_longer_one_from_view),
	    TEST(no_password_blots_nothing_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
