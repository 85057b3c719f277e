#include "unit.h"

#include <errno.h>
#include <string.h>

#include "emulator/oauth/grants.h"

#define VERIFIER "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
#define BACK "http://127.0.0.1:1/back"
#define MINUTE_MS INT64_C(60000)
#define DAY_MS (24 * 60 * MINUTE_MS)
#define HOUR_S 3600

static const struct grant_wish wish = {
    .client_id = "dyn-1",
    .redirect_uri = BACK,
    .challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    .scope = "*:read",
};

static int set_up(void **state)
{
	struct grants *grants;
	assert_int_equal(grants_new(&grants), 0);
	*state = grants;
	return 0;
}

static int tear_down(void **state)
{
	grants_free(*state);
	return 0;
}

static int exchange(struct grants *grants, const char *code, int64_t now_ms,
    struct grant_tokens *ret_tokens)
{
	return grants_exchange(
	    grants, code, VERIFIER, "dyn-1", BACK, now_ms, HOUR_S, ret_tokens);
}

/* Asked and allowed at 0. */
static void get_code(struct grants *grants, char code[GRANT_SECRET_SIZE])
{
	char consent[GRANT_SECRET_SIZE];
	assert_int_equal(grants_ask(grants, &wish, 0, consent), 0);
	assert_int_equal(grants_allow(grants, consent, 0, 600, code), 0);
}

static void get_tokens(struct grants *grants, struct grant_tokens *tokens)
{
	char code[GRANT_SECRET_SIZE];
	get_code(grants, code);
	assert_int_equal(exchange(grants, code, 0, tokens), 0);
}

static void a_question_waits_ten_minutes(void **state)
{
	struct grants *grants = *state;
	char consent[GRANT_SECRET_SIZE], code[GRANT_SECRET_SIZE];
	struct grant_wish found;
	assert_int_equal(grants_ask(grants, &wish, 0, consent), 0);
	assert_int_equal(
	    grants_read_wish(grants, consent, 10 * MINUTE_MS - 1, &found), 0);
	assert_string_equal(found.redirect_uri, BACK);
	assert_int_equal(
	    grants_read_wish(grants, consent, 10 * MINUTE_MS, &found), -ENOENT);
	assert_int_equal(
	    grants_allow(grants, consent, 10 * MINUTE_MS, 600, code), -ENOENT);
	assert_int_equal(grants_deny(grants, consent, 10 * MINUTE_MS), -ENOENT);
}

static void a_code_lives_ten_minutes(void **state)
{
	struct grants *grants = *state;
	char code[GRANT_SECRET_SIZE];
	struct grant_tokens tokens;
	get_code(grants, code);
	assert_int_equal(
	    exchange(grants, code, 10 * MINUTE_MS, &tokens), -EACCES);
	get_code(grants, code);
	assert_int_equal(
	    exchange(grants, code, 10 * MINUTE_MS - 1, &tokens), 0);
}

static void an_access_token_lives_an_hour(void **state)
{
	struct grants *grants = *state;
	struct grant_tokens tokens;
	uint64_t number;
	get_tokens(grants, &tokens);
	assert_int_equal(
	    grants_check(grants, tokens.access, 60 * MINUTE_MS - 1, &number),
	    0);
	assert_int_equal(
	    grants_check(grants, tokens.access, 60 * MINUTE_MS, &number),
	    -EACCES);
}

static void a_refresh_token_lives_thirty_days(void **state)
{
	struct grants *grants = *state;
	struct grant_tokens first, second;
	get_tokens(grants, &first);
	assert_int_equal(grants_refresh(grants, first.refresh, "dyn-1",
			     30 * DAY_MS - 1, HOUR_S, &second),
	    0);
	/* From then on, not from the beginning. */
	assert_int_equal(grants_refresh(grants, second.refresh, "dyn-1",
			     60 * DAY_MS - 2, HOUR_S, &first),
	    0);
	assert_int_equal(grants_refresh(grants, first.refresh, "dyn-1",
			     90 * DAY_MS, HOUR_S, &second),
	    -EACCES);
}

static void a_used_refresh_token_ends_its_grant_alone(void **state)
{
	struct grants *grants = *state;
	struct grant_tokens one, other, next;
	uint64_t number, others;
	get_tokens(grants, &one);
	get_tokens(grants, &other);
	assert_int_equal(
	    grants_refresh(grants, one.refresh, "dyn-1", 1, HOUR_S, &next), 0);
	assert_int_equal(grants_check(grants, next.access, 1, &number), 0);
	assert_int_equal(grants_check(grants, other.access, 1, &others), 0);
	assert_int_not_equal(number, others);
	assert_int_equal(
	    grants_refresh(grants, one.refresh, "dyn-1", 1, HOUR_S, &one),
	    -EACCES);
	assert_int_equal(
	    grants_check(grants, next.access, 1, &number), -EACCES);
	assert_int_equal(
	    grants_refresh(grants, next.refresh, "dyn-1", 1, HOUR_S, &one),
	    -EACCES);
	assert_int_equal(grants_check(grants, other.access, 1, &others), 0);
}

static void nothing_is_found_by_nothing(void **state)
{
	struct grants *grants = *state;
	struct grant_tokens tokens;
	uint64_t number;
	get_tokens(grants, &tokens);
	assert_int_equal(grants_check(grants, "", 1, &number), -EACCES);
	assert_int_equal(exchange(grants, "", 1, &tokens), -EACCES);
	assert_int_equal(
	    grants_refresh(grants, "", "dyn-1", 1, HOUR_S, &tokens), -EACCES);
	grants_revoke(grants, "");
	assert_int_equal(grants_check(grants, tokens.access, 1, &number), 0);
}

static void the_oldest_question_makes_room(void **state)
{
	struct grants *grants = *state;
	struct grant_tokens tokens;
	struct grant_wish found;
	char first[GRANT_SECRET_SIZE], last[GRANT_SECRET_SIZE];
	uint64_t number;
	get_tokens(grants, &tokens);
	assert_int_equal(grants_ask(grants, &wish, 1, first), 0);
	for (int i = 0; i < 255; i++)
		assert_int_equal(grants_ask(grants, &wish, 1, last), 0);
	assert_int_equal(grants_read_wish(grants, first, 1, &found), -ENOENT);
	assert_int_equal(grants_read_wish(grants, last, 1, &found), 0);
	assert_int_equal(grants_check(grants, tokens.access, 1, &number), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_question_waits_ten_minutes),
	    TEST(a_code_lives_ten_minutes),
	    TEST(an_access_token_lives_an_hour),
	    TEST(a_refresh_token_lives_thirty_days),
	    TEST(a_used_refresh_token_ends_its_grant_alone),
	    TEST(nothing_is_found_by_nothing),
	    TEST(the_oldest_question_makes_room),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
