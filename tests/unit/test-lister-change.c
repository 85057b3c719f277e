#include "unit.h"

#include <errno.h>
#include <stdlib.h>

#include "lister-fixture.h"

/* ---- change while it is listed ---- */

static void a_record_that_slipped_between_pages_is_found(void **state)
{
	(void)state;
	service_fill(6);
	fixture_start();
	struct ask *open = ask_open(posts);
	serve_all();	   /* r0001 and r0002 */
	service_delete(1); /* now r0003 stands on page 1 */
	struct sync_dir *dir = &open->op.open_dir;
	struct ask *wait = ask_wait(posts, dir, position(dir->base, 6));
	serve_all();
	assert_ended(wait, 0);
	assert_each_once(names_of(posts, dir), 2, 6);
	assert_int_equal(list_all(posts, names, sizeof(names)), 0);
	assert_each_once(names, 2, 6);
}

static void totals_that_differ_make_another_round(void **state)
{
	(void)state;
	service_fill(6);
	fixture_start();
	struct ask *open = ask_open(posts);
	serve_all();
	sent();
	service_create(7);
	struct sync_dir *dir = &open->op.open_dir;
	ask_wait(posts, dir, position(dir->base, 9));
	serve_all();
	assert_each_once(names_of(posts, dir), 1, 7);
	/* The rest of the first round is three pages, a second four. */
	assert_in_range(sent(), 3 + 4, 24);
	assert_int_equal(listing().count, 7);
}

/* What happens while a listing is read. */
enum { GOES = 1, COMES = 2 };

/* Ask for a listing whole, answer in any order, and let records go and come
 * meanwhile. Those that were there throughout must be in, once. */
static void list_under_change(unsigned seed, int what)
{
	char marked[300];
	bool gone[SERVED_MAX] = {false};
	srand(seed);
	int count = 5 + rand() % 30, born = 1001, rate = 1 + rand() % 6;
	service.limit_max = 2 + seed % 4;
	service_fill((size_t)count);
	fixture_start();
	/* A name that only a whole listing can find asks for all of it. */
	memset(marked, 'x', 233);
	strcpy(marked + 233, "~0123456789abcdef.json");
	struct ask *lookup = ask_lookup(posts, marked);
	for (int changes = 0; fake_open_count(fake);) {
		serve(fake_open(fake, (size_t)rand() % fake_open_count(fake)));
		if (rand() % rate || changes++ >= 12)
			continue;
		if ((what & GOES) && service.count > 2) {
			int id = service.ids[(size_t)rand() % service.count];
			service_delete(id);
			gone[id] = true;
		}
		if (what & COMES)
			service_create(born++);
	}
	assert_ended(lookup, -ENOENT);
	struct replica_listing known = listing();
	struct sync_dir dir = {.base = known.base, .end = known.end};
	const char *all = names_of(posts, &dir);
	for (int id = 1; id <= count; id++) {
		int times = times_in(all, id);
		if (gone[id] ? times > 1 : times != 1)
			print_error("seed %u: r%04d stands there %d times\n",
			    seed, id, times);
		assert_true(gone[id] ? times <= 1 : times == 1);
	}
}

static void list_under_changes(int what)
{
	void *unused = NULL;
	for (unsigned seed = 1; seed <= 90; seed++) {
		service.refuses_filters = seed % 3 == 1;
		list_under_change(seed, what);
		assert_int_equal(fixture_teardown(&unused), 0);
		assert_int_equal(fixture_setup(&unused), 0);
	}
	fixture_start();
}

static void what_stays_is_in_whatever_goes(void **state)
{
	(void)state;
	list_under_changes(GOES);
}

static void what_stays_is_in_whatever_comes(void **state)
{
	(void)state;
	list_under_changes(COMES);
}

static void a_total_that_is_too_high_is_never_whole(void **state)
{
	(void)state;
	service_fill(5);
	service.total_bias = 3;
	fixture_start();
	assert_int_equal(list_all(posts, names, sizeof(names)), -EPROTO);
	assert_int_equal(listing().end, 0);
	assert_non_null(strstr(errors_text(), "it is not taken for whole"));
	/* Nobody asks for ever. */
	assert_in_range(sent(), 6, 30);
}

static void a_total_that_is_too_low_hides_nothing(void **state)
{
	(void)state;
	service_fill(7);
	service.total_bias = -3;
	fixture_start();
	assert_lists(names_from_to(1, 7));
}

static void a_page_that_repeats_is_never_whole(void **state)
{
	(void)state;
	for (int totals = 0; totals < 2; totals++) {
		service_fill(6);
		service.repeats = true;
		service.no_totals = !totals;
		fixture_start();
		assert_int_equal(
		    list_all(posts, names, sizeof(names)), -EPROTO);
		assert_int_equal(listing().end, 0);
		assert_true(sent() < 20);
		fixture_stop();
	}
	fixture_start();
}

static void totals_that_never_agree_end_all_the_same(void **state)
{
	(void)state;
	service_fill(6);
	service.refuses_filters = true;
	fixture_start();
	struct ask *open = ask_open(posts);
	serve_all();
	struct sync_dir *dir = &open->op.open_dir;
	struct ask *wait = ask_wait(posts, dir, position(dir->base, 2000));
	for (int i = 0; fake_open_count(fake); i++) {
		assert_true(i < 1000);
		service.total_bias = 1 + i % 3;
		serve(fake_open(fake, 0));
	}
	assert_int_equal(wait->count, 1);
	if (listing().end)
		assert_each_once(names_of(posts, dir), 1, 6);
	else
		assert_true(wait->err == -EIO || wait->err == -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_record_that_slipped_between_pages_is_found),
	    TEST(totals_that_differ_make_another_round),
	    TEST(what_stays_is_in_whatever_goes),
	    TEST(what_stays_is_in_whatever_comes),
	    TEST(a_total_that_is_too_high_is_never_whole),
	    TEST(a_total_that_is_too_low_hides_nothing),
	    TEST(a_page_that_repeats_is_never_whole),
	    TEST(totals_that_never_agree_end_all_the_same),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
