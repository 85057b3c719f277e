/* Replicas of a project that is replaced as a whole: one an edition, and none
 * of what is no more. */
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "content/content.h"
#include "remove-tree.h"
#include "replica/replica.h"

static char root[64];

/* Somebody sweeps while a lock is waited for: all of them are gone then. */
static bool swept;

static void remove_locks(void)
{
	struct dirent *entry;
	DIR *dir = opendir(root);
	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		const char *dot = strchr(entry->d_name + 1, '.');
		if (dot && strcmp(dot, ".lock") == 0)
			assert_int_equal(
			    unlinkat(dirfd(dir), entry->d_name, 0), 0);
	}
	closedir(dir);
}

/* In place of the library's. */
int flock(int fd, int operation)
{
	if (swept)
		remove_locks();
	return (int)syscall(SYS_flock, fd, operation);
}

static int setup(void **state)
{
	(void)state;
	strcpy(root, "/tmp/test-edition-XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	return remove_tree(root);
}

static struct replica *opened(const char *project, const char *edition)
{
	struct replica *replica = NULL;
	assert_int_equal(
	    replica_open_edition(root, project, edition, &replica), 0);
	return replica;
}

/* Files and directories that belong to replicas, by the end of their names. */
static int count(const char *end)
{
	struct dirent *entry;
	int found = 0;
	DIR *dir = opendir(root);
	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		const char *dot = strchr(entry->d_name + 1, '.');
		found += dot && strcmp(dot, end) == 0;
	}
	closedir(dir);
	return found;
}

static int64_t made_of(const char *project, const char *edition)
{
	struct replica *replica = opened(project, edition);
	int64_t run = replica_run(replica);
	replica_close(replica);
	return run;
}

static void one_edition_is_found_again(void **state)
{
	(void)state;
	assert_int_equal(made_of("a", "1"), 1);
	assert_int_equal(made_of("a", "1"), 2);
	assert_int_equal(count(".db"), 1);
}

static void another_one_begins_anew_and_the_old_one_goes(void **state)
{
	(void)state;
	struct content *content = NULL;
	struct replica *first = opened("a", "1");
	assert_int_equal(content_open(first, 1 << 20, &content), 0);
	content_close(content);
	replica_close(first);
	assert_int_equal(count(".content"), 1);
	assert_int_equal(made_of("a", "2"), 1);
	assert_int_equal(count(".db"), 1);
	assert_int_equal(count(".lock"), 1);
	assert_int_equal(count(".content"), 0);
	assert_int_equal(made_of("a", "1"), 1);
}

static void other_projects_are_left_alone(void **state)
{
	(void)state;
	struct replica *other = NULL;
	assert_int_equal(replica_open(root, "a", false, &other), 0);
	replica_close(other);
	made_of("b", "1");
	made_of("a", "1");
	made_of("a", "2");
	assert_int_equal(count(".db"), 3);
	assert_int_equal(made_of("b", "1"), 2);
	assert_int_equal(replica_open(root, "a", false, &other), 0);
	assert_int_equal(replica_run(other), 2);
	replica_close(other);
}

static void one_that_is_open_stays_until_it_is_not(void **state)
{
	(void)state;
	struct replica *first = opened("a", "1"), *again = NULL;
	assert_int_equal(
	    replica_open_edition(root, "a", "1", &again), -EWOULDBLOCK);
	replica_close(opened("a", "2"));
	assert_int_equal(count(".db"), 2);
	replica_close(first);
	replica_close(opened("a", "2"));
	assert_int_equal(count(".db"), 1);
}

/* Two would hold a lock each, and write one database. */
static void a_lock_that_is_no_file_any_more_is_none(void **state)
{
	(void)state;
	struct replica *replica = NULL;
	assert_int_equal(made_of("a", "1"), 1);
	swept = true;
	int r = replica_open_edition(root, "a", "1", &replica);
	swept = false;
	assert_int_equal(r, -EWOULDBLOCK);
	assert_null(replica);
	assert_int_equal(made_of("a", "1"), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		one_edition_is_found_again, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		another_one_begins_anew_and_the_old_one_goes, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		other_projects_are_left_alone, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		one_that_is_open_stays_until_it_is_not, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		a_lock_that_is_no_file_any_more_is_none, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
