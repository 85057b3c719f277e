#include "unit.h"

#include "api/verdict.h"

static enum verdict judge(struct verdict_facts facts)
{
	return verdict_of(&facts);
}

static void a_token_that_has_just_come_has_another_chance(void **state)
{
	(void)state;
	for (unsigned i = 0; i < VERDICT_PAUSES_MAX; i++)
		assert_int_equal(
		    judge((struct verdict_facts){.young = true, .pauses = i}),
		    VERDICT_WAIT);
	assert_int_equal(judge((struct verdict_facts){
			     .young = true, .pauses = VERDICT_PAUSES_MAX}),
	    VERDICT_RENEW);
	/* Not one that is known already. */
	assert_int_equal(
	    judge((struct verdict_facts){.young = true, .served = true}),
	    VERDICT_RENEW);
	/* Nor one that was just found good. */
	assert_int_equal(judge((struct verdict_facts){
			     .young = true, .checked = true, .good = true}),
	    VERDICT_REFUSED);
}

static void one_that_was_good_is_renewed(void **state)
{
	(void)state;
	assert_int_equal(
	    judge((struct verdict_facts){.served = true}), VERDICT_RENEW);
	/* Where that was in vain just now, and a check can tell, it is asked
	 * first. */
	struct verdict_facts facts = {.served = true, .checkable = true};
	assert_int_equal(judge(facts), VERDICT_RENEW);
	facts.held = true;
	assert_int_equal(judge(facts), VERDICT_CHECK);
	facts.checked = true;
	assert_int_equal(judge(facts), VERDICT_RENEW);
	facts.good = true;
	assert_int_equal(judge(facts), VERDICT_REFUSED);
}

static void what_renewal_does_not_help_is_checked_then_signed_in(void **state)
{
	(void)state;
	struct verdict_facts facts = {.renewals = 1, .unproven = 1};
	assert_int_equal(judge(facts), VERDICT_CHECK);
	facts.checked = true;
	assert_int_equal(judge(facts), VERDICT_SIGN_IN);
	facts.good = true;
	assert_int_equal(judge(facts), VERDICT_GIVE_UP);
	facts.held = true;
	assert_int_equal(judge(facts), VERDICT_REFUSED);
}

static void two_tokens_that_nobody_could_use_are_enough(void **state)
{
	(void)state;
	assert_int_equal(judge((struct verdict_facts){
			     .renewals = 1, .unproven = 2, .checked = true}),
	    VERDICT_GIVE_UP);
	assert_int_equal(judge((struct verdict_facts){
			     .renewals = 2, .unproven = 1, .checked = true}),
	    VERDICT_GIVE_UP);
	assert_int_equal(judge((struct verdict_facts){.renewals = 1,
			     .signed_in = true,
			     .unproven = 1,
			     .checked = true}),
	    VERDICT_GIVE_UP);
}

static void while_it_is_held_nothing_is_got_in_vain(void **state)
{
	(void)state;
	struct verdict_facts facts = {.held = true, .served = true};
	assert_int_equal(judge(facts), VERDICT_REFUSED);
	/* A check that can tell says that the token has ended. */
	facts.checkable = facts.checked = true;
	assert_int_equal(judge(facts), VERDICT_RENEW);
	/* But not twice. */
	facts.served = false;
	facts.renewals = facts.unproven = 1;
	assert_int_equal(judge(facts), VERDICT_REFUSED);
}

/* Nobody can say who we are, but others are answered with the same token. */
static void who_is_served_vouches_for_a_token(void **state)
{
	(void)state;
	struct verdict_facts facts = {.served = true, .vouched = true};
	assert_int_equal(judge(facts), VERDICT_REFUSED);
	facts.held = facts.doubtful = true;
	assert_int_equal(judge(facts), VERDICT_REFUSED);
	facts.pauses = 1;
	facts.doubted = true;
	assert_int_equal(judge(facts), VERDICT_REFUSED);
	/* A check that can tell knows better. */
	facts.checkable = true;
	assert_int_equal(judge(facts), VERDICT_CHECK);
}

static void while_it_is_held_a_doubtful_one_is_renewed_once(void **state)
{
	(void)state;
	struct verdict_facts facts = {
	    .held = true, .served = true, .doubtful = true};
	assert_int_equal(judge(facts), VERDICT_WAIT);
	facts.pauses = 1;
	facts.doubted = true;
	facts.doubtful = false;
	assert_int_equal(judge(facts), VERDICT_RENEW);
	facts.renewals = facts.unproven = 1;
	facts.served = false;
	facts.checked = true;
	assert_int_equal(judge(facts), VERDICT_REFUSED);
	/* The waits for a young one were others. */
	facts = (struct verdict_facts){
	    .held = true, .served = true, .doubtful = true, .pauses = 3};
	assert_int_equal(judge(facts), VERDICT_REFUSED);
}

/* Short-lived ones may end in each of a request's attempts. */
static void tokens_that_were_good_are_renewed_some_times(void **state)
{
	(void)state;
	struct verdict_facts facts = {
	    .served = true, .checkable = true, .checked = true};
	for (facts.renewals = 0; facts.renewals < VERDICT_RENEWALS_MAX;
	     facts.renewals++) {
		facts.held = facts.renewals % 2;
		assert_int_equal(judge(facts), VERDICT_RENEW);
	}
	facts.held = false;
	assert_int_equal(judge(facts), VERDICT_GIVE_UP);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_token_that_has_just_come_has_another_chance),
	    cmocka_unit_test(one_that_was_good_is_renewed),
	    cmocka_unit_test(
		what_renewal_does_not_help_is_checked_then_signed_in),
	    cmocka_unit_test(two_tokens_that_nobody_could_use_are_enough),
	    cmocka_unit_test(while_it_is_held_nothing_is_got_in_vain),
	    cmocka_unit_test(who_is_served_vouches_for_a_token),
	    cmocka_unit_test(while_it_is_held_a_doubtful_one_is_renewed_once),
	    cmocka_unit_test(tokens_that_were_good_are_renewed_some_times),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
