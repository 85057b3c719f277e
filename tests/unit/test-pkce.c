#include "unit.h"

#include "mcp/pkce.h"

/* RFC 7636, appendix B. */
static void a_challenge_is_that_of_the_standard(void **state)
{
	(void)state;
	char challenge[PKCE_SIZE];
	assert_int_equal(
	    pkce_challenge(
		"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", challenge),
	    0);
	assert_string_equal(
	    challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
}

static void no_two_secrets_are_alike(void **state)
{
	(void)state;
	char one[PKCE_SIZE], two[PKCE_SIZE];
	assert_int_equal(pkce_random(one), 0);
	assert_int_equal(pkce_random(two), 0);
	assert_int_equal(strlen(one), PKCE_SIZE - 1);
	assert_string_not_equal(one, two);
	assert_int_equal(strspn(one, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz"
				     "0123456789-_"),
	    PKCE_SIZE - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_challenge_is_that_of_the_standard),
	    cmocka_unit_test(no_two_secrets_are_alike),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
