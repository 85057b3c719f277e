/* Many rows at once: the nth entries of a directory, texts by their ids, and
 * what is known of a listing. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "unit.h"

#include "base/buf.h"
#include "replica-fixture.h"

/* "0" to "9", at 10, 20 ... 100. */
static void put_ten(int64_t ids[10])
{
	begin();
	for (int i = 0; i < 10; i++) {
		char id[] = {(char)('0' + i), '\0'}, text[16];
		snprintf(text, sizeof(text), "{\"n\":%d}", i);
		ids[i] = put(id, text, 0, 10 * (i + 1)).id;
	}
	commit();
}

/* ---- the nth ---- */

static void entries_are_counted_from_a_position(void **state)
{
	(void)state;
	static const struct {
		int64_t pos, index, count, first, found;
	} cases[] = {{0, 0, 3, 0, 3}, {0, 1, 1, 1, 1}, {0, 4, 3, 4, 3},
	    {10, 0, 1, 0, 1}, {11, 0, 2, 1, 2}, {11, 2, 4, 3, 4},
	    {0, 9, 5, 9, 1}, {0, 10, 5, 0, 0}, {100, 0, 5, 9, 1},
	    {101, 0, 5, 0, 0}, {0, 0, 12, 0, 10}, {0, 5, 0, 0, 0}};
	int64_t ids[10];
	put_ten(ids);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int64_t nodes[13], found = -1;
		memset(nodes, 0, sizeof(nodes));
		assert_int_equal(
		    replica_nth(replica, table, cases[i].pos, cases[i].index,
			cases[i].count, nodes, &found),
		    0);
		assert_int_equal(found, cases[i].found);
		for (int64_t j = 0; j < found; j++)
			assert_int_equal(nodes[j], ids[cases[i].first + j]);
		assert_int_equal(nodes[found], 0);
	}
}

static void another_directory_has_entries_of_its_own(void **state)
{
	(void)state;
	int64_t ids[10], nodes[1] = {0}, found = -1;
	put_ten(ids);
	assert_int_equal(
	    replica_nth(replica, table + 1000, 0, 0, 1, nodes, &found), 0);
	assert_int_equal(found, 0);
	assert_int_equal(nodes[0], 0);
}

/* ---- texts ---- */

struct texts {
	int64_t ids[12];
	char all[256];
	size_t count;
	size_t ends_at; /* the walk, with 7 */
};

static int on_text(void *ctx, int64_t id, const char *text, size_t len)
{
	struct texts *texts = ctx;
	texts->ids[texts->count++] = id;
	strncat(texts->all, text, len);
	return texts->count == texts->ends_at ? 7 : 0;
}

static void texts_come_by_id_from_the_first_to_the_last(void **state)
{
	(void)state;
	int64_t ids[10];
	put_ten(ids);
	struct texts texts = {.ends_at = 99};
	assert_int_equal(
	    replica_texts(replica, ids[2], ids[4], on_text, &texts), 0);
	assert_int_equal(texts.count, 3);
	assert_string_equal(texts.all, "{\"n\":2}{\"n\":3}{\"n\":4}");
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(texts.ids[i], ids[2 + i]);
	texts = (struct texts){.ends_at = 99};
	assert_int_equal(
	    replica_texts(replica, 0, INT64_MAX, on_text, &texts), 0);
	assert_int_equal(texts.count, 10);
	texts = (struct texts){.ends_at = 99};
	assert_int_equal(
	    replica_texts(replica, ids[9] + 1, INT64_MAX, on_text, &texts), 0);
	assert_int_equal(texts.count, 0);
}

static void who_has_enough_ends_the_walk(void **state)
{
	(void)state;
	int64_t ids[10];
	put_ten(ids);
	struct texts texts = {.ends_at = 2};
	assert_int_equal(
	    replica_texts(replica, 0, INT64_MAX, on_text, &texts), 7);
	assert_int_equal(texts.count, 2);
}

static void a_part_may_be_one_byte_or_none(void **state)
{
	(void)state;
	static const char text[] = "{\"n\":3}";
	int64_t ids[10];
	put_ten(ids);
	struct buf out;
	buf_init(&out, 64);
	for (size_t i = 0; i < strlen(text); i++)
		assert_int_equal(
		    replica_text_part(replica, ids[3], i, 1, &out), 0);
	assert_string_equal(buf_str(&out), text);
	assert_int_equal(replica_text_part(replica, ids[3], 0, 0, &out), 0);
	assert_int_equal(
	    replica_text_part(replica, ids[3], strlen(text), 1, &out), 0);
	assert_int_equal(
	    replica_text_part(replica, ids[3], UINT64_MAX, SIZE_MAX, &out), 0);
	assert_string_equal(buf_str(&out), text);
	buf_done(&out);
}

/* ---- listings ---- */

static void assert_listing(const struct replica_listing *expected)
{
	struct replica_listing listing;
	assert_int_equal(replica_listing(replica, table, &listing), 0);
	assert_int_equal(listing.base, expected->base);
	assert_int_equal(listing.end, expected->end);
	assert_int_equal(listing.side, expected->side);
	assert_int_equal(listing.flags, expected->flags);
	assert_int_equal(listing.listed_ms, expected->listed_ms);
	assert_int_equal(listing.proven_ms, expected->proven_ms);
	assert_int_equal(listing.count, expected->count);
	assert_int_equal(listing.newest_ms, expected->newest_ms);
	assert_int_equal(listing.since_ms, expected->since_ms);
	assert_int_equal(listing.created_ms, expected->created_ms);
	assert_int_equal(listing.created_since_ms, expected->created_since_ms);
	assert_int_equal(listing.dateless, expected->dateless);
	assert_int_equal(listing.ceiling, expected->ceiling);
}

static void what_is_known_of_a_listing_comes_back(void **state)
{
	(void)state;
	int64_t ids[10];
	struct replica_listing listing = {.ceiling = 100};
	put_ten(ids);
	assert_listing(&listing);
	listing = (struct replica_listing){
	    .base = 3,
	    .end = 101,
	    .side = 1,
	    .flags = 5,
	    .listed_ms = 6,
	    .proven_ms = 7,
	    .count = 8,
	    .newest_ms = INT64_MIN,
	    .since_ms = 10,
	    .created_ms = 11,
	    .created_since_ms = 12,
	    .dateless = 13,
	    .ceiling = 100,
	};
	for (int i = 0; i < 2; i++) {
		begin();
		assert_int_equal(
		    replica_set_listing(replica, table, &listing), 0);
		commit();
		assert_listing(&listing);
		reopen();
		assert_listing(&listing);
		listing.side = 0;
	}
}

/* ---- beside one who writes ---- */

/* What was put, and nobody but who has put it can see; 0: nothing. */
static _Atomic int64_t uncommitted;

struct reader {
	pthread_t thread;
	int64_t id; /* of a node that is there */
	_Atomic bool stopping;
	int trouble; /* the first error; 0: none */
};

static void *go_on_reading(void *ctx)
{
	struct reader *reader = ctx;
	struct node node;
	while (!reader->stopping && !reader->trouble) {
		int64_t id = uncommitted;
		if (id && replica_get(replica, id, &node) != -ENOENT &&
		    uncommitted == id)
			reader->trouble = -EEXIST;
		else
			reader->trouble =
			    replica_get(replica, reader->id, &node);
	}
	return NULL;
}

/* What is not committed is for who writes it alone. */
static void many_read_while_one_writes(void **state)
{
	(void)state;
	struct reader readers[2] = {0};
	int64_t ids[10];
	put_ten(ids);
	for (size_t i = 0; i < ARRAY_SIZE(readers); i++) {
		readers[i].id = ids[i];
		assert_int_equal(pthread_create(&readers[i].thread, NULL,
				     go_on_reading, &readers[i]),
		    0);
	}
	for (int i = 0; i < 300; i++) {
		char id[16];
		snprintf(id, sizeof(id), "w%d", i);
		begin();
		int64_t node = put(id, "{}", 0, 101 + i).id;
		uncommitted = node;
		assert_int_equal(got(node).mtime_ms, 1000);
		uncommitted = 0;
		commit();
	}
	for (size_t i = 0; i < ARRAY_SIZE(readers); i++) {
		readers[i].stopping = true;
		pthread_join(readers[i].thread, NULL);
		assert_int_equal(readers[i].trouble, 0);
	}
}

/* Nor is it for a replica that is opened later. */
static void what_was_being_written_at_the_end_is_gone(void **state)
{
	(void)state;
	put_ten((int64_t[10]){0});
	begin();
	put("late", "{}", 0, 200);
	reopen();
	assert_missing("late.json");
	begin();
	put("later", "{}", 0, 200);
	commit();
	reopen();
	assert_int_equal(found(table, "later.json").live, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(entries_are_counted_from_a_position),
	    TEST(another_directory_has_entries_of_its_own),
	    TEST(texts_come_by_id_from_the_first_to_the_last),
	    TEST(who_has_enough_ends_the_walk),
	    TEST(a_part_may_be_one_byte_or_none),
	    TEST(what_is_known_of_a_listing_comes_back),
	    TEST(many_read_while_one_writes),
	    TEST(what_was_being_written_at_the_end_is_gone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
