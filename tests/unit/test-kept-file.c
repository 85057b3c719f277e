#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/kept_file.h"
#include "remove-tree.h"

static char dir[64];
static struct kept_file *file, *other;

static int setup(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/test-kept-file-XXXXXX");
	return mkdtemp(dir) && kept_file_new(dir, "it", &file) == 0 &&
		       kept_file_new(dir, "it", &other) == 0
		   ? 0
		   : -1;
}

static int teardown(void **state)
{
	(void)state;
	kept_file_free(file);
	kept_file_free(other);
	remove_tree(dir);
	return 0;
}

static void assert_holds(const char *expected)
{
	CLEANUP_BUF struct buf text;
	buf_init_secret(&text, KEPT_FILE_MAX);
	assert_int_equal(kept_file_read(other, &text), 0);
	assert_string_equal(buf_str(&text), expected);
}

static int put(const char *content)
{
	CLEANUP_BUF struct buf text;
	buf_init_secret(&text, KEPT_FILE_MAX);
	buf_adds(&text, content);
	return kept_file_write(file, &text);
}

static void what_is_written_is_read_and_ours_alone(void **state)
{
	(void)state;
	struct stat st;
	assert_holds("");
	assert_int_equal(put("one\n"), 0);
	assert_holds("one\n");
	assert_int_equal(put("two\n"), 0);
	assert_holds("two\n");
	assert_int_equal(stat(kept_file_path(file), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(kept_file_remove(file), 0);
	assert_int_equal(kept_file_remove(file), 0);
	assert_holds("");
}

static void one_at_a_time_has_the_lock(void **state)
{
	(void)state;
	assert_int_equal(kept_file_lock(file, true), 0);
	assert_int_equal(kept_file_lock(other, false), -EAGAIN);
	kept_file_unlock(file);
	assert_int_equal(kept_file_lock(other, false), 0);
	assert_int_equal(kept_file_lock(file, false), -EAGAIN);
	kept_file_unlock(other);
}

/* ---- power cuts ---- */

static unsigned synced_dirs;

int __real_fsync(int fd);
int __wrap_fsync(int fd);

int __wrap_fsync(int fd)
{
	struct stat st;
	synced_dirs += fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
	return __real_fsync(fd);
}

/* A secret that was removed does not come back with the power. */
static void what_was_removed_stays_so(void **state)
{
	(void)state;
	assert_int_equal(put("one\n"), 0);
	synced_dirs = 0;
	assert_int_equal(kept_file_remove(file), 0);
	assert_int_equal(synced_dirs, 1);
	assert_holds("");
	assert_int_equal(kept_file_remove(file), 0);
	assert_int_equal(put("two\n"), 0);
	assert_int_equal(synced_dirs, 2);
}

static void a_link_in_its_place_is_refused(void **state)
{
	(void)state;
	CLEANUP_BUF struct buf text;
	char lock_path[128];
	buf_init_secret(&text, KEPT_FILE_MAX);
	snprintf(lock_path, sizeof(lock_path), "%s/it.lock", dir);
	assert_int_equal(symlink("/etc/passwd", kept_file_path(file)), 0);
	assert_int_equal(symlink("/etc/passwd", lock_path), 0);
	assert_int_equal(kept_file_read(file, &text), -ELOOP);
	assert_int_equal(kept_file_lock(file, false), -ELOOP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		what_is_written_is_read_and_ours_alone, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		one_at_a_time_has_the_lock, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		what_was_removed_stays_so, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		a_link_in_its_place_is_refused, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
