/*
 * What random walks over a mount found: small tables that change while they are
 * read, by readers who take their time.
 */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "lister-fixture.h"

/* Records, and how many a page has. */
#define COUNT 20
#define PAGE 5

static int setup(void **state)
{
	int r = fixture_setup(state);
	service.limit_max = PAGE;
	service.heeds_times = true;
	service.tells_date = true;
	return r;
}

static void begin_again(void **state)
{
	assert_int_equal(fixture_teardown(state), 0);
	assert_int_equal(setup(state), 0);
}

static void change_all(void)
{
	for (size_t i = 0; i < service.count; i++) {
		service_change(service.ids[i]);
		tick();
	}
}

/* ---- one who reads slowly ---- */

struct slow {
	struct sync_dir dir;
	int64_t after; /* what is read up to here ... */
	size_t left;   /* ... and how much more may be read now */
	struct buf seen;
};

static int see(
    void *ctx, const struct node *node, const char *name, int64_t pos)
{
	struct slow *slow = ctx;
	(void)node;
	if (slow->left == 0)
		return 1;
	slow->left--;
	slow->after = pos;
	return buf_printf(&slow->seen, "%s ", name);
}

static void slow_open(struct slow *slow)
{
	struct ask *open = ask_open(posts);
	serve_all();
	assert_ended(open, 0);
	*slow = (struct slow){
	    .dir = open->op.open_dir, .after = open->op.open_dir.base};
	buf_init(&slow->seen, BUF_MAX_DEFAULT);
}

/* Read on, so many names or until the end; as readdir does. */
static void slow_read(struct slow *slow, size_t count)
{
	slow->left = count;
	while (slow->left) {
		int64_t frontier, before = slow->after;
		int end = sync_dir_frontier(
		    sync_under_test, posts, &slow->dir, &frontier);
		assert_in_range(end, 0, 1);
		assert_in_range(replica_entries(replica, posts, slow->after,
				    frontier, see, slow),
		    0, 1);
		if (slow->after != before)
			continue;
		if (end)
			return;
		if (frontier - 1 > slow->after)
			slow->after = frontier - 1;
		struct ask *wait = ask_wait(posts, &slow->dir, slow->after);
		serve_all();
		assert_ended(wait, 0);
	}
}

static void slow_close(struct slow *slow)
{
	sync_dir_close(sync_under_test, &slow->dir);
	buf_done(&slow->seen);
}

static void assert_saw_once(const struct slow *slow, int first, int last)
{
	for (int id = first; id <= last; id++) {
		int times = times_in(buf_str(&slow->seen), id);
		if (times != 1)
			print_error("r%04d came %d times: %s\n", id, times,
			    buf_str(&slow->seen));
		assert_int_equal(times, 1);
	}
}

static void list_all_of_it(void)
{
	assert_int_equal(list_all(posts, names, sizeof(names)), 0);
}

/* A directory is held open, some of it read, while all records change, one goes
 * each time, and others list it: what was there throughout is read once. */
static void read_slowly(size_t first, bool listed_before)
{
	struct slow slow;
	service_fill(COUNT);
	fixture_start();
	if (listed_before)
		list_all_of_it();
	slow_open(&slow);
	slow_read(&slow, first);
	for (int turn = 1; turn <= 3; turn++) {
		go_stale();
		change_all();
		service_delete(turn);
		list_all_of_it();
		slow_read(&slow, 2);
	}
	slow_read(&slow, SIZE_MAX);
	assert_saw_once(&slow, 4, COUNT);
	for (int id = 1; id <= 3; id++)
		assert_in_range(times_in(buf_str(&slow.seen), id), 0, 1);
	slow_close(&slow);
}

static void who_reads_slowly_reads_every_name_once(void **state)
{
	for (size_t first = 1; first <= COUNT; first += 4) {
		for (int way = 0; way < 4; way++) {
			service.heeds_times = way & 1;
			read_slowly(first, way & 2);
			begin_again(state);
		}
	}
	fixture_start();
}

/* The same where no total tells that one is gone. */
static void who_reads_slowly_without_totals_misses_nothing(void **state)
{
	for (size_t first = 1; first <= COUNT; first += 4) {
		for (int way = 0; way < 4; way++) {
			service.no_totals = true;
			service.heeds_times = way & 1;
			read_slowly(first, way & 2);
			begin_again(state);
		}
	}
	fixture_start();
}

/* ---- a check, while records come and go ---- */

/* Serve what a check asks for. After so many answers one of the first page
 * goes; between others, one comes there and goes again. */
static void check_while_it_changes(int after, bool comes)
{
	struct ask *open = ask_open(posts);
	for (int i = 1; fake_open_count(fake); i++) {
		serve(fake_open(fake, 0));
		if (i == after)
			service_delete(3);
		if (comes && i == after + 2)
			service_insert(1);
		if (comes && i == after + 3)
			service_delete(1);
		tick();
	}
	assert_ended(open, 0);
	struct slow slow = {
	    .dir = open->op.open_dir, .after = open->op.open_dir.base};
	buf_init(&slow.seen, BUF_MAX_DEFAULT);
	slow_read(&slow, SIZE_MAX);
	assert_saw_once(&slow, 2, 2);
	assert_saw_once(&slow, 4, COUNT);
	slow_close(&slow);
}

/* Whatever is asked for first, and however it goes on from there. */
static void a_check_without_totals_misses_nothing(void **state)
{
	for (int after = 1; after <= 12; after++) {
		for (int way = 0; way < 4; way++) {
			service.no_totals = true;
			service.heeds_times = way & 1;
			service_fill(COUNT);
			service_delete(1);
			fixture_start();
			list_all_of_it();
			go_stale();
			change_all();
			check_while_it_changes(after, way & 2);
			begin_again(state);
		}
	}
	fixture_start();
}

/* ---- a listing that is left half way, and taken up ---- */

/* Read some pages, and leave. */
static void leave_after(int pages)
{
	struct slow slow;
	slow_open(&slow);
	slow_read(&slow, (size_t)(pages * PAGE));
	struct ask *wait = ask_wait(posts, &slow.dir, slow.after);
	sync_interrupt(sync_under_test, wait->op.id);
	fake_run(fake);
	slow_close(&slow);
}

/* What was read before is older than ttl: whoever comes then gets nothing of
 * it. A ttl may be short: nothing else has got old since. */
static void what_is_taken_up_shows_nothing_that_is_gone(void **state)
{
	for (int pages = 1; pages < COUNT / PAGE; pages++) {
		for (int gone = 2; gone <= COUNT; gone += 4) {
			struct slow slow;
			settings.ttl_ms = 1000;
			service_fill(COUNT);
			fixture_start();
			leave_after(pages);
			service_delete(gone);
			tick();
			int changed = gone % COUNT + 1;
			service_change(changed);
			fake_advance(fake, 1001);
			int64_t changed_ms = service_updated_ms(changed);
			slow_open(&slow);
			slow_read(&slow, SIZE_MAX);
			assert_int_equal(
			    times_in(buf_str(&slow.seen), gone), 0);
			assert_saw_once(&slow, 1, gone - 1);
			assert_saw_once(&slow, gone + 1, COUNT);
			char name[16];
			snprintf(name, sizeof(name), "r%04d.json", changed);
			assert_int_equal(node_of(name).mtime_ms, changed_ms);
			slow_close(&slow);
			begin_again(state);
		}
	}
	fixture_start();
}

#undef TEST
#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(who_reads_slowly_reads_every_name_once),
	    TEST(who_reads_slowly_without_totals_misses_nothing),
	    TEST(a_check_without_totals_misses_nothing),
	    TEST(what_is_taken_up_shows_nothing_that_is_gone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
