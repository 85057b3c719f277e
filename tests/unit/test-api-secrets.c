#include "unit.h"

#include <errno.h>
#include <stdio.h>

#include "api-fixture.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_failure_is_told_by_the_path_of_the_mount),
	    TEST(secrets_are_blotted_out_of_what_the_server_says),
	    TEST(a_body_that_is_not_kept_by_a_guest_is_blotted_too),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
