#include "api-fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "unit.h"

#include "api/api_parts.h"
#include "api/retry.h"
#include "base/log.h"

struct fake *fake;
struct api *api;
struct failures *failures;
struct api_config config;
struct outcome outcomes[32];

const struct api_query first_page = {
    .subject = "posts", .table = "posts", .page = 1, .limit = 100};

void on_text(
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

void on_done(void *ctx, const struct api_error *error)
{
	struct outcome *outcome = ctx;
	outcome->count++;
	outcome->error = *error;
}

int on_record(void *ctx, const char *text, size_t len)
{
	struct outcome *outcome = ctx;
	outcome->records++;
	return buf_add(&outcome->text, text, len);
}

void on_restart(void *ctx)
{
	struct outcome *outcome = ctx;
	outcome->restarts++;
	outcome->records = 0;
	buf_clear(&outcome->text);
}

void on_page(
    void *ctx, const struct api_error *error, const struct api_page *page)
{
	struct outcome *outcome = ctx;
	on_done(ctx, error);
	assert_true(!error->err == !!page);
	if (page)
		outcome->page = *page;
}

static const struct api_page_sink page_sink = {on_record, on_restart, on_page};

void on_download(void *ctx, const struct api_error *error,
    const struct answer_download *download)
{
	struct outcome *outcome = ctx;
	on_done(ctx, error);
	if (!error->err)
		outcome->url = strdup(download->url);
}

int setup(void **state)
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

int teardown(void **state)
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

void start_api(void)
{
	assert_int_equal(api_new(fake_http(fake), &config, failures, &api), 0);
}

/* A guest: no account, no token. */
void start_guest(void)
{
	config.email = config.password = NULL;
	start_api();
}

struct api_call *get(const char *id, struct outcome *outcome)
{
	struct api_call *call = api_get(api, "posts/x.json", "posts", id,
	    strlen(id), API_PERHAPS, on_text, outcome);
	assert_non_null(call);
	return call;
}

struct api_call *list(const struct api_query *query, struct outcome *outcome)
{
	struct api_call *call = api_list(api, query, &page_sink, outcome);
	assert_non_null(call);
	return call;
}

struct storage_call *get_object(const char *url, int64_t first, int64_t last,
    const char *validator, bool speculative, const struct http_sink *sink,
    void *ctx)
{
	struct storage_wish wish = {
	    .url = url,
	    .first = first,
	    .last = last,
	    .validator = validator,
	    .speculative = speculative,
	};
	return storage_get(api->storage, &wish, sink, ctx);
}

struct api_call *ask_url(struct outcome *outcome)
{
	struct api_call *call = api_download_url(
	    api, "storage/x", TEXT("5f"), false, on_download, outcome);
	assert_non_null(call);
	return call;
}

struct http_call *only(void)
{
	assert_int_equal(fake_open_count(fake), 1);
	return fake_open(fake, 0);
}

struct http_call *only_line(const char *line)
{
	assert_string_equal(fake_line(only()), line);
	return only();
}

void refuse(const char *line)
{
	char bearer[64];
	snprintf(bearer, sizeof(bearer), "%s",
	    fake_header(only_line(line), "Authorization"));
	do
		ANSWER(only_line(line), UNAUTHORIZED);
	while (!fake_open_count(fake) && fake_advance_to_timer(fake) &&
	       strcmp(bearer, fake_header(only(), "Authorization")) == 0);
}

void answer_tokens_with(
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
void sign_in(void)
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

void forget(struct outcome *outcome)
{
	outcome->count = 0;
	outcome->error = (struct api_error){0};
	buf_clear(&outcome->text);
}

void assert_bearer(struct http_call *call, const char *token)
{
	char expected[64];
	snprintf(expected, sizeof(expected), "Bearer %s", token);
	assert_string_equal(fake_header(call, "Authorization"), expected);
}

void assert_outcome(const struct outcome *outcome, int err, int status)
{
	assert_int_equal(outcome->count, 1);
	assert_int_equal(outcome->error.err, err);
	assert_int_equal(outcome->error.status, status);
}

struct api_counters counters(void)
{
	struct api_counters now;
	api_counters(api, &now);
	return now;
}

/* Answer whatever is asked in the same way until the call is over. */
int64_t persist(
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

void persist_garbled(struct outcome *outcome, const struct fake_answer *answer)
{
	uint64_t before = counters().retries;
	persist(outcome, answer, 0);
	assert_outcome(outcome, -EPROTO, answer->status);
	assert_int_equal(counters().retries - before, RETRY_GARBLED_MAX);
}

void assert_no_pages(const char *const bodies[], size_t count)
{
	for (size_t i = 0; i < count; i++) {
		list(&first_page, &outcomes[i]);
		PERSIST_GARBLED(&outcomes[i], .status = 200, .body = bodies[i],
		    .length_told = true);
	}
}
