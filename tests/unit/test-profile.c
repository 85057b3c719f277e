/* Profiles: what a config file says, and what is wrong with one. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "config/complain.h"
#include "config/profile.h"
#include "remove-tree.h"

static char home[] = "/tmp/test-profile-XXXXXX";
static char path[64];
static struct options options;
static char said[4096];

static int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(home))
		return -1;
	setenv("XDG_CONFIG_HOME", home, 1);
	snprintf(path, sizeof(path), "%s/bkendfs", home);
	mkdir(path, 0700);
	strcat(path, "/config");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	return remove_tree(home);
}

static int forget(void **state)
{
	(void)state;
	options_done(&options);
	unlink(path);
	return 0;
}

static void write_bytes(const char *text, size_t len, mode_t mode)
{
	FILE *file = fopen(path, "we");
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, len, file), len);
	assert_int_equal(fchmod(fileno(file), mode), 0);
	fclose(file);
}

/* The status; what was said on stderr is in said. */
static int apply(const char *name)
{
	int file = memfd_create("said", MFD_CLOEXEC);
	int old = dup(STDERR_FILENO);
	assert_true(file >= 0 && old >= 0);
	dup2(file, STDERR_FILENO);
	options_done(&options);
	int status = profile_apply(name, &options);
	dup2(old, STDERR_FILENO);
	close(old);
	ssize_t got = pread(file, said, sizeof(said) - 1, 0);
	assert_true(got >= 0);
	said[got] = '\0';
	close(file);
	return status;
}

static void reads(const char *text, const char *name)
{
	write_bytes(text, strlen(text), 0600);
	assert_int_equal(apply(name), 0);
	assert_string_equal(said, "");
}

/* It is refused in one line with these words, and its number where there is
 * one. */
static void refused(
    const char *text, const char *name, int line, const char *words)
{
	char place[100];
	write_bytes(text, strlen(text), 0600);
	assert_int_equal(apply(name), EXIT_USAGE);
	snprintf(place, sizeof(place), line ? "%s:%d: " : "%s", path, line);
	assert_non_null(strstr(said, place));
	assert_non_null(strstr(said, words));
	assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
}

static void a_profile_is_a_section(void **state)
{
	(void)state;
	const char *text = "# comment\n; another\n\n[prod]\n"
			   "url = https://prod.example\nttl=5\n"
			   "[default]\nurl = https://default.example\n"
			   "[ odd name ]\nurl = https://odd.example\n";
	reads(text, "prod");
	assert_string_equal(options.url, "https://prod.example");
	assert_int_equal(options.ttl_ms, 5000);
	reads(text, NULL);
	assert_string_equal(options.url, "https://default.example");
	assert_int_equal(options.ttl_ms, 0);
	reads(text, " odd name ");
	assert_string_equal(options.url, "https://odd.example");
}

static void lines_end_and_begin_in_all_ways(void **state)
{
	(void)state;
	reads("\xef\xbb\xbf[prod] ; mine\r\n  email\t= a@b.example \r\n"
	      "\turl=https://a.example\r\n\r\n  # c\r\n\tttl = 7",
	    "prod");
	assert_string_equal(options.email, "a@b.example");
	assert_string_equal(options.url, "https://a.example");
	assert_int_equal(options.ttl_ms, 7000);
}

static void no_profile_need_be_there_but_one_that_is_named(void **state)
{
	(void)state;
	assert_int_equal(apply(NULL), 0);
	assert_int_equal(apply("prod"), EXIT_USAGE);
	assert_non_null(strstr(said, "no profile 'prod': there is no "));
	reads("", NULL);
	reads("[prod]\n", NULL);
	reads("[prod]\n", "prod");
	refused("[prod]\n[staging]\n", "stagin", 0, "did you mean staging?");
	refused("[prod]\n[staging]\n", "other", 0, "no profile 'other'");
	refused("", "prod", 0, "no profile 'prod'");
}

static void a_password_may_hold_everything_printable(void **state)
{
	(void)state;
	char text[400], all[200];
	size_t len = 0;
	for (char c = ' '; c <= '~'; c++)
		all[len++] = c;
	strcpy(all + len, " ; # = : [x] \\ \" \xc3\xa9 ");
	snprintf(text, sizeof(text), "[p]\npassword = \"%s\"\n", all);
	reads(text, "p");
	assert_string_equal(options.password, all);
	/* Without quotes, all but the blanks at its ends. */
	snprintf(text, sizeof(text), "[p]\npassword = %s\n", all);
	reads(text, "p");
	assert_memory_equal(options.password, all + 1, strlen(all) - 2);
	reads("[p]\npassword=\"\n", "p");
	assert_string_equal(options.password, "\"");
	reads("[p]\npassword=\"\"a\"\"\n", "p");
	assert_string_equal(options.password, "\"a\"");
}

static void a_long_value_is_whole(void **state)
{
	(void)state;
	char text[3000] = "[p]\ntables = t";
	for (size_t i = 0; i < 300; i++)
		strcat(text, ":t");
	strcat(text, ":last\n");
	reads(text, "p");
	size_t count = 0;
	while (options.tables[count])
		count++;
	assert_int_equal(count, 302);
	assert_string_equal(options.tables[301], "last");
}

static void flags_are_yes_or_no(void **state)
{
	(void)state;
	reads("[p]\nxattr = yes\nnocache = No\nverify_sizes = yes\n", "p");
	assert_true(options.xattr);
	assert_true(options.verify_sizes);
	assert_false(options.nocache);
	refused("[p]\nxattr = perhaps\n", "p", 2, "yes or no");
	refused("[p]\nxattr =\n", "p", 2, "yes or no");
}

static void paths_are_whole(void **state)
{
	(void)state;
	setenv("HOME", "/home/me", 1);
	reads("[p]\nlog = ~/a.log\ncache_dir=/b\n", "p");
	assert_string_equal(options.log_path, "/home/me/a.log");
	assert_string_equal(options.cache_dir, "/b");
	refused("[p]\ncache_dir = here\n", "p", 2, "begins with / or ~/");
}

static void wrong_lines_are_named(void **state)
{
	(void)state;
	refused("[p]\n\nttl = soon\n", "p", 3, "ttl=soon");
	refused("[p]\nttl =\n", "p", 2, "ttl needs a value");
	refused("[p]\npasword = x\n", "p", 2, "did you mean password?");
	refused("[p]\ntabels = x\n", "p", 2, "did you mean tables?");
	refused("[p]\nsomething = x\n", "p", 2, "unknown key 'something'");
	refused("[p]\noffline = yes\n", "p", 2, "unknown key 'offline'");
	refused("[p]\nttl = 1\nttl = 2\n", "p", 3, "above already");
	refused("url = x\n[p]\n", "p", 1, "[default]");
	refused("[p]\nurl: x\n", "p", 2, "KEY = VALUE");
	refused("[p]\nurl: x=y\n", "p", 2, "KEY = VALUE");
	refused("[p]\n= x\n", "p", 2, "KEY = VALUE");
	refused("[p\nurl = x\n", "p", 1, "]");
	refused("[p]\nurl = https://\xff.example\n", "p", 2, "UTF-8");
	refused("[p]\ntables = a:1b\n", "p", 2, "'1b' is no table name");
	refused(
	    "[p]\nxattr_that_is_longer_than_any_name_of_a_key_of_ours_is = x\n",
	    "p", 2, "no profile's and no key's name");
	static const char nul[] = "[p]\nurl=a\0b\n";
	write_bytes(nul, sizeof(nul), 0600);
	assert_int_equal(apply("p"), EXIT_USAGE);
	assert_non_null(strstr(said, "no text"));
}

/* Somebody's typo in another profile must not stop this mount. */
static void only_the_profile_that_is_used_is_judged(void **state)
{
	(void)state;
	reads("[other]\npasword = x\nttl = soon\n[p]\nttl = 3\n", "p");
	assert_int_equal(options.ttl_ms, 3000);
}

static void a_file_that_others_read_holds_no_secret(void **state)
{
	(void)state;
	static const char *const secrets[] = {"[p]\npassword = x\n",
	    "[p]\npublishable_key = pk_x\n",
	    "[p]\nttl = 3\n[other]\nsecret_key = sk_x\n"};
	for (size_t i = 0; i < ARRAY_SIZE(secrets); i++) {
		write_bytes(secrets[i], strlen(secrets[i]), 0640);
		assert_int_equal(apply("p"), EXIT_USAGE);
		assert_non_null(strstr(said, "chmod 600"));
		write_bytes(secrets[i], strlen(secrets[i]), 0604);
		assert_int_equal(apply("p"), EXIT_USAGE);
		reads(secrets[i], "p");
	}
	static const char open[] = "[p]\npassword_command = pass x\n";
	write_bytes(open, strlen(open), 0644);
	assert_int_equal(apply("p"), 0);
	write_bytes(open, strlen(open), 0664);
	assert_int_equal(apply("p"), EXIT_USAGE);
	assert_non_null(strstr(said, "others can write it"));
}

static void somebody_elses_file_is_not_read(void **state)
{
	(void)state;
	if (geteuid() != 0)
		return; /* nobody can give a file away */
	reads("[p]\nttl = 3\n", "p");
	assert_int_equal(chown(path, 65534, 65534), 0);
	assert_int_equal(apply("p"), EXIT_USAGE);
	assert_non_null(strstr(said, "belongs to somebody else"));
}

static void what_is_no_file_is_none(void **state)
{
	(void)state;
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(apply("p"), EXIT_USAGE);
	assert_non_null(strstr(said, "it is no file"));
	rmdir(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(apply(NULL), EXIT_USAGE);
	assert_non_null(strstr(said, "it is no file"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(a_profile_is_a_section, forget),
	    cmocka_unit_test_teardown(lines_end_and_begin_in_all_ways, forget),
	    cmocka_unit_test_teardown(
		no_profile_need_be_there_but_one_that_is_named, forget),
	    cmocka_unit_test_teardown(
		a_password_may_hold_everything_printable, forget),
	    cmocka_unit_test_teardown(a_long_value_is_whole, forget),
	    cmocka_unit_test_teardown(flags_are_yes_or_no, forget),
	    cmocka_unit_test_teardown(paths_are_whole, forget),
	    cmocka_unit_test_teardown(wrong_lines_are_named, forget),
	    cmocka_unit_test_teardown(
		only_the_profile_that_is_used_is_judged, forget),
	    cmocka_unit_test_teardown(
		a_file_that_others_read_holds_no_secret, forget),
	    cmocka_unit_test_teardown(somebody_elses_file_is_not_read, forget),
	    cmocka_unit_test_teardown(what_is_no_file_is_none, forget),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
