/* Each allocation fails in turn while a config file is read: that is said, or
 * all of the profile is there. */
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "config/complain.h"
#include "config/profile.h"
#include "remove-tree.h"
#include "short-memory.h"

static char home[] = "/tmp/test-profile-memory-XXXXXX";

static const char text[] =
    "[other]\nttl = 5\n[p]\nurl = https://a.example\nemail = a@b.example\n"
    "password = \"x y\"\ntables = posts:comments\ncache_dir = ~/cache\n"
    "xattr = yes\nttl = 7\nconnections = 3\ncache_size = 1G\n";

static int set_up(void **state)
{
	char path[100];
	(void)state;
	if (!mkdtemp(home))
		return -1;
	setenv("XDG_CONFIG_HOME", home, 1);
	setenv("HOME", "/home/me", 1);
	snprintf(path, sizeof(path), "%s/bkendfs", home);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/bkendfs/config", home);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ssize_t len = write(fd, text, sizeof(text) - 1);
	close(fd);
	return len == sizeof(text) - 1 ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	return remove_tree(home);
}

static void assert_whole(const struct options *options)
{
	assert_string_equal(options->url, "https://a.example");
	assert_string_equal(options->email, "a@b.example");
	assert_string_equal(options->password, "x y");
	assert_string_equal(options->tables[0], "posts");
	assert_string_equal(options->tables[1], "comments");
	assert_null(options->tables[2]);
	assert_string_equal(options->cache_dir, "/home/me/cache");
	assert_true(options->xattr);
	assert_int_equal(options->ttl_ms, 7000);
	assert_int_equal(options->connections, 3);
}

static void a_profile_is_whole_or_refused(void **state)
{
	(void)state;
	bool failed = true;
	long count = 0;
	int quiet = open("/dev/null", O_WRONLY | O_CLOEXEC);
	int terminal = dup(STDERR_FILENO);
	for (; failed; count++) {
		struct options options = {0};
		dup2(quiet, STDERR_FILENO);
		memory_fail_after(count);
		int status = profile_apply("p", &options);
		failed = memory_is_whole_again();
		dup2(terminal, STDERR_FILENO);
		assert_true(status == 0 || failed);
		if (status == 0)
			assert_whole(&options);
		options_done(&options);
	}
	close(terminal);
	close(quiet);
	assert_true(count > 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_profile_is_whole_or_refused),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
