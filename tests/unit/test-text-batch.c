/* Texts that are read in one question. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/text_batch.h"
#include "replica-fixture.h"

static void assert_holds(
    const struct text_batch *batch, int64_t id, const char *text)
{
	size_t len = 0;
	const char *found = text_batch_find(batch, id, &len);
	assert_non_null(found);
	assert_int_equal(len, strlen(text));
	assert_memory_equal(found, text, len);
}

static bool holds(const struct text_batch *batch, int64_t id)
{
	size_t len;
	return text_batch_find(batch, id, &len) != NULL;
}

/* From a node on, so many; how many lay near each other. */
static size_t load_from(struct text_batch *batch, int64_t first, size_t count)
{
	int64_t ids[2 * TEXT_BATCH_MOST];
	size_t loaded = 0;
	for (size_t i = 0; i < count; i++)
		ids[i] = first + (int64_t)i;
	assert_int_equal(
	    text_batch_load(batch, replica, ids, count, &loaded), 0);
	return loaded;
}

static void what_follows_each_other_is_held(void **state)
{
	struct text_batch batch;
	(void)state;
	begin();
	int64_t one = put("a", "{\"id\":\"a\"}", 0, 1).id;
	int64_t two = put("b", "{\"id\":\"b\",\"v\":1}", 0, 2).id;
	int64_t three = put("c", "{\"id\":\"c\"}", 0, 3).id;
	commit();
	text_batch_init(&batch);
	assert_false(holds(&batch, one));
	assert_int_equal(load_from(&batch, one, 2), 2);
	assert_holds(&batch, one, "{\"id\":\"a\"}");
	assert_holds(&batch, two, "{\"id\":\"b\",\"v\":1}");
	assert_false(holds(&batch, three));
	assert_int_equal(load_from(&batch, three, 1), 1);
	assert_false(holds(&batch, one));
	assert_holds(&batch, three, "{\"id\":\"c\"}");
	/* Nothing where nothing is. */
	assert_int_equal(load_from(&batch, 900, 2), 2);
	assert_false(holds(&batch, 900));
	text_batch_done(&batch);
}

/* Each page of a listing has ids of its own, with a gap behind them. */
static void what_is_far_apart_is_held_page_by_page(void **state)
{
	struct text_batch batch;
	int64_t ids[5];
	size_t loaded = 0;
	(void)state;
	begin();
	for (size_t i = 0; i < 5; i++) {
		char id[8];
		snprintf(id, sizeof(id), "r%zu", i);
		if (i == 3)
			replica_reserve_ids(replica, 1000);
		ids[i] = put(id, "{}", 0, (int64_t)i + 1).id;
	}
	commit();
	text_batch_init(&batch);
	assert_int_equal(text_batch_load(&batch, replica, ids, 5, &loaded), 0);
	assert_int_equal(loaded, 3);
	assert_true(holds(&batch, ids[0]) && holds(&batch, ids[2]));
	assert_false(holds(&batch, ids[3]));
	assert_int_equal(
	    text_batch_load(&batch, replica, ids + 3, 2, &loaded), 0);
	assert_int_equal(loaded, 2);
	assert_true(holds(&batch, ids[3]) && holds(&batch, ids[4]));
	text_batch_done(&batch);
}

static void no_more_is_held_than_there_is_room_for(void **state)
{
	struct text_batch batch;
	size_t most = TEXT_BATCH_BYTES / 2;
	char *text = malloc(most + 1);
	(void)state;
	assert_non_null(text);
	memset(text, ' ', most);
	text[most] = '\0';
	begin();
	int64_t first = put("a", text, 0, 1).id;
	put("b", text, 0, 2);
	int64_t last = put("c", "{}", 0, 3).id;
	for (int i = 0; i < TEXT_BATCH_MOST; i++) {
		char id[8];
		snprintf(id, sizeof(id), "d%d", i);
		put(id, "{}", 0, 4 + i);
	}
	commit();
	text_batch_init(&batch);
	load_from(&batch, first, 3);
	assert_true(holds(&batch, first) && holds(&batch, first + 1));
	assert_false(holds(&batch, last));
	int64_t end = last + TEXT_BATCH_MOST;
	load_from(&batch, last, TEXT_BATCH_MOST + 1);
	assert_true(holds(&batch, last) && holds(&batch, end - 1));
	assert_false(holds(&batch, end));
	text_batch_done(&batch);
	free(text);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    TEST(what_follows_each_other_is_held),
	    TEST(what_is_far_apart_is_held_page_by_page),
	    TEST(no_more_is_held_than_there_is_room_for),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
