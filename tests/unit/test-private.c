/* Replicas that are to be gone with their mount, also where that was killed. */
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "remove-tree.h"
#include "replica/replica.h"

#define PROJECT "https://api.test\nkey"

static char root[64];

static int setup(void **state)
{
	(void)state;
	strcpy(root, "/tmp/test-private-XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	return remove_tree(root);
}

/* How many private directories there are; the last one's path. */
static int count(char last[512])
{
	struct dirent *entry;
	int found = 0;
	DIR *dir = opendir(root);
	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		if (strncmp(entry->d_name, "private-", 8) != 0)
			continue;
		found++;
		if (last)
			snprintf(last, 512, "%s/%s", root, entry->d_name);
	}
	closedir(dir);
	return found;
}

static struct replica *opened(bool private)
{
	struct replica *replica = NULL;
	assert_int_equal(replica_open(root, PROJECT, private, &replica), 0);
	return replica;
}

static void put_table(struct replica *replica)
{
	int64_t id;
	assert_int_equal(replica_begin(replica), 0);
	assert_int_equal(
	    replica_put_table(replica, "posts", "posts", true, &id), 0);
	assert_int_equal(replica_commit(replica), 0);
}

/* ---- other processes ---- */

/* This program anew, in one of the parts below: what is forked off where there
 * are threads may wait for ever for a lock that one of them held. It reads from
 * `in` and writes to `out`; -1: as we do. */
static pid_t play(const char *part, int in, int out)
{
	char program[512], word[8];
	char *argv[] = {program, word, root, NULL};
	snprintf(word, sizeof(word), "%s", part);
	/* Not the link itself, which is valgrind's own program under it. */
	ssize_t len = readlink("/proc/self/exe", program, sizeof(program) - 1);
	assert_true(len > 0);
	program[len] = '\0';
	posix_spawn_file_actions_t files;
	pid_t child;
	posix_spawn_file_actions_init(&files);
	if (in >= 0)
		posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
	if (out >= 0)
		posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
	assert_int_equal(
	    posix_spawn(&child, program, &files, NULL, argv, environ), 0);
	posix_spawn_file_actions_destroy(&files);
	return child;
}

static void wait_for(pid_t child)
{
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* A mount that ends without a chance to clean up. */
static int die_at_once(void)
{
	struct replica *replica;
	return replica_open(root, PROJECT, true, &replica) != 0;
}

/* One that goes on until there is nothing more to read. */
static int hold_open(void)
{
	struct replica *replica;
	struct node node;
	char byte = 0;
	if (replica_open(root, PROJECT, true, &replica) == 0)
		replica_lookup(replica, NODE_ROOT, "posts", &node);
	return write(STDOUT_FILENO, &byte, 1) != 1 ||
	       read(STDIN_FILENO, &byte, 1) != 0;
}

/* One that leaves a place for a copy, and a link to it. */
static int leave_place(void)
{
	char link[80];
	const char *place;
	snprintf(link, sizeof(link), "%s/path", root);
	return replica_copy_prepare(&place) < 0 || symlink(place, link) < 0;
}

static int part_of_another(const char *part, const char *dir)
{
	snprintf(root, sizeof(root), "%s", dir);
	if (strcmp(part, "die") == 0)
		return die_at_once();
	if (strcmp(part, "hold") == 0)
		return hold_open();
	return leave_place();
}

static void die_with_one_open(void)
{
	wait_for(play("die", -1, -1));
}

static void the_next_start_removes_what_a_killed_one_left(void **state)
{
	(void)state;
	die_with_one_open();
	die_with_one_open(); /* which removed the first one's */
	assert_int_equal(count(NULL), 1);
	struct replica *replica = opened(false);
	assert_int_equal(count(NULL), 0);
	replica_close(replica);
	die_with_one_open();
	replica = opened(true);
	assert_int_equal(count(NULL), 1);
	replica_close(replica);
	assert_int_equal(count(NULL), 0);
}

static void one_that_is_in_use_stays(void **state)
{
	(void)state;
	struct replica *first = opened(true);
	struct replica *second = opened(true);
	die_with_one_open();
	assert_int_equal(count(NULL), 3);
	struct replica *third = opened(false);
	assert_int_equal(count(NULL), 2);
	/* With new connections too. */
	struct node node;
	put_table(first);
	assert_int_equal(replica_lookup(first, NODE_ROOT, "posts", &node), 0);
	assert_int_equal(
	    replica_lookup(second, NODE_ROOT, "posts", &node), -ENOENT);
	replica_close(first);
	replica_close(second);
	replica_close(third);
	assert_int_equal(count(NULL), 0);
}

/* As 0.1.0 made them: without a lock of their own. */
static void drop_lock(void)
{
	char path[520];
	assert_int_equal(count(path), 1);
	strcat(path, "/lock");
	assert_int_equal(unlink(path), 0);
}

static void one_of_an_older_version_goes_when_its_database_is_free(void **state)
{
	(void)state;
	int ready[2], over[2];
	char byte = 0;
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	assert_int_equal(pipe2(over, O_CLOEXEC), 0);
	pid_t child = play("hold", over[0], ready[1]);
	/* So that a child that fails is noticed, not waited for. */
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	drop_lock();
	replica_close(opened(false));
	assert_int_equal(count(NULL), 1);
	close(over[1]);
	wait_for(child);
	replica_close(opened(false));
	assert_int_equal(count(NULL), 0);
	close(ready[0]);
	close(over[0]);
}

static void what_others_have_put_there_is_left_alone(void **state)
{
	(void)state;
	char path[512];
	snprintf(path, sizeof(path), "%s/private-notes", root);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	snprintf(path, sizeof(path), "%s/private-link", root);
	assert_int_equal(symlink("/", path), 0);
	replica_close(opened(true));
	assert_int_equal(count(NULL), 2);
}

/* ---- not ours alone ---- */

static void assert_refused(int err)
{
	struct replica *replica = NULL;
	assert_int_equal(replica_open(root, PROJECT, false, &replica), err);
	assert_null(replica);
}

static void a_directory_that_others_may_write_is_refused(void **state)
{
	(void)state;
	assert_int_equal(chmod(root, 0777), 0);
	assert_refused(-ENOTUNIQ);
	struct replica *replica = NULL;
	assert_int_equal(
	    replica_open(root, PROJECT, true, &replica), -ENOTUNIQ);
	assert_int_equal(chmod(root, 0700), 0);
	replica_close(opened(false));
}

/* Move one of the replica's files away and leave a link to it. */
static void link_in_place_of(const char *tail)
{
	struct dirent *entry;
	char from[512] = "", to[600];
	DIR *dir = opendir(root);
	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		size_t len = strlen(entry->d_name);
		if (len > strlen(tail) &&
		    strcmp(entry->d_name + len - strlen(tail), tail) == 0)
			snprintf(
			    from, sizeof(from), "%s/%s", root, entry->d_name);
	}
	closedir(dir);
	assert_true(from[0]);
	snprintf(to, sizeof(to), "%s.moved", from);
	assert_int_equal(rename(from, to), 0);
	assert_int_equal(symlink(to, from), 0);
}

static void links_in_it_are_not_followed(void **state)
{
	(void)state;
	struct replica *replica = opened(false);
	put_table(replica);
	replica_close(replica);
	link_in_place_of(".db");
	assert_refused(-ELOOP);
	link_in_place_of(".lock");
	assert_refused(-ELOOP);
}

#define IN_ROOT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* ---- where others have theirs, too ---- */

static bool exists(const char *path)
{
	return access(path, F_OK) == 0;
}

static char *made(void)
{
	const char *path;
	assert_int_equal(replica_copy_prepare(&path), 0);
	return strdup(path);
}

static void a_copys_place_has_a_name_that_nobody_can_guess(void **state)
{
	(void)state;
	struct stat st;
	assert_int_equal(setenv("TMPDIR", root, 1), 0);
	char *first = made(), *same = made();
	assert_string_equal(first, same);
	assert_int_equal(stat(first, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(
	    strncmp(first, replica_copy_parent(), strlen(root)), 0);
	replica_copy_forget();
	assert_false(exists(first));
	replica_copy_forget();
	char *other = made();
	assert_string_not_equal(first, other);
	replica_copy_forget();
	free(first);
	free(same);
	free(other);
}

static void what_one_that_was_killed_leaves_of_it_goes(void **state)
{
	(void)state;
	char path[600], left[600], own[600];
	assert_int_equal(setenv("TMPDIR", root, 1), 0);
	snprintf(path, sizeof(path), "%s/path", root);
	wait_for(play("leave", -1, -1));
	ssize_t len = readlink(path, left, sizeof(left) - 1);
	assert_true(len > 0);
	left[len] = '\0';
	assert_true(exists(left));
	/* Nor does anything else that is called so. */
	snprintf(own, sizeof(own), "%s/bkendfs-copy-of-mine", root);
	assert_int_equal(mkdir(own, 0700), 0);
	char *place = made();
	assert_false(exists(left));
	assert_true(exists(own));
	assert_true(exists(place));
	replica_copy_forget();
	free(place);
}

int main(int argc, char **argv)
{
	if (argc == 3)
		_exit(part_of_another(argv[1], argv[2]));
	const struct CMUnitTest tests[] = {
	    IN_ROOT(the_next_start_removes_what_a_killed_one_left),
	    IN_ROOT(one_that_is_in_use_stays),
	    IN_ROOT(one_of_an_older_version_goes_when_its_database_is_free),
	    IN_ROOT(what_others_have_put_there_is_left_alone),
	    IN_ROOT(a_directory_that_others_may_write_is_refused),
	    IN_ROOT(links_in_it_are_not_followed),
	    IN_ROOT(a_copys_place_has_a_name_that_nobody_can_guess),
	    IN_ROOT(what_one_that_was_killed_leaves_of_it_goes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
