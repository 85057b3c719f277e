#include "content-fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "unit.h"

#define NODE 200
#define SEGMENT SEGMENT_BYTES

/* ---- keeping and reading ---- */

static void objects_of_any_size_are_read_back(void **state)
{
	(void)state;
	static const int64_t sizes[] = {1, 2, 4095, 4096, BLOCK - 1, BLOCK,
	    BLOCK + 1, 3 * BLOCK + 5, SEGMENT - 1, SEGMENT, SEGMENT + 1,
	    2 * SEGMENT + BLOCK + 77};
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		keep_whole(NODE + (int64_t)i, sizes[i]);
	settle();
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		int64_t node = NODE + (int64_t)i, size = sizes[i];
		assert_true(content_has(content, node, size));
		assert_kept(node, size, 0, size);
		assert_kept(node, size, size - 1, 1);
		assert_kept(node, size, size / 2, size - size / 2);
		assert_kept(node, size, size, 0);
	}
	assert_int_equal(totals().hits, 4 * ARRAY_SIZE(sizes));
	assert_int_equal(totals().damaged, 0);
}

static void any_part_of_an_object_is_read(void **state)
{
	(void)state;
	const int64_t size = 2 * SEGMENT + 5 * BLOCK + 1234;
	static const int64_t ranges[][2] = {
	    {0, 0},
	    {0, 1},
	    {0, BLOCK},
	    {1, BLOCK},
	    {BLOCK - 1, 2},
	    {BLOCK, BLOCK},
	    {BLOCK + 7, 3 * BLOCK},
	    {BLOCK / 2, 5 * BLOCK},
	    {SEGMENT - 1, 2},
	    {SEGMENT - BLOCK, 2 * BLOCK},
	    {SEGMENT - 5, SEGMENT + 10},
	    {2 * SEGMENT + 5 * BLOCK, 1234},
	    {2 * SEGMENT + 5 * BLOCK + 1233, 1},
	    {2 * SEGMENT + 4 * BLOCK + 9, BLOCK + 1225},
	};
	keep_whole(NODE, size);
	settle();
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
		assert_kept(NODE, size, ranges[i][0], ranges[i][1]);
}

static void an_empty_object_is_here_without_being_kept(void **state)
{
	(void)state;
	assert_true(content_has(content, NODE, 0));
	assert_kept(NODE, 0, 0, 0);
	struct blob *blob = blob_new(0, NULL);
	struct node object = proven(NODE, 0);
	content_keep(content, &object, 0, blob, 0);
	blob_unref(blob);
	settle();
	assert_int_equal(content_segment(content, NODE, 0), 0);
}

static void only_what_is_all_there_is_read(void **state)
{
	(void)state;
	const int64_t size = 6 * BLOCK + 10;
	keep(NODE, size, 0, 2 * BLOCK);
	keep(NODE, size, 4 * BLOCK, 2 * BLOCK);
	settle();
	assert_kept(NODE, size, 0, 2 * BLOCK);
	assert_kept(NODE, size, 4 * BLOCK + 1, BLOCK);
	assert_absent(NODE, size, 0, 2 * BLOCK + 1);
	assert_absent(NODE, size, 2 * BLOCK, 1);
	assert_absent(NODE, size, BLOCK, 4 * BLOCK);
	assert_absent(NODE, size, 6 * BLOCK, 10);
	assert_false(content_has(content, NODE, size));
	keep(NODE, size, 6 * BLOCK, 10);
	keep(NODE, size, 2 * BLOCK, 2 * BLOCK);
	settle();
	assert_kept(NODE, size, 0, size);
	assert_true(content_has(content, NODE, size));
	/* Another object has none of it. */
	assert_absent(NODE + 1, size, 0, 1);
	assert_absent(NODE + 256, size, 0, 1);
}

static void what_makes_no_whole_block_is_left_out(void **state)
{
	(void)state;
	const int64_t size = 4 * BLOCK + 100;
	keep(NODE, size, 10, 3 * BLOCK - 20); /* makes block 1 */
	settle();
	assert_int_equal(content_segment(content, NODE, 0), 1 << 1);
	keep(NODE, size, 3 * BLOCK + 1, BLOCK + 99); /* the short last one */
	settle();
	assert_int_equal(
	    content_segment(content, NODE, 0), 1 << 1 | UINT64_C(1) << 4);
	keep(NODE, size, 0, BLOCK - 1);
	keep(NODE, size, 4 * BLOCK + 1, 99);
	keep(NODE, size, 4 * BLOCK, 99);
	settle();
	assert_int_equal(
	    content_segment(content, NODE, 0), 1 << 1 | UINT64_C(1) << 4);
	assert_kept(NODE, size, BLOCK, BLOCK);
	assert_kept(NODE, size, 4 * BLOCK, 100);
}

static void masks_tell_the_blocks_of_a_segment(void **state)
{
	(void)state;
	const int64_t size = SEGMENT + 3 * BLOCK + 1;
	assert_int_equal(content_segment(content, NODE, 0), 0);
	keep(NODE, size, SEGMENT - BLOCK, 2 * BLOCK);
	settle();
	assert_int_equal(content_segment(content, NODE, 0), UINT64_C(1) << 63);
	assert_int_equal(content_segment(content, NODE, 1), 1);
	assert_int_equal(content_segment(content, NODE, 2), 0);
	keep_whole(NODE, size);
	settle();
	assert_true(content_segment(content, NODE, 0) == ~UINT64_C(0));
	assert_int_equal(content_segment(content, NODE, 1), 0xf);
	assert_true(content_has(content, NODE, size));
	assert_true(content_has(content, NODE, SEGMENT));
	assert_false(content_has(content, NODE, size + 2 * BLOCK));
}

/* A file with the first bytes of the object. The caller closes it. */
static int spooled(int64_t len)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/spool", cache_dir);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	char *data = object_bytes(NODE, 0, len);
	assert_int_equal(pwrite(fd, data, (size_t)len, 0), len);
	free(data);
	return fd;
}

static void what_stands_in_a_file_is_kept(void **state)
{
	(void)state;
	const int64_t size = SEGMENT + 2 * BLOCK + 33;
	int fd = spooled(size);
	struct node object = proven(NODE, size);
	content_keep_file(content, &object, fd);
	close(fd); /* it has a descriptor of its own */
	settle();
	assert_true(content_has(content, NODE, size));
	assert_kept(NODE, size, 0, size);
}

static void of_a_file_cut_short_nothing_wrong_is_kept(void **state)
{
	(void)state;
	const int64_t size = 4 * BLOCK;
	int fd = spooled(2 * BLOCK + 5);
	struct node object = proven(NODE, size);
	content_keep_file(content, &object, fd);
	close(fd);
	settle();
	assert_int_equal(content_segment(content, NODE, 0), 3);
	assert_kept(NODE, size, 0, 2 * BLOCK);
	assert_absent(NODE, size, 2 * BLOCK, 1);
}

/* What waits in memory and what stands in a file: who fetches all looks on the
 * disk for it then. */
static void once_it_is_settled_all_is_on_the_disk(void **state)
{
	(void)state;
	const int64_t size = SEGMENT + 2 * BLOCK + 33;
	const struct timespec pause = {.tv_nsec = 1000000};
	assert_true(content_is_settled(content));
	int fd = spooled(size);
	struct node object = proven(NODE, size);
	keep_whole(NODE + 1, size);
	content_keep_file(content, &object, fd);
	close(fd);
	while (!content_is_settled(content))
		nanosleep(&pause, NULL);
	assert_true(content_has(content, NODE, size));
	assert_true(content_has(content, NODE + 1, size));
}

static void closing_writes_all_that_was_to_be_kept(void **state)
{
	(void)state;
	for (int64_t i = 0; i < 100; i++)
		keep_whole(NODE + i, 3 * BLOCK + i);
	settle();
	for (int64_t i = 0; i < 100; i++)
		assert_kept(NODE + i, 3 * BLOCK + i, 0, 3 * BLOCK + i);
}

static void what_waits_to_be_written_is_read_already(void **state)
{
	(void)state;
	for (int64_t i = 0; i < 200; i++) {
		int64_t size = 3 * BLOCK + i;
		keep_whole(NODE + i, size);
		assert_kept(NODE + i, size, 0, size);
		assert_kept(NODE + i / 2, 3 * BLOCK + i / 2, BLOCK - 7, 20);
	}
}

/* Also while it goes from the one place to the other. */
static void what_lies_in_the_queue_and_on_the_disk_is_read(void **state)
{
	(void)state;
	for (int64_t i = 0; i < 300; i++) {
		int64_t size = 4 * BLOCK + i;
		for (int64_t first = 0; first < size; first += BLOCK)
			keep(NODE + i, size, first,
			    size - first < BLOCK ? size - first : BLOCK);
		do
			assert_kept(NODE + i, size, i, size - i);
		while (!content_is_settled(content));
		assert_kept(NODE + i, size, i, size - i);
	}
}

static void without_a_cache_nothing_is_kept_and_nothing_breaks(void **state)
{
	(void)state;
	struct node node = proven(NODE, 10);
	struct blob *blob = blob_new(10, NULL);
	struct content_totals none;
	char out[10];
	content_keep(NULL, &node, 0, blob, 10);
	assert_int_equal(blob->refs, 1);
	content_keep_file(NULL, &node, 0);
	assert_int_equal(content_read(NULL, &node, 0, out, 10), -ENODATA);
	assert_int_equal(content_segment(NULL, NODE, 0), 0);
	assert_false(content_has(NULL, NODE, 10));
	content_totals(NULL, &none);
	assert_int_equal(none.limit, 0);
	content_close(NULL);
	blob_unref(blob);
}

/* ---- whose bytes they are ---- */

static void what_is_not_proven_or_spoiled_is_never_served(void **state)
{
	(void)state;
	char out[10];
	keep_whole(NODE, 10);
	settle();
	struct node node = proven(NODE, 10);
	assert_int_equal(content_read(content, &node, 0, out, 10), 0);
	node.spoiled = true;
	assert_int_equal(content_read(content, &node, 0, out, 10), -ENODATA);
	node.spoiled = false;
	node.proven = false;
	assert_int_equal(content_read(content, &node, 0, out, 10), -ENODATA);
}

static void another_replica_sees_nothing_and_clears_up(void **state)
{
	(void)state;
	char old[256], fresh[256], path[300];
	struct stat info;
	keep_whole(NODE, 5 * BLOCK);
	settle();
	content_path("", old);
	cache_close();
	replica_close(replica);
	snprintf(path, sizeof(path), "rm %s/*.db*", cache_dir);
	assert_int_equal(system(path), 0);
	usleep(2000); /* made at another millisecond */
	assert_int_equal(
	    replica_open(cache_dir, "project", false, &replica), 0);
	cache_open(AMPLE);
	content_path("", fresh); /* the only one */
	assert_string_not_equal(old, fresh);
	assert_int_equal(stat(old, &info), -1);
	assert_int_equal(errno, ENOENT);
	assert_absent(NODE, 5 * BLOCK, 0, 1);
	assert_int_equal(totals().damaged, 0);
}

static void directories_and_files_are_for_the_owner_alone(void **state)
{
	(void)state;
	static const char *const dirs[] = {"", "/..", "/c8"};
	char path[256];
	struct stat info;
	cache_close();
	content_path("", path);
	assert_int_equal(rmdir(path), 0);
	mode_t mask = umask(0);
	cache_open(AMPLE);
	keep_whole(NODE, 10);
	settle();
	umask(mask);
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		content_path(dirs[i], path);
		assert_int_equal(stat(path, &info), 0);
		assert_int_equal(info.st_mode & 07777, 0700);
	}
	segment_file(NODE, 0, path);
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_mode & 07777, 0600);
}

/* ---- damage ---- */

/* Damage there must be noticed, once, and be mended by keeping it again. */
static void assert_noticed_and_mended(int64_t size, int64_t offset, int64_t len)
{
	uint64_t before = totals().damaged;
	assert_absent(NODE, size, offset, len);
	assert_int_equal(totals().damaged, before + 1);
	assert_absent(NODE, size, offset, len); /* not there any more */
	assert_int_equal(totals().damaged, before + 1);
	assert_false(content_has(content, NODE, size));
	keep_whole(NODE, size);
	await_kept(NODE, size);
	assert_kept(NODE, size, 0, size);
}

/* Many blocks are damaged: what is read of them is right or not there. */
static void assert_mended(int64_t node, int64_t size)
{
	for (int64_t pos = 0; pos < size; pos += BLOCK)
		try_read(
		    node, size, pos, size - pos < BLOCK ? size - pos : BLOCK);
	keep_whole(node, size);
	settle();
	assert_kept(node, size, 0, size);
}

static void a_flipped_byte_anywhere_in_the_data_is_noticed(void **state)
{
	(void)state;
	const int64_t size = 3 * BLOCK + 1000;
	char path[256];
	keep_whole(NODE, size);
	settle();
	segment_file(NODE, 0, path);
	static const int64_t places[] = {
	    0, 1, BLOCK - 1, BLOCK, 2 * BLOCK + 77, 3 * BLOCK, 3 * BLOCK + 999};
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		int64_t block = places[i] / BLOCK;
		flip(path, SEGMENT_DATA + places[i]);
		/* The other blocks are not touched by it. */
		assert_kept(NODE, size, block ? 0 : BLOCK, 1);
		assert_noticed_and_mended(size, block * BLOCK, 5);
	}
}

static void a_flipped_byte_anywhere_in_the_table_is_noticed(void **state)
{
	(void)state;
	const int64_t size = SEGMENT;
	char path[256];
	keep_whole(NODE, size);
	settle();
	segment_file(NODE, 0, path);
	for (int64_t place = 0; place < 512; place += 37) {
		flip(path, place);
		assert_noticed_and_mended(size, place / 8 * BLOCK, BLOCK);
	}
}

static void what_is_kept_again_mends_what_nobody_noticed(void **state)
{
	(void)state;
	const int64_t size = 4 * BLOCK;
	char path[256];
	keep_whole(NODE, size);
	settle();
	segment_file(NODE, 0, path);
	flip(path, SEGMENT_DATA + 5);
	flip(path, 8);
	keep_whole(NODE, size);
	settle();
	assert_kept(NODE, size, 0, size);
	assert_int_equal(totals().damaged, 0);
}

static void a_checksum_where_nothing_was_kept_is_noticed(void **state)
{
	(void)state;
	const int64_t size = 5 * BLOCK;
	char path[256];
	keep(NODE, size, 0, BLOCK);
	settle();
	segment_file(NODE, 0, path);
	flip(path, 3 * 8);
	assert_int_equal(content_segment(content, NODE, 0), 1 | 1 << 3);
	assert_noticed_and_mended(size, 3 * BLOCK, 1);
}

static void a_file_cut_short_is_noticed(void **state)
{
	(void)state;
	const int64_t size = 4 * BLOCK;
	char path[256];
	keep_whole(NODE, size);
	settle();
	segment_file(NODE, 0, path);
	assert_int_equal(truncate(path, SEGMENT_DATA + size - 1), 0);
	assert_kept(NODE, size, 0, 3 * BLOCK);
	assert_noticed_and_mended(size, 3 * BLOCK, BLOCK);
	assert_int_equal(truncate(path, SEGMENT_DATA), 0);
	assert_absent(NODE, size, 0, 1);
	assert_mended(NODE, size);
	/* Without its table there is nothing in it. */
	static const off_t lengths[] = {16, 3, 0};
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		assert_int_equal(truncate(path, lengths[i]), 0);
		assert_absent(NODE, size, 3 * BLOCK, 1);
		assert_absent(NODE, size, 0, 1);
		assert_mended(NODE, size);
	}
}

static void copy_file(const char *from, const char *to)
{
	char command[600];
	snprintf(command, sizeof(command), "cp %s %s", from, to);
	assert_int_equal(system(command), 0);
}

static void a_file_copied_over_another_one_is_noticed(void **state)
{
	(void)state;
	const int64_t size = SEGMENT + 2 * BLOCK;
	char own[256], own_second[256], other[256];
	keep_whole(NODE, size);
	keep_whole(NODE + 1, size);
	settle();
	segment_file(NODE, 0, own);
	segment_file(NODE, 1, own_second);
	segment_file(NODE + 1, 0, other);
	copy_file(other, own); /* another object's */
	assert_absent(NODE, size, 0, 1);
	assert_int_equal(totals().damaged, 1);
	assert_mended(NODE, size);
	copy_file(own, own_second); /* another segment's */
	assert_absent(NODE, size, SEGMENT + BLOCK, 1);
	assert_mended(NODE, size);
	assert_kept(NODE + 1, size, 0, size);
}

static void a_block_copied_over_another_one_is_noticed(void **state)
{
	(void)state;
	const int64_t size = 4 * BLOCK;
	char path[256], *data = malloc((size_t)BLOCK);
	uint64_t sum;
	keep_whole(NODE, size);
	settle();
	segment_file(NODE, 0, path);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	/* With its checksum. */
	assert_true(pread(fd, data, (size_t)BLOCK, SEGMENT_DATA) > 0);
	assert_true(pwrite(fd, data, (size_t)BLOCK, SEGMENT_DATA + BLOCK) > 0);
	assert_int_equal(pread(fd, &sum, 8, 0), 8);
	assert_int_equal(pwrite(fd, &sum, 8, 8), 8);
	close(fd);
	free(data);
	assert_noticed_and_mended(size, BLOCK, BLOCK);
}

/* Who unmounts does not wait for a slow disk. */
static void what_is_not_written_in_time_is_not_kept(void **state)
{
	const int64_t size = 3 * BLOCK;
	(void)state;
	content_hurry(content, 60000);
	keep_whole(NODE, size);
	settle();
	assert_kept(NODE, size, 0, size);
	content_hurry(content, 60000);
	clock_ahead_ms += 60001;
	keep_whole(NODE + 1, size);
	settle();
	assert_absent(NODE + 1, size, 0, size);
	assert_kept(NODE, size, 0, size);
	content_hurry(NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(objects_of_any_size_are_read_back),
	    TEST(any_part_of_an_object_is_read),
	    TEST(an_empty_object_is_here_without_being_kept),
	    TEST(only_what_is_all_there_is_read),
	    TEST(what_makes_no_whole_block_is_left_out),
	    TEST(masks_tell_the_blocks_of_a_segment),
	    TEST(what_stands_in_a_file_is_kept),
	    TEST(of_a_file_cut_short_nothing_wrong_is_kept),
	    TEST(once_it_is_settled_all_is_on_the_disk),
	    TEST(closing_writes_all_that_was_to_be_kept),
	    TEST(what_is_not_written_in_time_is_not_kept),
	    TEST(what_waits_to_be_written_is_read_already),
	    TEST(what_lies_in_the_queue_and_on_the_disk_is_read),
	    TEST(without_a_cache_nothing_is_kept_and_nothing_breaks),
	    TEST(what_is_not_proven_or_spoiled_is_never_served),
	    TEST(another_replica_sees_nothing_and_clears_up),
	    TEST(directories_and_files_are_for_the_owner_alone),
	    TEST(a_flipped_byte_anywhere_in_the_data_is_noticed),
	    TEST(a_flipped_byte_anywhere_in_the_table_is_noticed),
	    TEST(what_is_kept_again_mends_what_nobody_noticed),
	    TEST(a_checksum_where_nothing_was_kept_is_noticed),
	    TEST(a_file_cut_short_is_noticed),
	    TEST(a_file_copied_over_another_one_is_noticed),
	    TEST(a_block_copied_over_another_one_is_noticed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
