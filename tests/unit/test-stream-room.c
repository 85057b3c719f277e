/* Sizes that are none, and answers that would fill the disk. */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "api/record.h"
#include "base/cleanup.h"
#include "stream-fixture.h"
#include "unit.h"

/* Which of the two it is depends on the machine. */
int __real_fstatvfs(int fd, struct statvfs *ret);
int __wrap_fstatvfs(int fd, struct statvfs *ret);
int __wrap_fstatvfs64(int fd, struct statvfs *ret);

/* Bytes that are left on the disk; -1: as it is. */
static int64_t left;

int __wrap_fstatvfs(int fd, struct statvfs *ret)
{
	int r = __real_fstatvfs(fd, ret);
	if (left < 0)
		return r;
	ret->f_frsize = 4096;
	ret->f_blocks = (INT64_C(1) << 40) / 4096;
	ret->f_bavail = (fsblkcnt_t)(left / 4096);
	return r;
}

int __wrap_fstatvfs64(int fd, struct statvfs *ret)
{
	return __wrap_fstatvfs(fd, ret);
}

static int set_up(void **state)
{
	left = -1;
	return fixture_setup(state);
}

static struct ask *first_read(const char *claim)
{
	struct ask *read = ask_read(stored_file(claim), 0, 4096);
	give_url();
	return read;
}

/* A body without a length, piece by piece, until it is not wanted any more; how
 * many bytes that were. */
static int64_t serve_endless(struct http_call *call, int64_t most)
{
	const int64_t piece = 512 << 10;
	int64_t given = 0;
	CLEANUP_FREE char *data = bytes(0, piece);
	while (fake_is_open(call) && given < most) {
		fake_begin_answer(call, &(struct fake_answer){.status = 200,
					    .body = data,
					    .len = (size_t)piece,
					    .etag = ETAG});
		given += piece;
	}
	return given;
}

/* ---- sizes ---- */

static void a_claim_that_no_object_can_have_is_none(void **state)
{
	(void)state;
	struct ask *read = first_read("9223372036854775807");
	assert_int_equal(current().size, -1);
	assert_range(request(GET_LINE), 0, RANGE_FIRST - 1);
	serve_range(request(GET_LINE), 3 * MIB, ETAG);
	assert_bytes(read, 0, 4096);
	assert_int_equal(current().size, 3 * MIB);
}

static void the_largest_claim_is_one(void **state)
{
	(void)state;
	int64_t node = stored_file("9007199254740992");
	assert_int_equal(current().size, RECORD_SIZE_MAX);
	struct ask *read = ask_read(node, RECORD_SIZE_MAX - 100, 4096);
	give_url();
	serve_range(request(GET_LINE), RECORD_SIZE_MAX, ETAG);
	assert_bytes(read, RECORD_SIZE_MAX - 100, 100);
	assert_false(content_has(NULL, node, RECORD_SIZE_MAX));
}

static void no_object_is_larger_than_any(void **state)
{
	static const int64_t sizes[] = {RECORD_SIZE_MAX + 1, INT64_MAX};
	for (size_t i = 0; i < 2 * ARRAY_SIZE(sizes); i++) {
		struct ask *read = first_read("null");
		bool whole = i % 2;
		ANSWER(request(GET_LINE), .status = whole ? 200 : 206,
		    .body = "x", .length_told = true,
		    .length = whole ? sizes[i / 2] : 0, .range = !whole,
		    .range_total = sizes[i / 2], .etag = whole ? NULL : ETAG);
		assert_ended(read, -EFBIG);
		assert_false(current().proven);
		assert_non_null(strstr(errors_text(), "larger than"));
		assert_int_equal(fixture_teardown(state), 0);
		assert_int_equal(fixture_setup(state), 0);
	}
	fixture_start();
}

/* ---- room ---- */

static void an_answer_without_an_end_is_ended(void **state)
{
	(void)state;
	settings.untold_max = 2 * MIB;
	struct ask *read = first_read("null");
	assert_int_equal(
	    serve_endless(request(GET_LINE), 64 * MIB), 2 * MIB + MIB / 2);
	assert_ended(read, -EFBIG);
	assert_non_null(strstr(errors_text(), "larger than"));
	assert_int_equal(fake_open_count(fake), 0);
}

/* What was said to be longer may be. */
static void a_claim_lets_an_answer_be_longer(void **state)
{
	(void)state;
	settings.untold_max = 1000;
	struct ask *read = first_read("3145728");
	CLEANUP_FREE char *data = bytes(0, 3 * MIB);
	ANSWER(request(GET_LINE), .status = 200, .body = data,
	    .len = (size_t)(3 * MIB), .chunk = 100000, .etag = ETAG);
	assert_bytes(read, 0, 4096);
}

static void others_keep_some_of_the_disk(void **state)
{
	(void)state;
	left = 100 * MIB;
	struct ask *read = first_read("null");
	assert_true(serve_endless(request(GET_LINE), 64 * MIB) <= 8 * MIB);
	assert_ended(read, -ENOSPC);
	assert_non_null(strstr(errors_text(), "TMPDIR"));
}

/* What is known not to fit is not begun with for long. */
static void what_does_not_fit_is_refused_early(void **state)
{
	(void)state;
	left = INT64_C(1) << 30;
	struct ask *read = first_read("null");
	CLEANUP_FREE char *data = bytes(0, 5 * MIB);
	struct http_call *call = request(GET_LINE);
	struct fake_answer answer = {.status = 200,
	    .body = data,
	    .len = (size_t)(5 * MIB),
	    .chunk = 100000,
	    .length_told = true,
	    .length = INT64_C(2) << 30,
	    .etag = ETAG};
	fake_begin_answer(call, &answer);
	assert_false(fake_is_open(call));
	assert_ended(read, -ENOSPC);
	assert_non_null(strstr(errors_text(), "TMPDIR"));
}

static void what_is_small_is_read_from_a_full_disk(void **state)
{
	(void)state;
	left = 0;
	struct ask *read = first_read("null");
	CLEANUP_FREE char *data = bytes(0, 3 * MIB);
	ANSWER(request(GET_LINE), .status = 200, .body = data,
	    .len = (size_t)(3 * MIB), .chunk = 100000, .etag = ETAG);
	assert_bytes(read, 0, 4096);
}

/* The open file of that size that has no name. */
static int nameless_file(off_t size)
{
	struct stat st;
	for (int fd = 3; fd < 1024; fd++) {
		if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
		    st.st_nlink == 0 && st.st_size == size)
			return fd;
	}
	fail_msg("no such file");
	return -1;
}

/* A file for a while is not ours alone: somebody may cut it off. */
static void what_cannot_be_read_back_is_an_error(void **state)
{
	(void)state;
	struct ask *read = first_read("3145728");
	CLEANUP_FREE char *data = bytes(0, 3 * MIB);
	ANSWER(request(GET_LINE), .status = 200, .body = data,
	    .len = (size_t)(3 * MIB), .chunk = 100000, .etag = ETAG);
	assert_bytes(read, 0, 4096);
	assert_int_equal(ftruncate(nameless_file(3 * MIB), MIB + 1), 0);
	read = ask_read(current().id, MIB - 10, 11);
	assert_bytes(read, MIB - 10, 11);
	assert_ended(ask_read(current().id, MIB, 4096), -EIO);
	assert_non_null(strstr(errors_text(), "cannot be read"));
}

#undef TEST
#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, set_up, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_claim_that_no_object_can_have_is_none),
	    TEST(the_largest_claim_is_one),
	    TEST(no_object_is_larger_than_any),
	    TEST(an_answer_without_an_end_is_ended),
	    TEST(a_claim_lets_an_answer_be_longer),
	    TEST(others_keep_some_of_the_disk),
	    TEST(what_does_not_fit_is_refused_early),
	    TEST(what_is_small_is_read_from_a_full_disk),
	    TEST(what_cannot_be_read_back_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
