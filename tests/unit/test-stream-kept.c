/* What the content cache has of an object that is read. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "unit.h"

#include "base/cleanup.h"
#include "reader-fixture.h"
#include "content/segment.h"
#include "content/segments.h"

static void remount(void)
{
	fixture_stop();
	fixture_start();
	sent();
}

static void read_all(int64_t id, int64_t from, int64_t to)
{
	for (int64_t pos = from; pos < to; pos += STEP)
		assert_int_equal(read_as_fs(id, pos, STEP), 0);
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
	size_t stem = strlen(replica_path(replica)) - strlen(".db");
	segment_path(&key, path);
	snprintf(out, 256, "%.*s.content/%" PRIx64 "-%d/%s", (int)stem,
	    replica_path(replica), replica_made_ms(replica), SEGMENT_FORM,
	    path);
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
	struct node object = node_of(node);
	content_keep(settings.content, &object, 2 * MIB, blob, 2 * MIB);
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
	assert_int_equal(
	    streams_prefetch(sync_streams(sync_under_test), node), 1);
	assert_int_equal(streams_count(sync_streams(sync_under_test)), 0);
	serve_object();
	assert_int_equal(sent(), 0);
	/* One that lacks a block is. */
	damage_block(node, 7);
	assert_int_equal(read_as_fs(node, 7 * CONTENT_BLOCK, 1), 0);
	remount();
	char path[256];
	segment_path_of(node, 0, path);
	assert_int_equal(truncate(path, 8), 0);
	assert_int_equal(
	    streams_prefetch(sync_streams(sync_under_test), node), 0);
	serve_object();
	assert_true(sent() > 0);
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
	    TEST(what_was_read_once_is_read_again_without_a_request),
	    TEST(what_is_kept_is_not_fetched_again),
	    TEST(offline_what_is_not_kept_is_missing),
	    TEST(a_damaged_block_is_fetched_again),
	    TEST(a_read_across_a_damaged_block_ends),
	    TEST(what_is_removed_meanwhile_is_fetched_in_large_pieces),
	    TEST(a_file_that_is_kept_whole_is_not_fetched_ahead),
	    TEST(nothing_is_kept_before_the_size_is_proven),
	    TEST(kept_and_fetched_blocks_of_two_objects_are_never_mixed),
	    TEST(nor_are_those_of_two_sizes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
