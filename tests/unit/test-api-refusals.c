/* Tokens that a server refuses although it has just given them out: whatever
 * it says, signing in is not what each look at a file costs. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "api-fixture.h"

/* A server, as it answers whatever is asked. */
static struct server {
	unsigned issued;    /* pairs */
	unsigned signed_in; /* of these */
	unsigned refreshed;
	unsigned checks;      /* questions who we are */
	const char *refused;  /* which paths are; "": all */
	bool stateless;	      /* it knows us by tokens that have ended */
	bool knows_nobody;    /* 404 to the question who we are */
	bool no_refresh;      /* a refresh is refused ... */
	bool gives_none;      /* ... or there is nothing to refresh with */
	int64_t life_ms;      /* as it is told */
	int64_t true_life_ms; /* as it is; 0: the same */
	int64_t known_after_ms;
	int64_t issued_ms; /* the last one */
	unsigned old;	   /* pairs up to this one have ended */
} server;

static void issue(struct http_call *call)
{
	char body[256], refresh[64] = "";
	server.issued++;
	server.issued_ms = fake_now(fake);
	if (!server.gives_none)
		snprintf(refresh, sizeof(refresh), "\"refreshToken\":\"r%u\",",
		    server.issued);
	snprintf(body, sizeof(body),
	    "{\"accessToken\":\"t%u\",%s\"expiresIn\":%lld}", server.issued,
	    refresh, (long long)server.life_ms / 1000);
	ANSWER(call, .status = 200, .body = body);
}

/* Whether the token that the request carries is one of those that count. */
static bool is_good(struct http_call *call)
{
	unsigned number = 0;
	int64_t age = fake_now(fake) - server.issued_ms;
	int64_t life =
	    server.true_life_ms ? server.true_life_ms : server.life_ms;
	const char *bearer = fake_header(call, "Authorization");
	assert_non_null(bearer);
	assert_int_equal(sscanf(bearer, "Bearer t%u", &number), 1);
	return number == server.issued && number > server.old && age < life &&
	       age >= server.known_after_ms;
}

static void answer(struct http_call *call)
{
	const char *line = fake_line(call);
	char body[64];
	if (strcmp(line, "POST /v1/auth/email/signin") == 0) {
		server.signed_in++;
		issue(call);
	} else if (strcmp(line, "POST /v1/auth/refresh") == 0) {
		server.refreshed++;
		if (server.no_refresh)
			ANSWER(call, UNAUTHORIZED);
		else
			issue(call);
	} else if (strcmp(line, "GET /v1/auth/me") == 0) {
		server.checks++;
		if (server.knows_nobody)
			ANSWER(call, .status = 404);
		else if (server.stateless ||
			 (is_good(call) && server.refused[0]))
			ANSWER(call, .status = 200, .body = "{\"id\":\"u\"}");
		else
			ANSWER(call, UNAUTHORIZED);
	} else if (is_good(call) &&
		   (!server.refused || !strstr(line, server.refused))) {
		snprintf(body, sizeof(body), "{\"id\":\"%s\"}",
		    strrchr(line, '/') + 1);
		ANSWER(call, .status = 200, .body = body);
	} else {
		ANSWER(call, UNAUTHORIZED);
	}
}

/* Ask for a record, and let the server answer until that is over: the errno. */
static int look_at(const char *id)
{
	struct outcome *outcome = &outcomes[0];
	forget(outcome);
	get(id, outcome);
	fake_run(fake);
	while (!outcome->count) {
		if (fake_open_count(fake))
			answer(fake_open(fake, 0));
		else
			assert_true(fake_advance_to_timer(fake));
	}
	assert_int_equal(outcome->count, 1);
	return outcome->error.err;
}

static void begin(struct server as)
{
	server = as;
	if (!server.refused)
		server.refused = "nothing";
	if (!server.life_ms)
		server.life_ms = 3600 * 1000;
	start_api();
}

static void look_for_fifteen_minutes(void)
{
	int64_t end = fake_now(fake) + 900 * 1000;
	while (fake_now(fake) < end) {
		assert_int_equal(look_at("a"), -EACCES);
		assert_int_equal(look_at("b"), -EACCES);
		fake_advance(fake, 1000);
	}
}

/* Five in fifteen minutes lock the account. */
static void a_server_that_refuses_all_is_signed_in_to_some_times(void **state)
{
	(void)state;
	static const struct server servers[] = {
	    {.refused = ""},
	    {.refused = "", .no_refresh = true},
	    {.refused = "", .gives_none = true},
	    {.refused = "", .life_ms = 1000},
	    {.refused = "", .life_ms = 1000, .gives_none = true},
	    {.refused = "", .life_ms = 3000, .no_refresh = true},
	    {.refused = "", .knows_nobody = true},
	};
	for (size_t i = 0; i < ARRAY_SIZE(servers); i++) {
		begin(servers[i]);
		look_for_fifteen_minutes();
		assert_in_range(server.signed_in, 1, 5);
		assert_in_range(server.refreshed, 0, 20);
		assert_string_equal(
		    outcomes[0].error.code, "auth/access-token-expired");
		api_free(api);
		api = NULL;
	}
}

static void it_is_asked_again_once_it_has_come_to_its_senses(void **state)
{
	(void)state;
	begin((struct server){.refused = ""});
	assert_int_equal(look_at("a"), -EACCES);
	server.refused = "nothing";
	assert_int_equal(look_at("a"), 0);
	assert_int_equal(server.signed_in, 1);
	/* Of those that it has forgotten, as well, if later. */
	server.old = server.issued;
	fake_advance(fake, 300 * 1000);
	assert_int_equal(look_at("a"), 0);
}

static void a_record_that_is_refused_for_ever_costs_no_sign_in(void **state)
{
	(void)state;
	begin((struct server){.refused = "/bad"});
	for (int i = 0; i < 1000; i++) {
		char id[16];
		snprintf(id, sizeof(id), "bad%d", i % 20);
		assert_int_equal(look_at("good"), 0);
		assert_int_equal(look_at(id), -EACCES);
		assert_int_equal(outcomes[0].error.status, 401);
		fake_advance(fake, 1000);
	}
	assert_int_equal(server.signed_in, 1);
	assert_in_range(server.refreshed, 1, 6);
	assert_in_range(server.checks, 990, 1000);
}

static void nor_does_it_where_nobody_can_say_who_we_are(void **state)
{
	(void)state;
	begin((struct server){.refused = "/bad", .knows_nobody = true});
	for (int i = 0; i < 900; i++) {
		assert_int_equal(look_at("good"), 0);
		assert_int_equal(look_at("bad"), -EACCES);
		fake_advance(fake, 1000);
	}
	assert_in_range(server.signed_in, 1, 5);
	assert_in_range(server.refreshed, 1, 5);
}

/* A token that has truly ended is told from one that is refused somewhere. */
static void other_records_are_renewed_for_meanwhile(void **state)
{
	(void)state;
	begin((struct server){.refused = "/bad"});
	assert_int_equal(look_at("bad"), -EACCES);
	for (int i = 0; i < 20; i++) {
		fake_advance(fake, 10 * 1000);
		server.old = server.issued;
		if (i % 2)
			assert_int_equal(look_at("bad"), -EACCES);
		assert_int_equal(look_at("good"), 0);
	}
	assert_int_equal(server.signed_in, 1);
}

/* Not even where nobody can say who we are: only that others are served. */
static void one_bad_record_locks_nobody_out(void **state)
{
	(void)state;
	begin((struct server){.refused = "/bad", .knows_nobody = true});
	assert_int_equal(look_at("bad"), -EACCES);
	for (int i = 0; i < 200; i++) {
		assert_int_equal(look_at("good"), 0);
		assert_int_equal(look_at("bad"), -EACCES);
		fake_advance(fake, 3 * 1000);
		if (i % 10 == 0)
			server.old = server.issued;
	}
	assert_in_range(server.signed_in, 1, 5);
}

/* Nor do many, now and then: none of them is known yet. */
static void many_bad_records_cost_few_tokens(void **state)
{
	(void)state;
	static const struct server servers[] = {
	    {.refused = "/bad", .knows_nobody = true},
	    {.refused = "/bad", .knows_nobody = true, .gives_none = true},
	    {.refused = "/bad", .knows_nobody = true, .no_refresh = true},
	};
	for (size_t i = 0; i < ARRAY_SIZE(servers); i++) {
		begin(servers[i]);
		for (int n = 0; n < 900; n++) {
			char id[16];
			snprintf(id, sizeof(id), "bad%d", n);
			assert_int_equal(look_at("good"), 0);
			assert_int_equal(look_at(id), -EACCES);
			fake_advance(fake, 1000);
		}
		assert_in_range(server.signed_in, 1, 5);
		assert_in_range(server.refreshed, 0, 10);
		api_free(api);
		api = NULL;
	}
}

/* One that is good for the question who we are, and for nothing else. */
static void what_a_check_says_is_not_believed_for_ever(void **state)
{
	(void)state;
	begin((struct server){.refused = "/bad"});
	assert_int_equal(look_at("bad"), -EACCES);
	server.refused = "nothing";
	server.stateless = true;
	server.old = server.issued;
	assert_int_equal(look_at("good"), -EACCES);
	fake_advance(fake, 300 * 1000);
	assert_int_equal(look_at("good"), 0);
	assert_int_equal(server.signed_in, 1);
}

static void a_token_is_not_given_up_in_its_first_seconds(void **state)
{
	(void)state;
	begin((struct server){.known_after_ms = 1000});
	assert_int_equal(look_at("a"), 0);
	assert_int_equal(server.issued, 1);
	server.old = 1;
	assert_int_equal(look_at("a"), 0);
	assert_int_equal(server.issued, 2);
	assert_int_equal(server.signed_in, 1);
}

/* Each of them was good for something. */
static void tokens_of_three_seconds_serve_whoever_looks(void **state)
{
	(void)state;
	/* Said to live as long as they do, and far longer. */
	static const int64_t told[] = {3000, 3600 * 1000};
	for (size_t i = 0; i < ARRAY_SIZE(told); i++) {
		begin(
		    (struct server){.life_ms = told[i], .true_life_ms = 3000});
		for (int look = 0; look < 500; look++) {
			assert_int_equal(look_at("a"), 0);
			fake_advance(fake, 100 + look * 7 % 5000);
		}
		assert_int_equal(server.signed_in, 1);
		api_free(api);
		api = NULL;
	}
}

/* A check says nothing of a refusal that came after it was asked. */
static void each_refusal_is_followed_by_a_check_of_its_own(void **state)
{
	(void)state;
	begin((struct server){.refused = "/bad"});
	assert_int_equal(look_at("bad"), -EACCES);
	get("bad", &outcomes[1]);
	get("good", &outcomes[2]);
	fake_run(fake);
	answer(fake_find(fake, "GET /v1/data/posts/bad"));
	struct http_call *good = fake_find(fake, "GET /v1/data/posts/good");
	struct http_call *check = fake_find(fake, "GET /v1/auth/me");
	ANSWER(good, UNAUTHORIZED); /* ended in between */
	ANSWER(check, .status = 200, .body = "{\"id\":\"u\"}");
	assert_outcome(&outcomes[1], -EACCES, 401);
	assert_int_equal(outcomes[2].count, 0);
	ANSWER(only_line("GET /v1/auth/me"), UNAUTHORIZED);
	answer(only_line("POST /v1/auth/refresh"));
	answer(only_line("GET /v1/data/posts/good"));
	assert_outcome(&outcomes[2], 0, 200);
}

static void who_is_sent_away_is_told_of_no_check(void **state)
{
	(void)state;
	begin((struct server){.refused = "/bad"});
	assert_int_equal(look_at("bad"), -EACCES);
	struct api_call *call = get("bad", &outcomes[1]);
	fake_run(fake);
	answer(only());
	api_cancel(call);
	answer(only_line("GET /v1/auth/me"));
	assert_int_equal(outcomes[1].count, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    TEST(a_server_that_refuses_all_is_signed_in_to_some_times),
	    TEST(it_is_asked_again_once_it_has_come_to_its_senses),
	    TEST(a_record_that_is_refused_for_ever_costs_no_sign_in),
	    TEST(nor_does_it_where_nobody_can_say_who_we_are),
	    TEST(other_records_are_renewed_for_meanwhile),
	    TEST(one_bad_record_locks_nobody_out),
	    TEST(many_bad_records_cost_few_tokens),
	    TEST(what_a_check_says_is_not_believed_for_ever),
	    TEST(a_token_is_not_given_up_in_its_first_seconds),
	    TEST(tokens_of_three_seconds_serve_whoever_looks),
	    TEST(each_refusal_is_followed_by_a_check_of_its_own),
	    TEST(who_is_sent_away_is_told_of_no_check),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
