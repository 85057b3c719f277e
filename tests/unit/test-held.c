/* Ranges that are held, and what is handed to the content cache. */
#include "unit.h"

#include <stdlib.h>

#include "api/download.h"
#include "base/slab.h"
#include "stream-fixture.h"
#include "sync/object/held.h"
#include "sync/object/ready.h"

void __wrap_content_keep(struct content *content, const struct node *object,
    int64_t first, struct blob *blob, int64_t len);

static int kept;

void __wrap_content_keep(struct content *content, const struct node *object,
    int64_t first, struct blob *blob, int64_t len)
{
	(void)content, (void)blob;
	assert_int_equal(object->id, 7);
	assert_int_equal(first, RANGE_SMALL);
	assert_int_equal(len, RANGE_SMALL);
	kept++;
}

static struct ready ready;
static struct slab *slab;
static struct held *held;
static struct download *download;
static struct held_range *asking;

static void on_ask(void *ctx, struct range_request *ret_request)
{
	(void)ret_request;
	asking = ctx;
}

static const struct range_events range_events = {.ask = on_ask};
static const struct download_events download_events = {0};

static int set_up(void **state)
{
	if (fixture_setup(state) < 0)
		return -1;
	fixture_start();
	ready_init(&ready);
	kept = 0;
	slab = slab_new((size_t)RANGE_FIRST, 0);
	if (!slab)
		return -1;
	held = held_new(&ready, NULL, slab);
	download =
	    download_new(api, "storage/f1", "f1", 2, &download_events, NULL);
	return held && download ? 0 : -1;
}

static int tear_down(void **state)
{
	held_free(held);
	download_free(download);
	assert_int_equal(*slab_account(slab), 0);
	slab_free(slab);
	ready_done(&ready);
	return fixture_teardown(state);
}

/* A range of node 7, which waits for its bytes. */
static struct held_range *fetch(int64_t first)
{
	const struct held_source source = {
	    .api = api, .download = download, .events = &range_events};
	assert_int_equal(held_fetch(held, 7, first, RANGE_SMALL, &source), 0);
	fake_run(fake);
	return asking;
}

static void fill(struct held_range *range)
{
	char *data = calloc(1, RANGE_SMALL);
	assert_non_null(data);
	held_fill(range, data, RANGE_SMALL);
	free(data);
}

static void what_is_not_sure_is_not_handed_to_the_cache(void **state)
{
	(void)state;
	struct held_range *range = fetch(RANGE_SMALL);
	struct node node = {.id = 7, .proven = true};
	held_keep(held, NULL, &node);
	assert_int_equal(kept, 0); /* it has not come */
	fill(range);
	node.proven = false;
	held_keep(held, NULL, &node);
	assert_int_equal(kept, 0);
	node.proven = node.spoiled = true;
	held_keep(held, NULL, &node);
	assert_int_equal(kept, 0);
	node.spoiled = false;
	held_keep(held, NULL, &node);
	assert_int_equal(kept, 1);
	held_keep(held, NULL, &node);
	assert_int_equal(kept, 1);
}

static bool is_shown(int64_t node, int64_t first)
{
	const char *data;
	bool wake;
	struct blob *blob = ready_take(
	    &ready, node, first, first + RANGE_SMALL, true, &data, &wake);
	blob_unref(blob);
	return blob != NULL;
}

static void what_has_come_is_shown_under_its_nodes_name(void **state)
{
	(void)state;
	struct held_range *range = fetch(0);
	assert_false(is_shown(7, 0));
	fill(range);
	assert_true(is_shown(7, 0));
	held_rename(held, 8);
	assert_false(is_shown(7, 0));
	assert_true(is_shown(8, 0));
	held_drop(range);
	assert_false(is_shown(8, 0));
}

static enum held_use uses[2]; /* by the places of the ranges */

static enum held_use use_of(void *ctx, int64_t first, int64_t end)
{
	(void)ctx;
	assert_int_equal(end - first, RANGE_SMALL);
	return uses[first / RANGE_SMALL];
}

static void what_was_handed_out_goes_unless_somebody_waits(void **state)
{
	(void)state;
	for (int64_t i = 0; i < 2; i++) {
		/* A fetch that is over: its request waits for a URL. */
		fill(fetch(i * RANGE_SMALL));
		assert_non_null(
		    held_take(held, i * RANGE_SMALL, (i + 1) * RANGE_SMALL));
	}
	uses[0] = HELD_AWAITED;
	uses[1] = HELD_EXPECTED;
	held_let_go(held, use_of, NULL);
	assert_true(held_has(held, 0, RANGE_SMALL));
	assert_int_equal(held_covered(held, RANGE_SMALL), RANGE_SMALL);
	assert_int_equal(held_bytes(held), RANGE_SMALL);
	uses[0] = HELD_UNUSED;
	held_let_go(held, use_of, NULL);
	assert_true(held_is_empty(held));
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(what_is_not_sure_is_not_handed_to_the_cache),
	    TEST(what_has_come_is_shown_under_its_nodes_name),
	    TEST(what_was_handed_out_goes_unless_somebody_waits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
