#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/call.h"
#include "base/log.h"
#include "fake-http.h"

#define KEY "pk_0123456789abcdef0123456789abcdef"
#define PASSWORD "correct horse battery"
#define RETRY_MS 20000

static struct fake *fake;
static struct api *api;
static struct failures *failures;
static struct api_config config;

/* What a call came to. */
struct outcome {
	int count; /* how often done was called */
	struct api_error error;
	struct buf text;
	struct api_page page;
	int records;
	int restarts;
	char *url;
	int64_t size;
};

static struct outcome outcomes[32];

static void on_text(
    void *ctx, const struct api_error *error, const char *text, size_t len)
{
	struct outcome *outcome = ctx;
	outcome->count++;
	outcome->error = *error;
	if (error->err)
		assert_null(text);
	else
		assert_int_equal(buf_add(&outcome->text, text, len), 0);
}

static void on_done(void *ctx, const struct api_error *error)
{
	struct outcome *outcome = ctx;
	outcome->count++;
	outcome->error = *error;
}

static int on_record(void *ctx, const char *text, size_t len)
{
	struct outcome *outcome = ctx;
	outcome->records++;
	return buf_add(&outcome->text, text, len);
}

static void on_restart(void *ctx)
{
	struct outcome *outcome = ctx;
	outcome->restarts++;
	outcome->records = 0;
	buf_clear(&outcome->text);
}

static void on_page(
    void *ctx, const struct api_error *error, const struct api_page *page)
{
	struct outcome *outcome = ctx;
	on_done(ctx, error);
	assert_true(!error->err == !!page);
	if (page)
		outcome->page = *page;
}

static const struct api_page_sink page_sink = {on_record, on_restart, on_page};

static void on_download(void *ctx, const struct api_error *error,
    const struct answer_download *download)
{
	struct outcome *outcome = ctx;
	on_done(ctx, error);
	if (!error->err)
		outcome->url = strdup(download->url);
}

static int setup(void **state)
{
	(void)state;
	log_set_level(LOG_LEVEL_ERROR);
	fake = fake_new();
	failures = failures_new();
	for (size_t i = 0; i < ARRAY_SIZE(outcomes); i++) {
		outcomes[i] = (struct outcome){0};
		buf_init(&outcomes[i].text, BUF_MAX_DEFAULT);
	}
	config = (struct api_config){
	    .url = FAKE_URL,
	    .key = KEY,
	    .email = "demo@example.com",
	    .password = PASSWORD,
	    .connections = 16,
	    .retry_ms = RETRY_MS,
	};
	api = NULL;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	api_free(api);
	for (size_t i = 0; i < ARRAY_SIZE(outcomes); i++) {
		buf_done(&outcomes[i].text);
		free(outcomes[i].url);
	}
	failures_free(failures);
	size_t open = fake_open_count(fake);
	fake_free(fake);
	return open ? -1 : 0;
}

static void start_api(void)
{
	assert_int_equal(api_new(fake_http(fake), &config, failures, &api), 0);
}

/* A guest: no account, no token. */
static void start_guest(void)
{
	config.email = config.password = NULL;
	start_api();
}

static struct api_call *get(const char *id, struct outcome *outcome)
{
	struct api_call *call = api_get(
	    api, "posts/x.json", "posts", id, strlen(id), on_text, outcome);
	assert_non_null(call);
	return call;
}

static struct api_call *list(
    const struct api_query *query, struct outcome *outcome)
{
	struct api_call *call = api_list(api, query, &page_sink, outcome);
	assert_non_null(call);
	return call;
}

static struct http_call *only(void)
{
	assert_int_equal(fake_open_count(fake), 1);
	return fake_open(fake, 0);
}

static struct http_call *only_line(const char *line)
{
	assert_string_equal(fake_line(only()), line);
	return only();
}

static void answer_tokens_with(
    struct http_call *call, const char *access, const char *refresh)
{
	char body[256];
	snprintf(body, sizeof(body),
	    "{\"accessToken\":\"%s\",\"refreshToken\":\"%s\","
	    "\"expiresIn\":3600}",
	    access, refresh);
	ANSWER(call, .status = 200, .body = body);
}

/* Start with an account, and get its first pair: access1, refresh1. */
static void sign_in(void)
{
	start_api();
	get("first", &outcomes[31]);
	fake_run(fake);
	answer_tokens_with(
	    only_line("POST /v1/auth/email/signin"), "access1", "refresh1");
	ANSWER(only_line("GET /v1/data/posts/first"), .status = 200,
	    .body = "{\"id\":\"first\"}");
	assert_int_equal(outcomes[31].count, 1);
	assert_int_equal(outcomes[31].error.err, 0);
}

static void assert_bearer(struct http_call *call, const char *token)
{
	char expected[64];
	snprintf(expected, sizeof(expected), "Bearer %s", token);
	assert_string_equal(fake_header(call, "Authorization"), expected);
}

static void assert_outcome(const struct outcome *outcome, int err, int status)
{
	assert_int_equal(outcome->count, 1);
	assert_int_equal(outcome->error.err, err);
	assert_int_equal(outcome->error.status, status);
}

static struct api_counters counters(void)
{
	struct api_counters now;
	api_counters(api, &now);
	return now;
}

#define UNAUTHORIZED                                                           \
	.status = 401,                                                         \
	.body = "{\"success\":false,\"error\":{\"code\":"                      \
		"\"auth/access-token-expired\",\"message\":\"expired\"}}"

/* ---- sign-in and tokens ---- */

static void sign_in_comes_before_the_first_call(void **state)
{
	(void)state;
	config.mfa_code = "123456";
	config.password = "p\"w\\\xec\x95\x88\n";
	start_api();
	assert_int_equal(fake_count(fake), 0);
	get("5f", &outcomes[0]);
	assert_int_equal(fake_count(fake), 0); /* not before it returns */
	fake_run(fake);
	struct http_call *call = only_line("POST /v1/auth/email/signin");
	assert_string_equal(fake_body(call),
	    "{\"method\":\"password\",\"email\":\"demo@example.com\","
	    "\"password\":\"p\\\"w\\\\\xec\x95\x88\\n\","
	    "\"mfaCode\":\"123456\"}");
	assert_string_equal(fake_header(call, "X-API-Key"), KEY);
	assert_string_equal(
	    fake_header(call, "Content-Type"), "application/json");
	assert_null(fake_header(call, "Authorization"));
	answer_tokens_with(call, "access1", "refresh1");
	call = only_line("GET /v1/data/posts/5f");
	assert_string_equal(fake_header(call, "X-API-Key"), KEY);
	assert_null(fake_header(call, "Content-Type"));
	assert_bearer(call, "access1");
	ANSWER(call, .status = 200, .body = "{\"id\":\"5f\"}");
	assert_outcome(&outcomes[0], 0, 200);
	assert_buf(&outcomes[0].text, "{\"id\":\"5f\"}");
	assert_int_equal(counters().sign_ins, 1);
	assert_int_equal(counters().requests, 2);
}

static void one_sign_in_serves_all_who_wait(void **state)
{
	(void)state;
	start_api();
	for (int i = 0; i < 20; i++)
		get("5f", &outcomes[i]);
	fake_run(fake);
	answer_tokens_with(only(), "access1", "refresh1");
	assert_int_equal(fake_open_count(fake), 16);
	while (fake_open_count(fake))
		ANSWER(fake_open(fake, 0), .status = 200,
		    .body = "{\"id\":\"5f\"}");
	for (int i = 0; i < 20; i++)
		assert_outcome(&outcomes[i], 0, 200);
	assert_int_equal(counters().sign_ins, 1);
}

static void sixteen_refusals_at_once_make_one_refresh(void **state)
{
	(void)state;
	sign_in();
	for (int i = 0; i < 16; i++)
		get("5f", &outcomes[i]);
	fake_run(fake);
	assert_int_equal(fake_open_count(fake), 16);
	struct http_call *calls[16];
	for (size_t i = 0; i < 16; i++)
		calls[i] = fake_open(fake, i);
	for (size_t i = 0; i < 16; i++)
		ANSWER(calls[i], UNAUTHORIZED);
	struct http_call *call = only_line("POST /v1/auth/refresh");
	assert_string_equal(fake_body(call), "{\"refreshToken\":\"refresh1\"}");
	assert_true(fake_is_fresh(call));
	answer_tokens_with(call, "access2", "refresh2");
	assert_int_equal(fake_open_count(fake), 16);
	while (fake_open_count(fake)) {
		assert_bearer(fake_open(fake, 0), "access2");
		ANSWER(fake_open(fake, 0), .status = 200,
		    .body = "{\"id\":\"5f\"}");
	}
	for (int i = 0; i < 16; i++)
		assert_outcome(&outcomes[i], 0, 200);
	assert_int_equal(counters().refreshes, 1);
	assert_int_equal(counters().sign_ins, 1);
}

static void a_token_is_renewed_ahead_of_its_end(void **state)
{
	(void)state;
	sign_in();
	fake_advance(fake, 3539 * 1000);
	get("a", &outcomes[0]);
	fake_run(fake);
	ANSWER(only_line("GET /v1/data/posts/a"), .status = 200,
	    .body = "{\"id\":\"a\"}");
	fake_advance(fake, 1000);
	get("b", &outcomes[1]);
	fake_run(fake);
	answer_tokens_with(
	    only_line("POST /v1/auth/refresh"), "access2", "refresh2");
	assert_bearer(only_line("GET /v1/data/posts/b"), "access2");
	ANSWER(only(), .status = 200, .body = "{\"id\":\"b\"}");
	assert_outcome(&outcomes[1], 0, 200);
}

static void a_short_lived_token_is_used_for_most_of_its_life(void **state)
{
	(void)state;
	start_api();
	get("a", &outcomes[0]);
	fake_run(fake);
	ANSWER(only(), .status = 200,
	    .body = "{\"accessToken\":\"a\",\"expiresIn\":10}");
	ANSWER(only(), .status = 200, .body = "{\"id\":\"a\"}");
	fake_advance(fake, 8999);
	get("a", &outcomes[1]);
	fake_run(fake);
	ANSWER(only_line("GET /v1/data/posts/a"), .status = 200,
	    .body = "{\"id\":\"a\"}");
	fake_advance(fake, 1);
	get("a", &outcomes[2]);
	fake_run(fake);
	/* Without a refresh token, by signing in. */
	only_line("POST /v1/auth/email/signin");
}

static void a_refresh_that_is_refused_leads_to_sign_in(void **state)
{
	(void)state;
	sign_in();
	get("5f", &outcomes[0]);
	fake_run(fake);
	ANSWER(only(), UNAUTHORIZED);
	ANSWER(only_line("POST /v1/auth/refresh"), .status = 401,
	    .body = "{\"error\":{\"code\":\"auth/session-expired\"}}");
	answer_tokens_with(
	    only_line("POST /v1/auth/email/signin"), "access2", "refresh2");
	assert_bearer(only_line("GET /v1/data/posts/5f"), "access2");
	ANSWER(only(), .status = 200, .body = "{\"id\":\"5f\"}");
	assert_outcome(&outcomes[0], 0, 200);
}

static void a_refresh_token_is_used_once(void **state)
{
	(void)state;
	/* Whatever becomes of the answer, the token may be spent. */
	static const int breaks[] = {-EPIPE, -ECONNREFUSED, -ETIMEDOUT, 0};
	sign_in();
	for (size_t i = 0; i < ARRAY_SIZE(breaks); i++) {
		fake_advance(fake, 3600 * 1000);
		get("5f", &outcomes[i]);
		fake_run(fake);
		struct http_call *call = only_line("POST /v1/auth/refresh");
		if (breaks[i])
			fake_break(call, breaks[i]);
		else
			ANSWER(call, .status = 500);
		answer_tokens_with(only_line("POST /v1/auth/email/signin"),
		    "access", "refresh");
		ANSWER(only_line("GET /v1/data/posts/5f"), .status = 200,
		    .body = "{\"id\":\"5f\"}");
		assert_outcome(&outcomes[i], 0, 200);
	}
	assert_int_equal(counters().refreshes, ARRAY_SIZE(breaks));
}

static void half_a_pair_is_not_adopted(void **state)
{
	(void)state;
	static const char *const bodies[] = {"{\"accessToken\":\"access2\"}",
	    "{\"accessToken\":\"access2\",\"refreshTo",
	    "{\"refreshToken\":\"refresh2\"}", "<html></html>", ""};
	sign_in();
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		fake_advance(fake, 3600 * 1000);
		get("5f", &outcomes[i]);
		fake_run(fake);
		ANSWER(only_line("POST /v1/auth/refresh"), .status = 200,
		    .body = bodies[i]);
		answer_tokens_with(only_line("POST /v1/auth/email/signin"),
		    "access3", "refresh3");
		assert_bearer(only(), "access3");
		ANSWER(only(), .status = 200, .body = "{\"id\":\"5f\"}");
		assert_outcome(&outcomes[i], 0, 200);
	}
}

static void a_refused_sign_in_is_not_hammered(void **state)
{
	(void)state;
	start_api();
	get("a", &outcomes[0]);
	get("b", &outcomes[1]);
	fake_run(fake);
	ANSWER(only_line("POST /v1/auth/email/signin"), .status = 401,
	    .body = "{\"error\":{\"code\":\"auth/invalid-credentials\","
		    "\"message\":\"wrong\"}}");
	assert_outcome(&outcomes[0], -EACCES, 401);
	assert_outcome(&outcomes[1], -EACCES, 401);
	assert_string_equal(outcomes[1].error.code, "auth/invalid-credentials");
	fake_advance(fake, 14999);
	get("c", &outcomes[2]);
	fake_run(fake);
	assert_int_equal(fake_count(fake), 1);
	assert_outcome(&outcomes[2], -EACCES, 401);
	assert_string_equal(outcomes[2].error.message, "wrong");
	fake_advance(fake, 1);
	get("d", &outcomes[3]);
	fake_run(fake);
	answer_tokens_with(
	    only_line("POST /v1/auth/email/signin"), "access1", "refresh1");
	ANSWER(only(), .status = 200, .body = "{\"id\":\"d\"}");
	assert_outcome(&outcomes[3], 0, 200);
}

static void a_sign_in_that_breaks_is_tried_again(void **state)
{
	(void)state;
	start_api();
	get("a", &outcomes[0]);
	fake_run(fake);
	fake_break(only(), -EPIPE);
	assert_int_equal(fake_open_count(fake), 0);
	fake_advance_to_timer(fake);
	ANSWER(only_line("POST /v1/auth/email/signin"), .status = 503);
	fake_advance_to_timer(fake);
	answer_tokens_with(
	    only_line("POST /v1/auth/email/signin"), "access1", "refresh1");
	ANSWER(only(), .status = 200, .body = "{\"id\":\"a\"}");
	assert_outcome(&outcomes[0], 0, 200);
}

static void a_late_refusal_of_an_old_token_renews_nothing(void **state)
{
	(void)state;
	sign_in();
	get("a", &outcomes[0]);
	get("b", &outcomes[1]);
	fake_run(fake);
	struct http_call *late = fake_find(fake, "GET /v1/data/posts/b");
	ANSWER(fake_find(fake, "GET /v1/data/posts/a"), UNAUTHORIZED);
	answer_tokens_with(
	    fake_find(fake, "POST /v1/auth/refresh"), "access2", "refresh2");
	ANSWER(fake_find(fake, "GET /v1/data/posts/a"), .status = 200,
	    .body = "{\"id\":\"a\"}");
	ANSWER(late, UNAUTHORIZED);
	assert_bearer(only_line("GET /v1/data/posts/b"), "access2");
	ANSWER(only(), .status = 200, .body = "{\"id\":\"b\"}");
	assert_outcome(&outcomes[1], 0, 200);
	assert_int_equal(counters().refreshes, 1);
}

static void refusals_of_fresh_tokens_end_in_eacces(void **state)
{
	(void)state;
	sign_in();
	get("a", &outcomes[0]);
	fake_run(fake);
	ANSWER(only_line("GET /v1/data/posts/a"), UNAUTHORIZED);
	answer_tokens_with(
	    only_line("POST /v1/auth/refresh"), "access2", "refresh2");
	ANSWER(only_line("GET /v1/data/posts/a"), UNAUTHORIZED);
	/* Not by the refresh token: the session itself may be over. */
	answer_tokens_with(
	    only_line("POST /v1/auth/email/signin"), "access3", "refresh3");
	ANSWER(only_line("GET /v1/data/posts/a"), UNAUTHORIZED);
	assert_int_equal(fake_open_count(fake), 0);
	assert_outcome(&outcomes[0], -EACCES, 401);
	assert_string_equal(
	    outcomes[0].error.code, "auth/access-token-expired");
}

static void no_account_never_signs_in(void **state)
{
	(void)state;
	static const char *const keys[] = {KEY, "sk_00112233445566778899"};
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		config.key = keys[i];
		start_guest();
		get("a", &outcomes[i]);
		fake_run(fake);
		struct http_call *call = only_line("GET /v1/data/posts/a");
		assert_string_equal(fake_header(call, "X-API-Key"), keys[i]);
		assert_null(fake_header(call, "Authorization"));
		ANSWER(call, UNAUTHORIZED);
		assert_outcome(&outcomes[i], -EACCES, 401);
		assert_int_equal(fake_open_count(fake), 0);
		assert_int_equal(fake_timer_count(fake), 0);
		api_free(api);
		api = NULL;
	}
}

static void a_probe_signs_in_and_asks_for_nothing_else(void **state)
{
	(void)state;
	start_api();
	api_probe(api, "posts", 1000, on_done, &outcomes[0]);
	fake_run(fake);
	answer_tokens_with(
	    only_line("POST /v1/auth/email/signin"), "access1", "refresh1");
	assert_outcome(&outcomes[0], 0, 200);
	assert_int_equal(fake_count(fake), 1);
}

static void a_probe_without_an_account_asks_whether_the_key_is_good(
    void **state)
{
	(void)state;
	start_guest();
	assert_non_null(api_probe(api, "posts", 1000, on_done, &outcomes[0]));
	fake_run(fake);
	ANSWER(only_line("GET /v1/data/posts?page=1&limit=1"), .status = 200,
	    .body = "{\"items\":[]}");
	assert_outcome(&outcomes[0], 0, 200);
	api_probe(api, NULL, 1000, on_done, &outcomes[1]);
	fake_run(fake);
	ANSWER(only_line("GET /v1/data/users?page=1&limit=1"), .status = 401,
	    .body = "{}");
	assert_outcome(&outcomes[1], -EACCES, 401);
}

static void a_probe_has_its_own_patience(void **state)
{
	(void)state;
	start_api();
	int64_t begin = fake_now(fake);
	api_probe(api, NULL, 1000, on_done, &outcomes[0]);
	fake_run(fake);
	while (!outcomes[0].count) {
		if (fake_open_count(fake))
			fake_break(fake_open(fake, 0), -ECONNREFUSED);
		else
			assert_true(fake_advance_to_timer(fake));
	}
	assert_outcome(&outcomes[0], -ENETUNREACH, 0);
	assert_int_equal(fake_now(fake) - begin, 1000);
	/* Later calls have the ordinary one. */
	begin = fake_now(fake);
	get("a", &outcomes[1]);
	fake_run(fake);
	while (!outcomes[1].count) {
		if (fake_open_count(fake))
			fake_break(fake_open(fake, 0), -ECONNREFUSED);
		else
			assert_true(fake_advance_to_timer(fake));
	}
	assert_int_equal(fake_now(fake) - begin, RETRY_MS);
}

/* ---- statuses and broken transfers ---- */

static void a_final_status_has_its_errno(void **state)
{
	(void)state;
	static const struct {
		int status, err;
	} cases[] = {{401, -EACCES}, {403, -EACCES}, {404, -ENOENT},
	    {410, -ENOENT}, {400, -EPROTO}, {409, -EPROTO}, {418, -EPROTO},
	    {301, -EPROTO}, {304, -EPROTO}};
	start_guest();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		get("a", &outcomes[i]);
		fake_run(fake);
		ANSWER(only(), .status = cases[i].status,
		    .body = "{\"statusCode\":4,\"error\":\"CODE\","
			    "\"message\":\"words\"}");
		assert_outcome(&outcomes[i], cases[i].err, cases[i].status);
		assert_string_equal(outcomes[i].error.code, "CODE");
		assert_string_equal(outcomes[i].error.message, "words");
		assert_int_equal(fake_timer_count(fake), 0);
	}
}

/* Answer whatever is asked in the same way until the call is over. */
static int64_t persist(
    struct outcome *outcome, const struct fake_answer *answer, int err)
{
	int64_t begin = fake_now(fake);
	fake_run(fake);
	while (!outcome->count) {
		struct http_call *call = fake_open(fake, 0);
		if (call && err)
			fake_break(call, err);
		else if (call)
			fake_answer(call, answer);
		else
			assert_true(fake_advance_to_timer(fake));
	}
	return fake_now(fake) - begin;
}

static void failing_servers_are_tried_for_as_long_as_patience_lasts(
    void **state)
{
	(void)state;
	static const int statuses[] = {500, 502, 503, 504, 408};
	start_guest();
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
		size_t before = fake_count(fake);
		get("a", &outcomes[i]);
		int64_t took = persist(&outcomes[i],
		    &(struct fake_answer){.status = statuses[i]}, 0);
		assert_outcome(&outcomes[i], -EIO, statuses[i]);
		assert_int_equal(took, RETRY_MS);
		size_t attempts = fake_count(fake) - before;
		assert_in_range(attempts, 7, 16);
	}
	assert_true(counters().retries > 30);
}

static void a_server_that_recovers_is_believed(void **state)
{
	(void)state;
	start_guest();
	get("a", &outcomes[0]);
	fake_run(fake);
	ANSWER(only(), .status = 500, .body = "{\"id\":\"a\"}");
	assert_int_equal(fake_open_count(fake), 0);
	fake_advance(fake, 200);
	ANSWER(only(), .status = 200, .body = "{\"id\":\"a\"}", .chunk = 1);
	assert_outcome(&outcomes[0], 0, 200);
	assert_buf(&outcomes[0].text, "{\"id\":\"a\"}");
	assert_int_equal(failures_count(failures), 0);
}

static void retry_after_of_a_failing_server_is_heeded(void **state)
{
	(void)state;
	start_guest();
	get("a", &outcomes[0]);
	fake_run(fake);
	ANSWER(only(), .status = 503, .retry_after_ms = 5000);
	fake_advance(fake, 4999);
	assert_int_equal(fake_open_count(fake), 0);
	fake_advance(fake, 1);
	ANSWER(only(), .status = 200, .body = "{\"id\":\"a\"}");
	assert_outcome(&outcomes[0], 0, 200);
}

static void broken_transfers_are_tried_again_then_have_their_errno(void **state)
{
	(void)state;
	static const struct {
		int broken, err;
	} cases[] = {{-EPIPE, -EIO}, {-ECONNREFUSED, -ENETUNREACH},
	    {-EHOSTUNREACH, -ENETUNREACH}, {-ETIMEDOUT, -ETIMEDOUT}};
	start_guest();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		get("a", &outcomes[i]);
		int64_t took = persist(&outcomes[i], NULL, cases[i].broken);
		assert_outcome(&outcomes[i], cases[i].err, 0);
		assert_int_equal(took, RETRY_MS);
	}
}

static void a_refused_certificate_is_final(void **state)
{
	(void)state;
	start_guest();
	get("a", &outcomes[0]);
	assert_int_equal(persist(&outcomes[0], NULL, -EKEYREJECTED), 0);
	assert_outcome(&outcomes[0], -EKEYREJECTED, 0);
	get("a", &outcomes[1]);
	assert_int_equal(persist(&outcomes[1], NULL, -EPROTO), 0);
	assert_outcome(&outcomes[1], -EPROTO, 0);
}

static void a_rate_limit_holds_everything_and_outlasts_patience(void **state)
{
	(void)state;
	start_guest();
	get("a", &outcomes[0]);
	fake_run(fake);
	get("b", &outcomes[1]);
	fake_run(fake);
	struct http_call *other = fake_find(fake, "GET /v1/data/posts/b");
	ANSWER(fake_find(fake, "GET /v1/data/posts/a"), .status = 429,
	    .retry_after_ms = RETRY_MS * 3);
	/* What is under way goes on. */
	ANSWER(other, .status = 200, .body = "{\"id\":\"b\"}");
	assert_outcome(&outcomes[1], 0, 200);
	get("c", &outcomes[2]);
	fake_advance(fake, RETRY_MS * 3 - 1);
	assert_int_equal(fake_open_count(fake), 0);
	fake_advance(fake, 1);
	assert_int_equal(fake_open_count(fake), 2);
	ANSWER(fake_find(fake, "GET /v1/data/posts/c"), .status = 200,
	    .body = "{\"id\":\"c\"}");
	/* Limited again, though patience is over by far. */
	ANSWER(only(), .status = 429, .retry_after_ms = 3600 * 1000);
	fake_advance(fake, 3600 * 1000);
	ANSWER(only(), .status = 200, .body = "{\"id\":\"a\"}");
	assert_outcome(&outcomes[0], 0, 200);
	assert_int_equal(counters().limited, 2);
	assert_int_equal(failures_count(failures), 0);
}

static void a_rate_limit_that_names_no_time_waits_a_second(void **state)
{
	(void)state;
	start_guest();
	get("a", &outcomes[0]);
	fake_run(fake);
	ANSWER(only(), .status = 429);
	fake_advance(fake, 999);
	assert_int_equal(fake_open_count(fake), 0);
	fake_advance(fake, 1);
	ANSWER(only(), .status = 200, .body = "{\"id\":\"a\"}");
	assert_outcome(&outcomes[0], 0, 200);
}

static void a_limited_refresh_is_sent_again(void **state)
{
	(void)state;
	sign_in();
	fake_advance(fake, 3600 * 1000);
	get("a", &outcomes[0]);
	fake_run(fake);
	ANSWER(only_line("POST /v1/auth/refresh"), .status = 429,
	    .retry_after_ms = 2000);
	fake_advance(fake, 2000);
	assert_string_equal(fake_body(only_line("POST /v1/auth/refresh")),
	    "{\"refreshToken\":\"refresh1\"}");
	answer_tokens_with(only(), "access2", "refresh2");
	ANSWER(only(), .status = 200, .body = "{\"id\":\"a\"}");
	assert_outcome(&outcomes[0], 0, 200);
}

static void a_quota_that_runs_low_is_noticed(void **state)
{
	(void)state;
	start_guest();
	assert_false(api_quota_is_low(api));
	get("a", &outcomes[0]);
	fake_run(fake);
	ANSWER(only(), .status = 200, .body = "{\"id\":\"a\"}", .quota = true,
	    .quota_left = 3);
	assert_true(api_quota_is_low(api));
	assert_int_equal(counters().quota_left, 3);
	get("a", &outcomes[1]);
	fake_run(fake);
	/* An answer that does not tell changes nothing. */
	ANSWER(only(), .status = 200, .body = "{\"id\":\"a\"}");
	assert_true(api_quota_is_low(api));
	get("a", &outcomes[2]);
	fake_run(fake);
	ANSWER(only(), .status = 200, .body = "{\"id\":\"a\"}", .quota = true,
	    .quota_left = 80);
	assert_false(api_quota_is_low(api));
}

/* ---- bodies ---- */

static void a_body_cut_short_is_asked_for_again(void **state)
{
	(void)state;
	start_guest();
	get("a", &outcomes[0]);
	fake_run(fake);
	ANSWER(only(), .status = 200, .body = "{\"id\":\"a\",\"x\":");
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

static void a_whole_body_that_is_no_answer_is_eproto_at_once(void **state)
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
		fake_run(fake);
		ANSWER(only(), .status = 200, .body = bodies[i],
		    .length_told = true);
		assert_outcome(&outcomes[i], -EPROTO, 200);
		assert_int_equal(fake_timer_count(fake), 0);
	}
}

static void an_error_behind_a_200_is_told(void **state)
{
	(void)state;
	start_guest();
	get("a", &outcomes[0]);
	fake_run(fake);
	ANSWER(only(), .status = 200,
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
	get("a", &outcomes[0]);
	fake_run(fake);
	ANSWER(only(), .status = 200, .body = record, .chunk = 3);
	assert_outcome(&outcomes[0], 0, 200);
	assert_text(buf_str(&outcomes[0].text), outcomes[0].text.len, record,
	    sizeof(record) - 1);
	char enveloped[256];
	snprintf(enveloped, sizeof(enveloped),
	    "{\"success\":true,\"data\": %s }", record);
	get("a", &outcomes[1]);
	fake_run(fake);
	ANSWER(only(), .status = 200, .body = enveloped, .chunk = 7);
	assert_text(buf_str(&outcomes[1].text), outcomes[1].text.len, record,
	    sizeof(record) - 1);
}

static const struct api_query first_page = {
    .subject = "posts", .table = "posts", .page = 1, .limit = 100};

static void a_page_hands_out_its_records(void **state)
{
	(void)state;
	start_guest();
	list(&first_page, &outcomes[0]);
	fake_run(fake);
	ANSWER(only(), .status = 200, .chunk = 5,
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
	list(&first_page, &outcomes[0]);
	fake_run(fake);
	ANSWER(only(), .status = 200, .body = "{\"items\":[{\"id\":1},{\"i");
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
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		list(&first_page, &outcomes[i]);
		fake_run(fake);
		ANSWER(only(), .status = 200, .body = bodies[i],
		    .length_told = true);
		assert_outcome(&outcomes[i], -EPROTO, 200);
		assert_int_equal(fake_timer_count(fake), 0);
	}
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
		 .select = "id",
		 .filters = "{\"updatedAt\":{\"$gt\":\"2026\"}}"},
		"GET /v1/data/a-b_C9?page=3&limit=100&sortDirection=asc"
		"&select=id&andFilters=%7B%22updatedAt%22%3A%7B%22%24gt%22%3A"
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
		    cases[i].len, on_text, &outcomes[i]);
		assert_non_null(call);
		fake_run(fake);
		only_line(cases[i].line);
		api_cancel(call);
	}
	struct api_call *call =
	    api_get(api, "s", NULL, TEXT("a/b"), on_text, &outcomes[20]);
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
	api_download_url(
	    api, "storage/x", TEXT("5f"), false, on_download, &outcomes[0]);
	fake_run(fake);
	ANSWER(only(), .status = 200,
	    .body = "{\"url\":\"https://s.test/o?sig=1\",\"size\":3}");
	assert_outcome(&outcomes[0], 0, 200);
	assert_string_equal(outcomes[0].url, "https://s.test/o?sig=1");
	api_download_url(
	    api, "storage/x", TEXT("5f"), false, on_download, &outcomes[1]);
	fake_run(fake);
	ANSWER(only(), .status = 404,
	    .body = "{\"error\":{\"code\":\"file/not-found\"}}");
	assert_outcome(&outcomes[1], -ENOENT, 404);
	assert_int_equal(failures_count(failures), 1);
}

/* ---- objects ---- */

struct object_outcome {
	int count, err, status;
	struct buf body;
};

static int object_head(void *ctx, const struct http_head *head)
{
	((struct object_outcome *)ctx)->status = head->status;
	return 0;
}

static int object_body(void *ctx, const void *data, size_t len)
{
	return buf_add(&((struct object_outcome *)ctx)->body, data, len);
}

static void object_done(void *ctx, int err, const char *detail)
{
	struct object_outcome *outcome = ctx;
	(void)detail;
	outcome->count++;
	outcome->err = err;
}

static const struct http_sink object_sink = {
    object_head, object_body, object_done};

static void an_object_request_carries_no_credential(void **state)
{
	(void)state;
	struct object_outcome outcome = {0};
	buf_init(&outcome.body, 1024);
	sign_in();
	assert_non_null(api_object_get(api, "https://s.test/o?sig=1", 5, 9,
	    "\"tag\"", false, &object_sink, &outcome));
	struct http_call *call = only_line("GET https://s.test/o?sig=1");
	assert_int_equal(fake_header_count(call), 2);
	assert_string_equal(fake_header(call, "Range"), "bytes=5-9");
	assert_string_equal(fake_header(call, "If-Range"), "\"tag\"");
	assert_true(fake_follows_redirects(call));
	ANSWER(call, .status = 206, .body = "56789", .chunk = 2);
	assert_int_equal(outcome.count, 1);
	assert_int_equal(outcome.err, 0);
	assert_int_equal(outcome.status, 206);
	assert_buf(&outcome.body, "56789");
	buf_done(&outcome.body);
	assert_int_equal(counters().objects, 1);
}

static void an_object_is_asked_for_in_ranges_or_whole(void **state)
{
	(void)state;
	static const struct {
		int64_t first, last;
		const char *range, *if_range;
	} cases[] = {{0, 0, "bytes=0-0", "\"t\""}, {7, -1, "bytes=7-", "\"t\""},
	    {-1, -1, NULL, NULL}};
	start_guest();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct api_object *object =
		    api_object_get(api, "http://127.0.0.1:9/o", cases[i].first,
			cases[i].last, "\"t\"", false, &object_sink, NULL);
		assert_non_null(object);
		const char *range = fake_header(only(), "Range");
		const char *if_range = fake_header(only(), "If-Range");
		assert_true(!range == !cases[i].range);
		assert_true(!if_range == !cases[i].if_range);
		if (range)
			assert_string_equal(range, cases[i].range);
		if (if_range)
			assert_string_equal(if_range, cases[i].if_range);
		api_object_cancel(object);
		assert_int_equal(fake_open_count(fake), 0);
	}
}

static void a_url_that_is_not_to_be_followed_is_refused(void **state)
{
	(void)state;
	static const char *const urls[] = {"file:///etc/passwd",
	    "ftp://s.test/o", "gopher://s.test/o", "javascript:alert(1)", "",
	    "/o", "s.test/o", "http://s.test/o", "HTTP://s.test/o",
	    "http://10.0.0.1/o", "http://127.0.0.1.evil.test/o",
	    "http://localhost.evil.test/o", "https://", "http:///o",
	    "dict://127.0.0.1/o", "http://127.0.0.1@evil.test/o"};
	start_guest();
	for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
		errno = 0;
		assert_null(api_object_get(
		    api, urls[i], 0, 9, NULL, false, &object_sink, NULL));
		assert_int_equal(errno, EPROTO);
	}
	assert_int_equal(fake_count(fake), 0);
}

static void objects_and_the_api_have_gates_of_their_own(void **state)
{
	(void)state;
	struct api_object *objects[6];
	config.connections = 2;
	start_guest();
	for (int i = 0; i < 6; i++)
		objects[i] = api_object_get(api, "https://s.test/o", 0, 9, NULL,
		    i < 4, &object_sink, NULL);
	assert_int_equal(fake_open_count(fake), 2);
	get("a", &outcomes[0]);
	fake_run(fake);
	ANSWER(fake_find(fake, "GET /v1/data/posts/a"), .status = 429,
	    .retry_after_ms = 100000);
	/* The API's limit is none of the store. */
	api_object_cancel(objects[0]);
	api_object_cancel(objects[1]);
	assert_int_equal(fake_open_count(fake), 2);
	for (int i = 2; i < 6; i++)
		api_object_cancel(objects[i]);
	fake_advance(fake, 100000);
	ANSWER(only(), .status = 200, .body = "{\"id\":\"a\"}");
	assert_outcome(&outcomes[0], 0, 200);
}

/* ---- cancelling ---- */

static void assert_nothing_is_left(void)
{
	fake_run(fake);
	assert_int_equal(fake_open_count(fake), 0);
	assert_int_equal(fake_timer_count(fake), 0);
	for (size_t i = 0; i < 31; i++)
		assert_int_equal(outcomes[i].count, 0);
	assert_true(TAILQ_EMPTY(&api->calls));
	assert_true(TAILQ_EMPTY(&api->auth.waiting));
	assert_int_equal(api->gate.inside, 0);
}

static void a_call_can_be_cancelled_in_every_state(void **state)
{
	(void)state;
	config.connections = 1;
	sign_in();
	/* Before it began. */
	api_cancel(get("a", &outcomes[0]));
	assert_nothing_is_left();
	/* Under way, before and within the answer. */
	struct api_call *call = get("a", &outcomes[0]);
	fake_run(fake);
	struct http_call *sent = only();
	api_cancel(call);
	assert_true(fake_was_cancelled(sent));
	assert_nothing_is_left();
	call = list(&first_page, &outcomes[0]);
	fake_run(fake);
	fake_begin_answer(only(), &(struct fake_answer){.status = 200,
				      .body = "{\"items\":[{\"id\":1},{\"i"});
	api_cancel(call);
	assert_nothing_is_left();
	/* At the gate. */
	struct api_call *inside = get("a", &outcomes[0]);
	call = get("b", &outcomes[1]);
	fake_run(fake);
	api_cancel(call);
	api_cancel(inside);
	assert_nothing_is_left();
	/* In a pause. */
	call = get("a", &outcomes[0]);
	fake_run(fake);
	ANSWER(only(), .status = 500);
	api_cancel(call);
	assert_nothing_is_left();
	/* Held by a rate limit: the hold stays, the call does not. */
	call = get("a", &outcomes[0]);
	fake_run(fake);
	ANSWER(only(), .status = 429, .retry_after_ms = 5000);
	api_cancel(call);
	fake_advance(fake, 5000);
	assert_nothing_is_left();
	api_cancel(NULL);
	api_object_cancel(NULL);
}

static void one_who_leaves_while_a_token_is_fetched_spoils_nothing(void **state)
{
	(void)state;
	start_api();
	struct api_call *call = get("a", &outcomes[0]);
	get("b", &outcomes[1]);
	fake_run(fake);
	api_cancel(call);
	answer_tokens_with(
	    only_line("POST /v1/auth/email/signin"), "access1", "refresh1");
	ANSWER(only_line("GET /v1/data/posts/b"), .status = 200,
	    .body = "{\"id\":\"b\"}");
	assert_int_equal(outcomes[0].count, 0);
	assert_outcome(&outcomes[1], 0, 200);
}

static void a_cancelled_call_lets_the_next_in(void **state)
{
	(void)state;
	config.connections = 1;
	start_guest();
	struct api_call *call = get("a", &outcomes[0]);
	get("b", &outcomes[1]);
	fake_run(fake);
	only_line("GET /v1/data/posts/a");
	api_cancel(call);
	ANSWER(only_line("GET /v1/data/posts/b"), .status = 200,
	    .body = "{\"id\":\"b\"}");
	assert_outcome(&outcomes[1], 0, 200);
}

static void what_is_under_way_at_the_end_is_dropped_unheard(void **state)
{
	(void)state;
	config.connections = 2;
	start_api();
	for (int i = 0; i < 8; i++)
		get("a", &outcomes[i]);
	fake_run(fake);
	answer_tokens_with(only(), "access1", "refresh1");
	ANSWER(fake_open(fake, 0), .status = 500);
	ANSWER(fake_open(fake, 0), UNAUTHORIZED);
	for (int i = 0; i < 4; i++)
		assert_non_null(api_object_get(api, "https://s.test/o", 0, 9,
		    NULL, false, &object_sink, NULL));
	api_free(api);
	api = NULL;
	assert_int_equal(fake_open_count(fake), 0);
	for (int i = 0; i < 8; i++)
		assert_int_equal(outcomes[i].count, 0);
}

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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(sign_in_comes_before_the_first_call),
	    TEST(one_sign_in_serves_all_who_wait),
	    TEST(sixteen_refusals_at_once_make_one_refresh),
	    TEST(a_token_is_renewed_ahead_of_its_end),
	    TEST(a_short_lived_token_is_used_for_most_of_its_life),
	    TEST(a_refresh_that_is_refused_leads_to_sign_in),
	    TEST(a_refresh_token_is_used_once),
	    TEST(half_a_pair_is_not_adopted),
	    TEST(a_refused_sign_in_is_not_hammered),
	    TEST(a_sign_in_that_breaks_is_tried_again),
	    TEST(a_late_refusal_of_an_old_token_renews_nothing),
	    TEST(refusals_of_fresh_tokens_end_in_eacces),
	    TEST(no_account_never_signs_in),
	    TEST(a_probe_signs_in_and_asks_for_nothing_else),
	    TEST(a_probe_without_an_account_asks_whether_the_key_is_good),
	    TEST(a_probe_has_its_own_patience),
	    TEST(a_final_status_has_its_errno),
	    TEST(failing_servers_are_tried_for_as_long_as_patience_lasts),
	    TEST(a_server_that_recovers_is_believed),
	    TEST(retry_after_of_a_failing_server_is_heeded),
	    TEST(broken_transfers_are_tried_again_then_have_their_errno),
	    TEST(a_refused_certificate_is_final),
	    TEST(a_rate_limit_holds_everything_and_outlasts_patience),
	    TEST(a_rate_limit_that_names_no_time_waits_a_second),
	    TEST(a_limited_refresh_is_sent_again),
	    TEST(a_quota_that_runs_low_is_noticed),
	    TEST(a_body_cut_short_is_asked_for_again),
	    TEST(a_body_that_stays_cut_short_is_eio),
	    TEST(a_whole_body_that_is_no_answer_is_eproto_at_once),
	    TEST(an_error_behind_a_200_is_told),
	    TEST(the_record_of_another_name_is_none),
	    TEST(a_record_comes_out_of_its_envelope_as_it_was_sent),
	    TEST(a_page_hands_out_its_records),
	    TEST(a_page_cut_short_starts_over),
	    TEST(what_is_no_page_is_eproto),
	    TEST(what_the_sink_refuses_ends_the_call),
	    TEST(a_listing_asks_as_the_service_documents_it),
	    TEST(an_id_is_one_segment_of_the_path),
	    TEST(a_download_url_is_handed_out),
	    TEST(an_object_request_carries_no_credential),
	    TEST(an_object_is_asked_for_in_ranges_or_whole),
	    TEST(a_url_that_is_not_to_be_followed_is_refused),
	    TEST(objects_and_the_api_have_gates_of_their_own),
	    TEST(a_call_can_be_cancelled_in_every_state),
	    TEST(one_who_leaves_while_a_token_is_fetched_spoils_nothing),
	    TEST(a_cancelled_call_lets_the_next_in),
	    TEST(what_is_under_way_at_the_end_is_dropped_unheard),
	    TEST(a_failure_is_told_by_the_path_of_the_mount),
	    TEST(secrets_are_blotted_out_of_what_the_server_says),
	    TEST(a_body_that_is_not_kept_by_a_guest_is_blotted_too),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
