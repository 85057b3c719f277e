#include "unit.h"

#include <string.h>

#include "emulator/oauth/challenge.h"

/* RFC 7636, appendix B. */
#define VERIFIER "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
#define CHALLENGE "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

static void the_example_of_the_standard_fits(void **state)
{
	(void)state;
	assert_true(challenge_is_valid(CHALLENGE));
	assert_true(challenge_fits(CHALLENGE, VERIFIER));
}

static void another_verifier_does_not_fit(void **state)
{
	(void)state;
	char verifier[] = VERIFIER;
	for (size_t i = 0; i < strlen(VERIFIER); i++) {
		verifier[i] = verifier[i] == 'x' ? 'y' : 'x';
		assert_false(challenge_fits(CHALLENGE, verifier));
		verifier[i] = VERIFIER[i];
	}
	assert_false(challenge_fits(CHALLENGE, CHALLENGE));
}

static void what_is_none_fits_nothing(void **state)
{
	(void)state;
	char longest[] = VERIFIER VERIFIER VERIFIER;
	assert_false(challenge_is_valid(""));
	assert_false(challenge_is_valid(CHALLENGE "="));
	assert_false(challenge_is_valid("+" VERIFIER));
	assert_false(challenge_is_valid("/" CHALLENGE));
	assert_false(challenge_fits("", ""));
	assert_false(challenge_fits(CHALLENGE, ""));
	assert_false(challenge_fits(CHALLENGE, "short"));
	assert_false(challenge_fits(CHALLENGE, longest));
	assert_false(challenge_fits(CHALLENGE, VERIFIER "="));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_example_of_the_standard_fits),
	    cmocka_unit_test(another_verifier_does_not_fit),
	    cmocka_unit_test(what_is_none_fits_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
