/* Tokens that somebody else keeps, for other mounts as well. */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>

#include "api-fixture.h"

/* What the keeper says when it is asked next, and what it was told. */
static struct {
	int err;
	const char *access;
	const char *refresh;
	int taken;
	int kept;
	char kept_access[64];
	char kept_refresh[64];
} keeper;

/* It answers later, as one with a disk does. */
static struct http_task task;
static void (*taken)(void *ctx, int err, struct answer_tokens *pair);

static void tell(void *ctx)
{
	struct answer_tokens pair = {0};
	if (!keeper.err)
		pair = (struct answer_tokens){
		    .access = keeper.access ? strdup(keeper.access) : NULL,
		    .refresh = keeper.refresh ? strdup(keeper.refresh) : NULL,
		    .lifetime_ms = 3600000,
		};
	taken(ctx, keeper.err, &pair);
}

static void take(void *ctx,
    void (*fn)(void *ctx, int err, struct answer_tokens *pair), void *fn_ctx)
{
	(void)ctx;
	keeper.taken++;
	taken = fn;
	task = (struct http_task){.fn = tell, .ctx = fn_ctx};
	http_post(fake_http(fake), &task);
}

static void copy(char out[64], const char *text)
{
	strcpy(out, text ? text : "");
}

static void keep(void *ctx, const struct answer_tokens *pair)
{
	(void)ctx;
	keeper.kept++;
	copy(keeper.kept_access, pair ? pair->access : NULL);
	copy(keeper.kept_refresh, pair ? pair->refresh : NULL);
}

static const struct api_keeper events = {.take = take, .keep = keep};

static void start_kept(const char *password)
{
	memset(&keeper, 0, sizeof(keeper));
	config.keeper = &events;
	config.password = password;
	if (!password)
		config.email = NULL;
	start_api();
}

static void assert_kept(int times, const char *access, const char *refresh)
{
	assert_int_equal(keeper.kept, times);
	assert_string_equal(keeper.kept_access, access);
	assert_string_equal(keeper.kept_refresh, refresh);
}

static void a_kept_token_is_used_once_and_the_next_one_is_kept(void **state)
{
	(void)state;
	start_kept(NULL);
	keeper.refresh = "one";
	get("5f", &outcomes[0]);
	fake_run(fake);
	struct http_call *call = only_line("POST /v1/auth/refresh");
	assert_string_equal(fake_body(call), "{\"refreshToken\":\"one\"}");
	assert_int_equal(keeper.kept, 0);
	answer_tokens_with(call, "access2", "two");
	assert_kept(1, "access2", "two");
	call = only_line("GET /v1/data/posts/5f");
	assert_bearer(call, "access2");
	/* The next one is the keeper's to give, not what came with this. */
	keeper.refresh = "three";
	refuse("GET /v1/data/posts/5f");
	call = only_line("POST /v1/auth/refresh");
	assert_string_equal(fake_body(call), "{\"refreshToken\":\"three\"}");
	assert_int_equal(keeper.taken, 2);
}

static void what_another_mount_got_is_taken_over(void **state)
{
	(void)state;
	start_kept(NULL);
	keeper.access = "theirs";
	get("5f", &outcomes[0]);
	fake_run(fake);
	assert_bearer(only_line("GET /v1/data/posts/5f"), "theirs");
	assert_int_equal(keeper.kept, 0);
	assert_int_equal(counters().refreshes, 0);
}

/* It may have ended as well, and says nothing of the next one. */
static void what_another_mount_got_may_be_refused(void **state)
{
	(void)state;
	start_kept(NULL);
	keeper.refresh = "one";
	get("5f", &outcomes[0]);
	fake_run(fake);
	answer_tokens_with(only(), "access1", "two");
	keeper.access = "theirs";
	refuse("GET /v1/data/posts/5f");
	assert_bearer(only(), "theirs");
	keeper.access = NULL;
	keeper.refresh = "three";
	refuse("GET /v1/data/posts/5f");
	ANSWER(only_line("GET /v1/auth/me"), UNAUTHORIZED);
	answer_tokens_with(
	    only_line("POST /v1/auth/refresh"), "access2", "four");
	assert_bearer(only_line("GET /v1/data/posts/5f"), "access2");
	ANSWER(only(), .status = 200, .body = "{\"id\":\"5f\"}");
	assert_outcome(&outcomes[0], 0, 200);
}

static void one_that_is_in_use_is_waited_for(void **state)
{
	(void)state;
	start_kept(NULL);
	keeper.err = -EAGAIN;
	get("5f", &outcomes[0]);
	get("60", &outcomes[1]);
	fake_run(fake);
	for (int i = 2; i < 5; i++) {
		assert_int_equal(fake_open_count(fake), 0);
		assert_true(fake_advance_to_timer(fake));
		assert_int_equal(keeper.taken, i);
	}
	keeper.err = 0;
	keeper.access = "theirs";
	assert_true(fake_advance_to_timer(fake));
	assert_int_equal(fake_open_count(fake), 2);
}

static void one_that_was_never_sent_goes_back(void **state)
{
	(void)state;
	start_kept(NULL);
	keeper.refresh = "one";
	get("5f", &outcomes[0]);
	fake_run(fake);
	fake_break(only(), -ECONNREFUSED);
	assert_kept(1, "", "one");
	assert_int_equal(outcomes[0].count, 0);
	/* Tried again while there is patience, and not for longer. */
	while (!outcomes[0].count) {
		assert_true(fake_advance_to_timer(fake));
		if (fake_open_count(fake))
			fake_break(only(), -ECONNREFUSED);
	}
	assert_outcome(&outcomes[0], -ENETUNREACH, 0);
	assert_in_range(
	    fake_now(fake) - FAKE_BEGIN_MS, RETRY_MS, RETRY_MS + 2000);
	assert_kept(keeper.taken, "", "one");
	/* And by whoever asks next. */
	get("5f", &outcomes[1]);
	fake_run(fake);
	answer_tokens_with(
	    only_line("POST /v1/auth/refresh"), "access2", "two");
	assert_bearer(only_line("GET /v1/data/posts/5f"), "access2");
}

static void one_whose_answer_was_lost_is_gone(void **state)
{
	(void)state;
	start_kept(NULL);
	keeper.refresh = "one";
	get("5f", &outcomes[0]);
	fake_run(fake);
	fake_break(only(), -EPIPE);
	assert_kept(1, "", "");
	assert_outcome(&outcomes[0], -EIO, 0);
	get("5f", &outcomes[1]);
	fake_run(fake);
	assert_int_equal(outcomes[1].error.err, -EACCES);
	assert_int_equal(fake_open_count(fake), 0);
	assert_int_equal(counters().refreshes, 1);
}

static void a_password_helps_where_the_session_is_over(void **state)
{
	(void)state;
	start_kept(PASSWORD);
	keeper.refresh = "one";
	get("5f", &outcomes[0]);
	fake_run(fake);
	ANSWER(only(), UNAUTHORIZED);
	assert_kept(1, "", "");
	answer_tokens_with(
	    only_line("POST /v1/auth/email/signin"), "access2", "two");
	/* From here on the pair is this mount's own. */
	refuse("GET /v1/data/posts/5f");
	struct http_call *call = only_line("POST /v1/auth/refresh");
	assert_string_equal(fake_body(call), "{\"refreshToken\":\"two\"}");
	assert_int_equal(keeper.taken, 1);
}

static void where_there_is_none_nothing_is_sent(void **state)
{
	(void)state;
	start_kept(NULL);
	keeper.err = -ENOENT;
	get("5f", &outcomes[0]);
	fake_run(fake);
	assert_int_equal(outcomes[0].error.err, -EACCES);
	assert_int_equal(fake_count(fake), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_kept_token_is_used_once_and_the_next_one_is_kept),
	    TEST(what_another_mount_got_is_taken_over),
	    TEST(what_another_mount_got_may_be_refused),
	    TEST(one_that_is_in_use_is_waited_for),
	    TEST(one_that_was_never_sent_goes_back),
	    TEST(one_whose_answer_was_lost_is_gone),
	    TEST(a_password_helps_where_the_session_is_over),
	    TEST(where_there_is_none_nothing_is_sent),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
