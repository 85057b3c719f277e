/* Several readers of one object, and what the content cache has of it. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "unit.h"

#include "base/cleanup.h"
#include "replica/segment.h"
#include "replica/segments.h"
#include "replica/store.h"
#include "stream-fixture.h"

#define STEP CONTENT_BLOCK
#define KEPT_AMPLE (256 * MIB)

static int64_t object_size;
static const char *object_etag;

/* A new object, mounted with a content cache. */
static int64_t kept_file(int64_t size)
{
	char claim[32];
	object_size = size;
	object_etag = ETAG;
	content_limit = KEPT_AMPLE;
	snprintf(claim, sizeof(claim), "%" PRId64, size);
	return stored_file(claim);
}

static void remount(void)
{
	fixture_stop();
	fixture_start();
	sent();
}

static void serve_object(void)
{
	fake_run(fake);
	while (fake_open_count(fake)) {
		struct http_call *call = fake_open(fake, 0);
		if (strcmp(fake_line(call), URL_LINE) == 0)
			give_url();
		else
			serve_range(call, object_size, object_etag);
	}
}

static struct node node_of(int64_t id)
{
	struct node node = {0};
	assert_int_equal(replica_get(replica, id, &node), 0);
	return node;
}

/* Read as fs/ does: at once, or by asking. How it ended. */
static int read_as_fs(int64_t id, int64_t offset, int64_t len)
{
	struct sync_bytes got;
	struct node node = node_of(id);
	int64_t there = object_size - offset < len ? object_size - offset : len;
	if (sync_read_now(sync_under_test, &node, (uint64_t)offset, (size_t)len,
		&got) == 0) {
		char *expected = bytes(offset, there);
		assert_int_equal(got.len, there);
		assert_memory_equal(got.data, expected, (size_t)there);
		free(expected);
		sync_bytes_done(&got);
		fake_run(fake);
		return 0;
	}
	struct ask *read = ask_read(id, (uint64_t)offset, (size_t)len);
	for (int i = 0; i < 1000 && !read->count; i++) {
		assert_true(fake_open_count(fake) > 0); /* or it hangs */
		struct http_call *call = fake_open(fake, 0);
		if (strcmp(fake_line(call), URL_LINE) == 0)
			give_url();
		else
			serve_range(call, object_size, object_etag);
	}
	assert_int_equal(read->count, 1);
	if (read->err == 0)
		assert_bytes(read, offset, there);
	return read->err;
}

static void read_all(int64_t id, int64_t from, int64_t to)
{
	for (int64_t pos = from; pos < to; pos += STEP)
		assert_int_equal(read_as_fs(id, pos, STEP), 0);
}

/* Bytes that were asked for since a number of calls. */
static int64_t asked_since(size_t number)
{
	int64_t asked = 0;
	for (size_t i = number; i < fake_count(fake); i++) {
		int64_t first, last;
		const char *range = fake_header(fake_call(fake, i), "Range");
		if (!range)
			continue;
		assert_int_equal(
		    sscanf(range, "bytes=%" SCNd64 "-%" SCNd64, &first, &last),
		    2);
		if (last >= object_size)
			last = object_size - 1;
		asked += last - first + 1;
	}
	return asked;
}

/* The cache writes in a thread of its own. */
static void await_kept(int64_t id)
{
	for (int i = 0;
	     i < 4000 && !content_has(settings.content, id, object_size); i++)
		usleep(5000);
	assert_true(content_has(settings.content, id, object_size));
}

static void segment_path_of(int64_t id, int64_t segment, char out[256])
{
	struct segment_key key = {0, id, segment};
	char path[SEGMENT_PATH];
	size_t stem = strlen(replica->path) - strlen(".db");
	segment_path(&key, path);
	snprintf(out, 256, "%.*s.content/%" PRIx64 "/%s", (int)stem,
	    replica->path, replica_made_ms(replica), path);
}

static void damage_block(int64_t id, int64_t block)
{
	char path[256], byte;
	segment_path_of(id, block / CONTENT_SEGMENT, path);
	off_t at = SEGMENT_DATA + block % CONTENT_SEGMENT * CONTENT_BLOCK + 99;
	int fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte = (char)~byte;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

static struct stream *only_stream(void)
{
	struct stream *stream = TAILQ_FIRST(&sync_under_test->streams);
	assert_non_null(stream);
	assert_null(TAILQ_NEXT(stream, link));
	return stream;
}

/* ---- several readers ---- */

static void each_reader_gets_ahead_with_a_window_of_its_own(void **state)
{
	(void)state;
	static const int64_t places[] = {0, 60 * MIB, 120 * MIB};
	int64_t node = stored_file("209715200");
	object_size = 200 * MIB;
	object_etag = ETAG;
	for (int64_t done = 0; done < 24 * MIB; done += STEP) {
		for (size_t i = 0; i < ARRAY_SIZE(places); i++)
			assert_int_equal(
			    read_as_fs(node, places[i] + done, STEP), 0);
	}
	stream_read_notes(sync_under_test);
	struct stream *stream = only_stream();
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		struct reader *reader =
		    stream_reader(stream, places[i] + 24 * MIB);
		assert_int_equal(reader->pos, places[i] + 24 * MIB);
		assert_true(reader->window >= 4 * RANGE_FIRST);
	}
	serve_object();
	/* Each byte came once, and a window's worth more. */
	assert_true(asked_since(0) >= 72 * MIB);
	assert_true(asked_since(0) <= 72 * MIB + AHEAD_ALL_MAX);
	/* In pieces of a MiB and more, for all that they alternate. */
	assert_true(fake_count(fake) < 160);
}

static void one_who_jumps_about_does_not_slow_others_down(void **state)
{
	(void)state;
	int64_t node = stored_file("209715200");
	object_size = 200 * MIB;
	object_etag = ETAG;
	size_t begun = fake_count(fake);
	for (int64_t pos = 0; pos < 32 * MIB; pos += STEP) {
		assert_int_equal(read_as_fs(node, pos, STEP), 0);
		if (pos % (4 * STEP) == 0)
			assert_int_equal(
			    read_as_fs(
				node, (50 + pos / STEP * 37 % 140) * MIB, 4096),
			    0);
	}
	/* 64 jumps with their URL, and 32 pieces and a few first ones. */
	assert_true(fake_count(fake) - begun < 64 + 32 + 24);
	assert_true(
	    stream_reader(only_stream(), 32 * MIB)->window >= 4 * RANGE_FIRST);
}

static void readers_share_the_room(void **state)
{
	(void)state;
	int64_t node = stored_file("1048576000");
	object_size = 1000 * MIB;
	object_etag = ETAG;
	for (int64_t done = 0; done < 40 * MIB; done += STEP) {
		for (int64_t i = 0; i < READERS; i++)
			assert_int_equal(
			    read_as_fs(node, i * 250 * MIB + done, STEP), 0);
		assert_true(sync_under_test->bytes_held <=
			    AHEAD_ALL_MAX + READERS * RANGE_LARGEST);
	}
	stream_read_notes(sync_under_test);
	struct stream *stream = only_stream();
	for (int64_t i = 0; i < READERS; i++) {
		struct reader *reader =
		    stream_reader(stream, i * 250 * MIB + 40 * MIB);
		int64_t window = reader_window(stream, reader);
		assert_in_range(window, RANGE_LARGEST, AHEAD_ALL_MAX / READERS);
	}
	serve_object();
	/* When the others have gone, one may have it all. */
	fake_advance(fake, 3000);
	assert_int_equal(read_as_fs(node, 40 * MIB, STEP), 0);
	struct reader *last = stream_reader(stream, 40 * MIB + STEP);
	assert_int_equal(reader_window(stream, last), last->window);
	serve_object();
}

/* A large read that lies across blocks needs more than the least that one who
 * waits may have: it must end nevertheless. */
static void a_large_read_ends_also_when_there_is_no_room(void **state)
{
	(void)state;
	int64_t node = stored_file("10485760");
	object_size = 10 * MIB;
	object_etag = ETAG;
	assert_int_equal(read_as_fs(node, 0, 4096), 0);
	serve_object();
	sync_under_test->bytes_held += 2 * AHEAD_ALL_MAX;
	for (int64_t pos = 3 * MIB + 65536; pos < 9 * MIB; pos += 2 * MIB)
		assert_int_equal(read_as_fs(node, pos, MIB), 0);
	assert_int_equal(read_as_fs(node, 2 * MIB + 1, 4 * MIB), 0);
	sync_under_test->bytes_held -= 2 * AHEAD_ALL_MAX;
	serve_object();
}

/* ---- what is kept ---- */

static void what_was_read_once_is_read_again_without_a_request(void **state)
{
	(void)state;
	int64_t node = kept_file(9 * MIB + 12345);
	read_all(node, 0, object_size);
	assert_int_equal(asked_since(0), object_size);
	await_kept(node);
	sent();
	read_all(node, 0, object_size);
	assert_int_equal(sent(), 0);
	remount();
	read_all(node, 0, object_size);
	assert_int_equal(read_as_fs(node, 5 * MIB + 3, 1 * MIB), 0);
	assert_int_equal(sent(), 0);
	fixture_stop();
	fixture_start_offline();
	read_all(node, 0, object_size);
}

static void what_is_kept_is_not_fetched_again(void **state)
{
	(void)state;
	int64_t node = kept_file(6 * MIB);
	/* [2 MiB, 4 MiB) is known, and the very end. */
	assert_int_equal(read_as_fs(node, 0, 1), 0);
	fixture_stop();
	fixture_start();
	struct blob *blob = blob_new(2 * (size_t)MIB, NULL);
	char *data = bytes(2 * MIB, 2 * MIB);
	memcpy(blob->data, data, 2 * (size_t)MIB);
	free(data);
	content_keep(
	    settings.content, node, object_size, 2 * MIB, blob, 2 * MIB);
	blob_unref(blob);
	remount();
	size_t before = fake_count(fake);
	read_all(node, MIB, object_size);
	serve_object();
	assert_int_equal(asked_since(before), 3 * MIB);
	/* And the first MiB was kept when it was measured. */
	before = fake_count(fake);
	read_all(node, 0, MIB);
	assert_int_equal(asked_since(before), 0);
	await_kept(node);
}

static void offline_what_is_not_kept_is_missing(void **state)
{
	(void)state;
	int64_t node = kept_file(4 * MIB);
	assert_int_equal(read_as_fs(node, 0, STEP), 0);
	fixture_stop();
	fixture_start_offline();
	assert_int_equal(read_as_fs(node, 0, MIB), 0);
	assert_int_equal(read_as_fs(node, MIB, 1), -ENODATA);
	assert_int_equal(read_as_fs(node, MIB - 1, 2), -ENODATA);
	assert_int_equal(read_as_fs(node, 4 * MIB, 2), 0); /* the end */
}

static void a_damaged_block_is_fetched_again(void **state)
{
	(void)state;
	static const int64_t damaged[] = {0, 5, 6, 33};
	int64_t node = kept_file(34 * CONTENT_BLOCK - 7);
	read_all(node, 0, object_size);
	await_kept(node);
	for (size_t i = 0; i < ARRAY_SIZE(damaged); i++) {
		remount();
		damage_block(node, damaged[i]);
		size_t before = fake_count(fake);
		read_all(node, 0, object_size);
		serve_object();
		int64_t most = damaged[i] ? CONTENT_BLOCK : RANGE_FIRST;
		assert_in_range(asked_since(before), 1, most);
		struct content_totals totals;
		content_totals(settings.content, &totals);
		assert_int_equal(totals.damaged, 1);
		await_kept(node);
		before = fake_count(fake);
		read_all(node, 0, object_size);
		assert_int_equal(asked_since(before), 0);
	}
}

static void a_read_across_a_damaged_block_ends(void **state)
{
	(void)state;
	int64_t node = kept_file(40 * CONTENT_BLOCK);
	read_all(node, 0, object_size);
	await_kept(node);
	remount();
	for (int64_t block = 3; block < 40; block += 4) {
		damage_block(node, block);
		int64_t pos = block * CONTENT_BLOCK - 1000;
		assert_int_equal(read_as_fs(node, pos, 2000), 0);
		pos = block * CONTENT_BLOCK - STEP / 2;
		assert_int_equal(read_as_fs(node, pos, STEP * 2), 0);
	}
	serve_object();
	await_kept(node);
}

/* A stream remembers what was kept; then it is removed to make room. */
static void what_is_removed_meanwhile_is_fetched_in_large_pieces(void **state)
{
	(void)state;
	char path[256];
	int64_t node = kept_file(16 * MIB);
	read_all(node, 0, object_size);
	await_kept(node);
	remount();
	/* Let there be a stream, which knows what is kept. */
	damage_block(node, 64 + 2);
	damage_block(node, 64 + 4);
	damage_block(node, 64 + 5);
	read_all(node, 8 * MIB, 9 * MIB);
	segment_path_of(node, 1, path);
	assert_int_equal(unlink(path), 0);
	size_t before = fake_count(fake);
	read_all(node, 9 * MIB, 16 * MIB);
	serve_object();
	assert_int_equal(asked_since(before), 7 * MIB);
	assert_true(fake_count(fake) - before <= 12);
}

static void a_file_that_is_kept_whole_is_not_fetched_ahead(void **state)
{
	(void)state;
	int64_t node = kept_file(3 * MIB);
	read_all(node, 0, object_size);
	await_kept(node);
	remount();
	assert_int_equal(stream_prefetch(sync_under_test, node), 1);
	assert_true(TAILQ_EMPTY(&sync_under_test->streams));
	serve_object();
	assert_int_equal(sent(), 0);
	/* One that lacks a block is. */
	damage_block(node, 7);
	assert_int_equal(read_as_fs(node, 7 * CONTENT_BLOCK, 1), 0);
	remount();
	char path[256];
	segment_path_of(node, 0, path);
	assert_int_equal(truncate(path, 8), 0);
	assert_int_equal(stream_prefetch(sync_under_test, node), 0);
	serve_object();
	assert_true(sent() > 0);
}

/* Of a store that answers at once, few ranges are asked for at a time; all come
 * nevertheless, though nobody asks again for those that waited. */
static void a_store_next_door_is_asked_for_little_at_once(void **state)
{
	(void)state;
	int64_t node = kept_file(64 * MIB);
	size_t most = 0;
	for (int64_t pos = 0; pos < 40 * MIB; pos += STEP) {
		struct ask *read = ask_read(node, (uint64_t)pos, (size_t)STEP);
		while (!read->count) {
			size_t open = fake_open_count(fake);
			assert_true(open > 0); /* or it hangs */
			if (pos >= 4 * MIB && open > most)
				most = open;
			struct http_call *call = fake_open(fake, 0);
			if (strcmp(fake_line(call), URL_LINE) == 0)
				give_url();
			else
				serve_range(call, object_size, object_etag);
		}
		assert_bytes(read, pos, STEP);
	}
	assert_in_range(most, 1, NEAR_RANGES);
}

static void nothing_is_kept_before_the_size_is_proven(void **state)
{
	(void)state;
	int64_t node = kept_file(200 * 1000);
	object_size = 300 * 1000; /* the claim was wrong */
	assert_int_equal(read_as_fs(node, 0, STEP), -EIO);
	serve_object();
	node = current().id;
	assert_true(node_of(node).proven);
	read_all(node, 0, object_size);
	remount();
	/* By the true size, whatever was claimed. */
	read_all(node, 0, object_size);
	await_kept(node);
	remount();
	read_all(node, 0, object_size);
	assert_int_equal(sent(), 0);
}

static void what_is_not_proven_is_not_handed_to_the_cache(void **state)
{
	(void)state;
	int64_t node = kept_file(200 * MIB);
	assert_int_equal(read_as_fs(node, 100 * MIB, 1), 0);
	struct stream *stream = only_stream();
	struct range *range = TAILQ_FIRST(&stream->ranges);
	assert_true(range->kept);
	range->kept = false;
	stream->node.proven = false;
	stream_keep(stream);
	assert_false(range->kept);
	stream->node.proven = true;
	stream->changed = true;
	stream_keep(stream);
	assert_false(range->kept);
	stream->changed = false;
	stream_keep(stream);
	assert_true(range->kept);
}

/* ---- an object that is another by now ---- */

static void assert_not_mixed(int64_t old)
{
	/* What is kept may still be read by who has it open ... */
	read_all(old, 0, MIB);
	/* ... but not together with anything of the new one. */
	assert_int_equal(read_as_fs(old, MIB, STEP), -EIO);
	assert_int_equal(name_changes, 1);
	/* Who comes again is told again where the name leads. */
	assert_int_equal(read_as_fs(old, 0, STEP), -EIO);
	assert_int_equal(name_changes, 2);
	int64_t fresh = current().id;
	assert_true(fresh > old);
	/* Of which all is fetched. */
	size_t before = fake_count(fake);
	struct ask *measure = ask_measure(fresh);
	serve_object();
	assert_ended(measure, 0);
	read_all(fresh, 0, object_size);
	assert_int_equal(asked_since(before), object_size);
	await_kept(fresh);
	remount();
	read_all(fresh, 0, object_size);
	assert_int_equal(sent(), 0);
	assert_ended(ask_read(old, 0, 10), -ESTALE); /* cleared up */
}

static void kept_and_fetched_blocks_of_two_objects_are_never_mixed(void **state)
{
	(void)state;
	int64_t node = kept_file(3 * MIB);
	assert_int_equal(read_as_fs(node, 0, STEP), 0);
	remount();
	object_etag = "\"two\"";
	assert_not_mixed(node);
}

static void nor_are_those_of_two_sizes(void **state)
{
	(void)state;
	int64_t node = kept_file(3 * MIB);
	assert_int_equal(read_as_fs(node, 0, STEP), 0);
	remount();
	object_size = 3 * MIB - 1;
	assert_not_mixed(node);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(each_reader_gets_ahead_with_a_window_of_its_own),
	    TEST(one_who_jumps_about_does_not_slow_others_down),
	    TEST(readers_share_the_room),
	    TEST(a_large_read_ends_also_when_there_is_no_room),
	    TEST(what_was_read_once_is_read_again_without_a_request),
	    TEST(what_is_kept_is_not_fetched_again),
	    TEST(offline_what_is_not_kept_is_missing),
	    TEST(a_damaged_block_is_fetched_again),
	    TEST(a_read_across_a_damaged_block_ends),
	    TEST(what_is_removed_meanwhile_is_fetched_in_large_pieces),
	    TEST(a_file_that_is_kept_whole_is_not_fetched_ahead),
	    TEST(a_store_next_door_is_asked_for_little_at_once),
	    TEST(nothing_is_kept_before_the_size_is_proven),
	    TEST(what_is_not_proven_is_not_handed_to_the_cache),
	    TEST(kept_and_fetched_blocks_of_two_objects_are_never_mixed),
	    TEST(nor_are_those_of_two_sizes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
