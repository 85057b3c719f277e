/* What a directory holds, told by names, sizes and times. The clock is this
 * test's: what was changed just now is old as soon as that is said. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "command/fingerprint.h"
#include "remove-tree.h"

static char root[64];
static time_t ahead; /* of the kernel's clock */

time_t __real_time(time_t *ret);
time_t __wrap_time(time_t *ret);
time_t __wrap_time(time_t *ret)
{
	time_t now = __real_time(NULL) + ahead;
	if (ret)
		*ret = now;
	return now;
}

static const char *at(const char *name)
{
	static char path[2][128];
	static int turn;
	turn = !turn;
	snprintf(path[turn], sizeof(path[turn]), "%s/%s", root, name);
	return path[turn];
}

static void put(const char *name, const char *text)
{
	FILE *file = fopen(at(name), "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

/* The same, once the kernel's clock shows another time than it did for st. */
static void put_later(const char *name, const char *text, const struct stat *st)
{
	struct stat now;
	do {
		put(name, text);
		assert_int_equal(stat(at(name), &now), 0);
	} while (now.st_ctim.tv_sec == st->st_ctim.tv_sec &&
		 now.st_ctim.tv_nsec == st->st_ctim.tv_nsec);
}

static int setup(void **state)
{
	(void)state;
	strcpy(root, "/tmp/test-fingerprint-XXXXXX");
	ahead = 10;
	if (!mkdtemp(root))
		return -1;
	mkdir(at("posts"), 0700);
	mkdir(at("files"), 0700);
	mkdir(at("files/c"), 0700);
	mkdir(at("files/c/d"), 0700);
	put("files/c/d/e.txt", "e");
	put("posts/a.json", "{\"id\":\"a\"}");
	put("posts/b.json", "{\"id\":\"b\"}");
	put("page1.json", "[]");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	return remove_tree(root);
}

static char *taken(void)
{
	char *text = NULL;
	assert_int_equal(fingerprint_of(root, &text), 0);
	return text;
}

static void assert_changed(char **before)
{
	char *now = taken();
	assert_non_null(now);
	assert_string_not_equal(now, *before);
	free(*before);
	*before = now;
}

static void it_stays_the_same(void **state)
{
	(void)state;
	char *first = taken(), *second = taken();
	assert_non_null(first);
	assert_string_equal(first, second);
	free(first);
	free(second);
}

static void every_change_shows(void **state)
{
	(void)state;
	struct stat st;
	char *print = taken();
	put("posts/c.json", "{\"id\":\"c\"}");
	assert_changed(&print);
	rename(at("posts/c.json"), at("posts/d.json"));
	assert_changed(&print);
	put("page1.json", "[ ]");
	assert_changed(&print);
	rename(at("posts/d.json"), at("d.json"));
	assert_changed(&print);
	unlink(at("d.json"));
	assert_changed(&print);
	/* As long as before, and with the time of before. */
	assert_int_equal(stat(at("posts/a.json"), &st), 0);
	put_later("posts/a.json", "{\"id\":\"A\"}", &st);
	const struct timespec times[] = {st.st_atim, st.st_mtim};
	assert_int_equal(utimensat(AT_FDCWD, at("posts/a.json"), times, 0), 0);
	assert_changed(&print);
	/* Exported files whose names have slashes lie deeper. */
	assert_int_equal(stat(at("files/c/d/e.txt"), &st), 0);
	put_later("files/c/d/e.txt", "E", &st);
	assert_changed(&print);
	rename(at("files/c/d/e.txt"), at("files/c/e.txt"));
	assert_changed(&print);
	free(print);
}

static void what_is_young_is_not_sure(void **state)
{
	(void)state;
	ahead = 0;
	put("posts/a.json", "{\"id\":\"x\"}");
	assert_null(taken());
}

static void what_bears_a_time_to_come_is(void **state)
{
	(void)state;
	ahead = -1000;
	char *print = taken();
	assert_non_null(print);
	free(print);
}

static void one_that_is_not_there(void **state)
{
	(void)state;
	char *text = NULL;
	assert_int_equal(fingerprint_of(at("none"), &text), -ENOENT);
	assert_null(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(it_stays_the_same, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		every_change_shows, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		what_is_young_is_not_sure, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		what_bears_a_time_to_come_is, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		one_that_is_not_there, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
