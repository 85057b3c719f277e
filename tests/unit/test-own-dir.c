#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/home.h"
#include "base/own_dir.h"
#include "remove-tree.h"

/* Somebody else, where the test may give files away. */
#define ANOTHER 65534

/* Somebody of whom no database knows. */
#define NOBODY_KNOWN 4242424

static char root[64];

static int setup(void **state)
{
	(void)state;
	strcpy(root, "/tmp/test-own-dir-XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	return remove_tree(root);
}

/* A name below the root, good until the next but three. */
static const char *at(const char *name)
{
	static char paths[4][256];
	static unsigned next;
	char *path = paths[next++ % 4];
	snprintf(path, sizeof(paths[0]), "%s/%s", root, name);
	return path;
}

static void assert_made(const char *path, const char *name)
{
	struct stat st;
	char *made = NULL;
	assert_int_equal(own_dir_make(path, &made), 0);
	assert_string_equal(made, name);
	assert_int_equal(lstat(made, &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0700);
	free(made);
}

static void assert_refused(const char *path, int err)
{
	char *made = NULL;
	assert_int_equal(own_dir_make(path, &made), err);
	assert_null(made);
}

static void it_is_made_with_all_above_it(void **state)
{
	(void)state;
	struct stat st;
	umask(0);
	assert_made(at("a/b/c"), at("a/b/c"));
	assert_int_equal(stat(at("a"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_made(at("a/b/c"), at("a/b/c"));
	assert_made(at("a//b/./d///"), at("a/b/d"));
}

static void links_above_it_are_followed_and_resolved(void **state)
{
	(void)state;
	assert_int_equal(mkdir(at("real"), 0755), 0);
	assert_int_equal(symlink("real", at("link")), 0);
	assert_made(at("link/own"), at("real/own"));
}

static void a_link_in_its_place_is_refused(void **state)
{
	(void)state;
	assert_int_equal(mkdir(at("real"), 0700), 0);
	assert_int_equal(symlink("real", at("link")), 0);
	assert_int_equal(symlink("nowhere", at("dangling")), 0);
	assert_refused(at("link"), -ELOOP);
	assert_refused(at("link/"), -ELOOP);
	assert_refused(at("dangling"), -ELOOP);
	assert_non_null(strstr(own_dir_problem(-ELOOP), "link"));
}

static void one_that_others_may_enter_is_refused(void **state)
{
	(void)state;
	static const mode_t modes[] = {
	    0701, 0710, 0704, 0740, 0770, 0777, 0755};
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		assert_int_equal(mkdir(at("open"), 0700), 0);
		assert_int_equal(chmod(at("open"), modes[i]), 0);
		assert_refused(at("open"), -ENOTUNIQ);
		assert_int_equal(rmdir(at("open")), 0);
	}
	assert_non_null(strstr(own_dir_problem(-ENOTUNIQ), "0700"));
}

static void one_of_somebody_else_is_refused(void **state)
{
	(void)state;
	assert_int_equal(mkdir(at("theirs"), 0700), 0);
	if (chown(at("theirs"), ANOTHER, ANOTHER) < 0) {
		/* Then the root's own directory is somebody else's. */
		assert_int_equal(errno, EPERM);
		assert_refused("/", -ENOTUNIQ);
		return;
	}
	assert_refused(at("theirs"), -ENOTUNIQ);
}

static void what_is_no_directory_is_refused(void **state)
{
	(void)state;
	close(open(at("file"), O_CREAT | O_WRONLY, 0600));
	assert_refused(at("file"), -ENOTDIR);
	assert_refused(at("file/below"), -ENOTDIR);
	assert_refused("", -ENOENT);
}

static void a_file_is_ours_or_not_there(void **state)
{
	(void)state;
	assert_int_equal(own_file_check(at("none")), 0);
	close(open(at("file"), O_CREAT | O_WRONLY, 0600));
	assert_int_equal(own_file_check(at("file")), 0);
	assert_int_equal(symlink("file", at("link")), 0);
	assert_int_equal(own_file_check(at("link")), -ELOOP);
	assert_int_equal(mkdir(at("dir"), 0700), 0);
	assert_int_equal(own_file_check(at("dir")), -ENOTUNIQ);
	assert_int_equal(own_file_check(at("file/x")), -ENOTDIR);
	if (chown(at("file"), ANOTHER, ANOTHER) == 0)
		assert_int_equal(own_file_check(at("file")), -ENOTUNIQ);
}

#define IN_ROOT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static void assert_default(enum own_dir_kind kind, const char *expected)
{
	CLEANUP_FREE char *path = NULL;
	assert_int_equal(own_dir_default(kind, &path), 0);
	assert_string_equal(path, expected);
}

static void the_environment_names_its_place(void **state)
{
	(void)state;
	setenv("HOME", "/home/me", 1);
	unsetenv("XDG_CACHE_HOME");
	setenv("XDG_STATE_HOME", "/states", 1);
	assert_default(OWN_DIR_CACHE, "/home/me/.cache/bkendfs");
	assert_default(OWN_DIR_STATE, "/states/bkendfs");
	setenv("XDG_CACHE_HOME", "/caches", 1);
	/* A name that is relative is to be passed over, and so is none. */
	setenv("XDG_STATE_HOME", "states", 1);
	assert_default(OWN_DIR_CACHE, "/caches/bkendfs");
	assert_default(OWN_DIR_STATE, "/home/me/.local/state/bkendfs");
	setenv("XDG_CACHE_HOME", "", 1);
	assert_default(OWN_DIR_CACHE, "/home/me/.cache/bkendfs");
}

static void without_a_home_it_has_a_place_of_the_system(void **state)
{
	(void)state;
	char place[300], *none = NULL;
	unsetenv("HOME");
	unsetenv("XDG_CACHE_HOME");
	unsetenv("XDG_STATE_HOME");
	bool is_root = geteuid() == 0;
	if (is_root) {
		assert_default(OWN_DIR_CACHE, "/var/cache/bkendfs");
		assert_default(OWN_DIR_STATE, "/var/lib/bkendfs");
		/* Whom no database knows has no home either. */
		assert_int_equal(seteuid(NOBODY_KNOWN), 0);
	}
	/* Others may have one, of which the environment does not tell. */
	const char *home = home_dir();
	assert_true(!is_root || !home);
	if (home) {
		snprintf(place, sizeof(place), "%s/.cache/bkendfs", home);
		assert_default(OWN_DIR_CACHE, place);
	} else {
		/* Nothing where others can make it before: what to set. */
		assert_int_equal(
		    own_dir_default(OWN_DIR_CACHE, &none), -ENOENT);
		assert_int_equal(
		    own_dir_default(OWN_DIR_STATE, &none), -ENOENT);
		assert_null(none);
	}
	assert_non_null(
	    strstr(own_dir_nowhere(OWN_DIR_CACHE), "XDG_CACHE_HOME"));
	assert_non_null(
	    strstr(own_dir_nowhere(OWN_DIR_STATE), "XDG_STATE_HOME"));
	if (is_root)
		assert_int_equal(seteuid(0), 0);
}

static void without_a_home_a_service_has_what_was_made_for_it(void **state)
{
	(void)state;
	setenv("CACHE_DIRECTORY", "/var/cache/private/blog", 1);
	setenv("STATE_DIRECTORY", "/var/lib/a:/var/lib/b", 1);
	setenv("HOME", "/home/me", 1);
	assert_default(OWN_DIR_CACHE, "/home/me/.cache/bkendfs");
	unsetenv("HOME");
	if (geteuid() == 0) {
		assert_default(OWN_DIR_CACHE, "/var/cache/private/blog");
		/* Of two it is not told which. */
		assert_default(OWN_DIR_STATE, "/var/lib/bkendfs");
		assert_int_equal(seteuid(NOBODY_KNOWN), 0);
		assert_default(OWN_DIR_CACHE, "/var/cache/private/blog");
		assert_int_equal(seteuid(0), 0);
	}
	unsetenv("CACHE_DIRECTORY");
	unsetenv("STATE_DIRECTORY");
}

/* mount(8)'s helper calls that the home where nobody has named one. */
static void roots_own_home_has_only_what_is_there_already(void **state)
{
	(void)state;
	char *path = NULL;
	setenv("HOME", "/root", 1);
	if (geteuid() != 0) {
		assert_true(!home_dir() || strcmp(home_dir(), "/root") != 0);
		return;
	}
	assert_int_equal(home_find("none of these", &path), -ENOENT);
	assert_null(path);
	assert_int_equal(home_find(".", &path), 0);
	assert_string_equal(path, "/root/.");
	free(path);
	if (access("/root/.cache/bkendfs", F_OK) < 0)
		assert_default(OWN_DIR_CACHE, "/var/cache/bkendfs");
	if (access("/root/.local/state/bkendfs", F_OK) < 0)
		assert_default(OWN_DIR_STATE, "/var/lib/bkendfs");
	setenv("HOME", "/home/me", 1);
	assert_int_equal(home_find("none of these", &path), 0);
	assert_string_equal(path, "/home/me/none of these");
	free(path);
	/* To others it is no home at all. */
	setenv("HOME", "/root", 1);
	assert_int_equal(seteuid(NOBODY_KNOWN), 0);
	assert_null(home_dir());
	assert_int_equal(seteuid(0), 0);
	setenv("HOME", "/home/me", 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    IN_ROOT(it_is_made_with_all_above_it),
	    IN_ROOT(links_above_it_are_followed_and_resolved),
	    IN_ROOT(a_link_in_its_place_is_refused),
	    IN_ROOT(one_that_others_may_enter_is_refused),
	    IN_ROOT(one_of_somebody_else_is_refused),
	    IN_ROOT(what_is_no_directory_is_refused),
	    IN_ROOT(a_file_is_ours_or_not_there),
	    cmocka_unit_test(the_environment_names_its_place),
	    cmocka_unit_test(without_a_home_it_has_a_place_of_the_system),
	    cmocka_unit_test(without_a_home_a_service_has_what_was_made_for_it),
	    cmocka_unit_test(roots_own_home_has_only_what_is_there_already),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
