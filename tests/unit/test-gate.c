#include "unit.h"

#include "api/gate.h"
#include "fake-http.h"

#define GUESTS 8

struct guest {
	struct gate_pass pass;
	int number;
};

static struct fake *fake;
static struct gate gate;
static struct guest guests[GUESTS];
static int order[GUESTS * 4];
static size_t order_len;

static void go(void *ctx)
{
	struct guest *guest = ctx;
	order[order_len++] = guest->number;
}

static int setup(void **state)
{
	(void)state;
	fake = fake_new();
	order_len = 0;
	for (int i = 0; i < GUESTS; i++)
		guests[i] = (struct guest){
		    .pass = {.go = go, .ctx = &guests[i]}, .number = i};
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_free(fake);
	return 0;
}

static void enter(int number)
{
	gate_enter(&gate, &guests[number].pass);
}

static void leave(int number)
{
	gate_leave(&gate, &guests[number].pass);
}

static void assert_order(size_t count, const int *expected)
{
	assert_int_equal(order_len, count);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(order[i], expected[i]);
}
#define ASSERT_ORDER(...)                                                      \
	assert_order(                                                          \
	    sizeof((int[]){__VA_ARGS__}) / sizeof(int), (int[]){__VA_ARGS__})

static void so_many_are_let_in_and_the_rest_in_order(void **state)
{
	(void)state;
	gate_init(&gate, fake_http(fake), 2);
	for (int i = 0; i < 5; i++)
		enter(i);
	ASSERT_ORDER(0, 1);
	assert_int_equal(gate.inside, 2);
	leave(1);
	ASSERT_ORDER(0, 1, 2);
	leave(0);
	leave(2);
	ASSERT_ORDER(0, 1, 2, 3, 4);
	leave(3);
	leave(4);
	assert_int_equal(gate.inside, 0);
}

static void what_is_guessed_goes_after_what_is_waited_for(void **state)
{
	(void)state;
	gate_init(&gate, fake_http(fake), 1);
	guests[1].pass.speculative = guests[2].pass.speculative = true;
	for (int i = 0; i < 5; i++)
		enter(i);
	for (int i = 0; i < 2; i++)
		leave(order[order_len - 1]);
	ASSERT_ORDER(0, 3, 4);
	leave(4);
	leave(1);
	ASSERT_ORDER(0, 3, 4, 1, 2);
}

/* As a sign-in does, for which the others will have to wait. */
static void what_is_urgent_goes_first(void **state)
{
	(void)state;
	gate_init(&gate, fake_http(fake), 1);
	guests[3].pass.urgent = true;
	for (int i = 0; i < 4; i++)
		enter(i);
	leave(0);
	ASSERT_ORDER(0, 3);
	leave(3);
	leave(1);
	ASSERT_ORDER(0, 3, 1, 2);
}

static void one_who_leaves_while_waiting_is_never_called(void **state)
{
	(void)state;
	gate_init(&gate, fake_http(fake), 1);
	guests[3].pass.speculative = true;
	for (int i = 0; i < 5; i++)
		enter(i);
	leave(1);
	leave(3);
	leave(3); /* harmless */
	leave(0);
	leave(0);
	ASSERT_ORDER(0, 2);
	assert_int_equal(gate.inside, 1);
	leave(2);
	leave(4);
	ASSERT_ORDER(0, 2, 4);
	assert_int_equal(gate.inside, 0);
}

static void one_who_left_may_enter_again(void **state)
{
	(void)state;
	gate_init(&gate, fake_http(fake), 1);
	enter(0);
	leave(0);
	enter(0);
	enter(1);
	leave(1);
	enter(1);
	leave(0);
	ASSERT_ORDER(0, 0, 1);
}

static void nobody_passes_while_on_hold(void **state)
{
	(void)state;
	gate_init(&gate, fake_http(fake), 4);
	enter(0);
	gate_hold(&gate, 1000);
	enter(1);
	enter(2);
	leave(0);
	fake_advance(fake, 999);
	ASSERT_ORDER(0);
	fake_advance(fake, 1);
	ASSERT_ORDER(0, 1, 2);
	enter(3);
	ASSERT_ORDER(0, 1, 2, 3);
	assert_int_equal(fake_timer_count(fake), 0);
}

static void the_longer_hold_counts(void **state)
{
	(void)state;
	gate_init(&gate, fake_http(fake), 4);
	gate_hold(&gate, 5000);
	gate_hold(&gate, 1000);
	enter(0);
	fake_advance(fake, 4999);
	assert_int_equal(order_len, 0);
	gate_hold(&gate, 2000);
	assert_int_equal(fake_timer_count(fake), 1);
	fake_advance(fake, 1999);
	assert_int_equal(order_len, 0);
	fake_advance(fake, 1);
	ASSERT_ORDER(0);
}

static void one_may_leave_while_on_hold(void **state)
{
	(void)state;
	gate_init(&gate, fake_http(fake), 1);
	gate_hold(&gate, 1000);
	enter(0);
	enter(1);
	leave(0);
	fake_advance(fake, 1000);
	ASSERT_ORDER(1);
}

/* One who is done as soon as it is let in. */
static void go_and_leave(void *ctx)
{
	go(ctx);
	gate_leave(&gate, &((struct guest *)ctx)->pass);
}

/* The same, with a look at how deep the stack is. */
static int depth, deepest;

static void go_deep_and_leave(void *ctx)
{
	if (++depth > deepest)
		deepest = depth;
	go_and_leave(ctx);
	depth--;
}

static void who_leaves_from_within_takes_nobody_onto_the_stack(void **state)
{
	(void)state;
	gate_init(&gate, fake_http(fake), 1);
	enter(0);
	for (int i = 1; i < GUESTS; i++) {
		guests[i].pass.go = go_deep_and_leave;
		enter(i);
	}
	depth = deepest = 0;
	leave(0);
	ASSERT_ORDER(0, 1, 2, 3, 4, 5, 6, 7);
	assert_int_equal(deepest, 1);
	assert_int_equal(gate.inside, 0);
}

static void leaving_from_within_lets_the_next_in(void **state)
{
	(void)state;
	gate_init(&gate, fake_http(fake), 1);
	gate_hold(&gate, 10);
	for (int i = 0; i < 4; i++) {
		guests[i].pass.go = go_and_leave;
		enter(i);
	}
	fake_advance(fake, 10);
	ASSERT_ORDER(0, 1, 2, 3);
	assert_int_equal(gate.inside, 0);
}

/* So many are let in of those that stand before it; all leave again. */
static unsigned let_in_at_once(void)
{
	for (int i = 0; i < GUESTS; i++)
		enter(i);
	unsigned inside = gate.inside;
	for (int i = GUESTS - 1; i >= 0; i--)
		leave(i);
	order_len = 0;
	assert_int_equal(gate.inside, 0);
	return inside;
}

static void served_well(int times)
{
	for (int i = 0; i < times; i++) {
		enter(0);
		gate_widen(&gate);
		leave(0);
	}
	order_len = 0;
}

static void half_as_many_are_let_in_after_trouble(void **state)
{
	(void)state;
	gate_init(&gate, fake_http(fake), 8);
	static const unsigned expected[] = {4, 2, 1, 1};
	assert_int_equal(let_in_at_once(), 8);
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		enter(0);
		gate_narrow(&gate);
		leave(0);
		assert_int_equal(let_in_at_once(), expected[i]);
	}
}

static void those_who_were_inside_say_it_once(void **state)
{
	(void)state;
	gate_init(&gate, fake_http(fake), 8);
	for (int i = 0; i < 8; i++)
		enter(i);
	for (int i = 0; i < 8; i++) {
		gate_narrow(&gate);
		leave(i);
	}
	assert_int_equal(let_in_at_once(), 4);
	/* Those who came in later speak for themselves. */
	for (int i = 0; i < 4; i++)
		enter(i);
	gate_narrow(&gate);
	for (int i = 0; i < 4; i++)
		leave(i);
	assert_int_equal(let_in_at_once(), 2);
}

static void one_more_is_let_in_for_a_round_that_went_well(void **state)
{
	(void)state;
	gate_init(&gate, fake_http(fake), 4);
	enter(0);
	gate_narrow(&gate);
	leave(0);
	assert_int_equal(let_in_at_once(), 2);
	served_well(1);
	assert_int_equal(let_in_at_once(), 2);
	served_well(1);
	assert_int_equal(let_in_at_once(), 3);
	/* Of as many as are let in now. */
	served_well(2);
	assert_int_equal(let_in_at_once(), 3);
	served_well(1);
	assert_int_equal(let_in_at_once(), 4);
	served_well(20);
	assert_int_equal(let_in_at_once(), 4);
}

static void a_gate_leaves_no_timer_behind(void **state)
{
	(void)state;
	gate_init(&gate, fake_http(fake), 1);
	gate_done(&gate);
	gate_hold(&gate, 10);
	gate_done(&gate);
	assert_int_equal(fake_timer_count(fake), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(so_many_are_let_in_and_the_rest_in_order),
	    TEST(what_is_guessed_goes_after_what_is_waited_for),
	    TEST(what_is_urgent_goes_first),
	    TEST(one_who_leaves_while_waiting_is_never_called),
	    TEST(one_who_left_may_enter_again),
	    TEST(nobody_passes_while_on_hold),
	    TEST(the_longer_hold_counts),
	    TEST(one_may_leave_while_on_hold),
	    TEST(leaving_from_within_lets_the_next_in),
	    TEST(half_as_many_are_let_in_after_trouble),
	    TEST(those_who_were_inside_say_it_once),
	    TEST(one_more_is_let_in_for_a_round_that_went_well),
	    TEST(a_gate_leaves_no_timer_behind),
	    TEST(who_leaves_from_within_takes_nobody_onto_the_stack),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
