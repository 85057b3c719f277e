/* Each write of the database fails in turn: what was not committed is not
 * believed, in memory either, and the next write is none the worse. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sqlite3.h>
#include <time.h>
#include <unistd.h>

#include "unit.h"

#include "base/log.h"
#include "replica-fixture.h"

/* ---- a disk that fails ---- */

/* The write with number fails_at, and the ones after it up to fails_until. */
static int writes, fails_at, fails_until, fails_with;

/* What each write takes, in milliseconds. */
static int slow_ms;

static bool fails(void)
{
	const struct timespec pause = {0, slow_ms * 1000000L};
	if (slow_ms)
		nanosleep(&pause, NULL);
	writes++;
	if (writes < fails_at || writes > fails_until)
		return false;
	errno = fails_with;
	return true;
}

static ssize_t pwrite_or_fail(int fd, const void *data, size_t len, off_t at)
{
	return fails() ? -1 : pwrite(fd, data, len, at);
}

static ssize_t write_or_fail(int fd, const void *data, size_t len)
{
	return fails() ? -1 : write(fd, data, len);
}

static int truncate_or_fail(int fd, off_t size)
{
	return fails() ? -1 : ftruncate(fd, size);
}

static int open_or_fail(const char *path, int flags, int mode)
{
	if ((flags & O_CREAT) && access(path, F_OK) < 0 && fails())
		return -1;
	return open(path, flags, mode);
}

static void set_call(const char *name, void (*call)(void))
{
	sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
	assert_int_equal(
	    vfs->xSetSystemCall(vfs, name, (sqlite3_syscall_ptr)call),
	    SQLITE_OK);
}

static int set_up(void **state)
{
	fails_at = fails_until = 0;
	set_call("pwrite64", (void (*)(void))pwrite_or_fail);
	set_call("write", (void (*)(void))write_or_fail);
	set_call("ftruncate", (void (*)(void))truncate_or_fail);
	set_call("open", (void (*)(void))open_or_fail);
	return fixture_setup(state);
}

static int tear_down(void **state)
{
	fails_at = fails_until = 0;
	return fixture_teardown(state);
}

/* From the n-th write on, so many. */
static void fail_from(int n, int count, int error)
{
	writes = 0;
	fails_at = n;
	fails_until = n + count - 1;
	fails_with = error;
}

static void fail_no_more(void)
{
	fails_at = fails_until = 0;
}

/* ---- what is written ---- */

/* More of it than the connection's cache holds, so that some goes to the log
 * before the commit. */
#define ROWS 80
#define ROW_BYTES (64 << 10)

static char *text_of(char letter)
{
	char *text = malloc(ROW_BYTES + 1);
	assert_non_null(text);
	memset(text, letter, ROW_BYTES);
	text[ROW_BYTES] = '\0';
	return text;
}

static const struct replica_listing first_listing = {
    .base = 0, .end = 2, .count = 1, .listed_ms = 1};
static const struct replica_listing second_listing = {
    .base = 0, .end = ROWS + 1, .count = ROWS, .listed_ms = 2};

/* As far as it gets. */
static int write_version(
    const char *text, int64_t rows, const struct replica_listing *listing)
{
	int r = replica_begin(replica);
	if (r < 0)
		return r;
	for (int64_t i = 0; r == 0 && i < rows; i++) {
		char id[16];
		struct node node;
		bool again;
		snprintf(id, sizeof(id), "r%d", (int)i);
		struct replica_row what = row(id, text);
		const struct replica_place place = {0, 0, i + 1};
		r = replica_put(replica, &what, &place, &node, &again);
	}
	if (r == 0)
		r = replica_set_listing(replica, table, listing);
	/* Whatever failed, this is what is always called. */
	int err = replica_commit(replica);
	assert_true(r == 0 || err < 0);
	return err;
}

static void assert_version(char letter, const struct replica_listing *wanted)
{
	CLEANUP_BUF struct buf text;
	struct replica_listing listing;
	struct node node;
	assert_int_equal(replica_listing(replica, table, &listing), 0);
	assert_int_equal(listing.end, wanted->end);
	assert_int_equal(listing.listed_ms, wanted->listed_ms);
	assert_int_equal(listing.ceiling, wanted->end - 1);
	buf_init(&text, BUF_MAX_DEFAULT);
	for (int64_t i = 0; i < ROWS; i++) {
		char name[32];
		snprintf(name, sizeof(name), "r%d.json", (int)i);
		int r = replica_lookup(replica, table, name, &node);
		if (i >= wanted->end - 1) {
			assert_int_equal(r, -ENOENT);
			continue;
		}
		assert_int_equal(r, 0);
		buf_clear(&text);
		assert_int_equal(replica_text(replica, node.id, &text), 0);
		assert_int_equal(text.len, ROW_BYTES);
		assert_int_equal(text.data[0], letter);
	}
}

/* Memory says what the database does. */
static void assert_totals_are_true(void)
{
	struct replica_totals before, after;
	replica_totals(replica, &before);
	reopen();
	replica_totals(replica, &after);
	/* Versions that were replaced are thrown away by opening it. */
	assert_true(after.nodes <= before.nodes);
	reopen();
	replica_totals(replica, &before);
	assert_int_equal(before.nodes, after.nodes);
	assert_int_equal(before.bytes, after.bytes);
}

/* Fail so many writes from the n-th on, then none. False: there was no such
 * write. */
static bool try_at(int n, int count, int error)
{
	char *old = text_of('a'), *new = text_of('b');
	struct replica_totals before, after;
	assert_int_equal(write_version(old, 1, &first_listing), 0);
	replica_totals(replica, &before);
	fail_from(n, count, error);
	int r = write_version(new, ROWS, &second_listing);
	bool reached = writes >= n;
	replica_totals(replica, &after);
	if (r < 0) {
		assert_true(r == -error || r == -EIO);
		assert_version('a', &first_listing);
		assert_int_equal(after.nodes, before.nodes);
		assert_int_equal(after.bytes, before.bytes);
	} else {
		assert_version('b', &second_listing);
		assert_int_equal(after.nodes, before.nodes + ROWS);
	}
	fail_no_more();
	if (r < 0)
		assert_int_equal(write_version(new, ROWS, &second_listing), 0);
	assert_totals_are_true();
	assert_version('b', &second_listing);
	free(old);
	free(new);
	return reached;
}

static void start_anew(void **state)
{
	assert_int_equal(fixture_teardown(state), 0);
	assert_int_equal(fixture_setup(state), 0);
}

static void try_each(void **state, int count, int error)
{
	int tried = 0;
	/* They are all alike in the middle of it. */
	for (int n = 1; try_at(n, count, error); n += n < 4 ? 1 : 2 * n) {
		start_anew(state);
		tried++;
	}
	assert_true(tried > 6);
}

static void a_write_that_finds_no_room_undoes_all_of_it(void **state)
{
	try_each(state, 1, ENOSPC);
}

static void a_write_that_fails_undoes_all_of_it(void **state)
{
	try_each(state, 1, EIO);
}

static void a_disk_that_stays_full_undoes_all_of_it(void **state)
{
	try_each(state, 1 << 20, ENOSPC);
}

/* ---- the ends ---- */

static void what_was_committed_survives_an_end_that_fails(void **state)
{
	char *text = text_of('b');
	for (int n = 1;; n += n < 4 ? 1 : 2 * n) {
		assert_int_equal(write_version(text, ROWS, &second_listing), 0);
		fail_from(n, 1 << 20, n % 2 ? EIO : ENOSPC);
		replica_close(replica);
		replica = NULL;
		bool reached = writes >= n;
		fail_no_more();
		open_in(dir);
		assert_version('b', &second_listing);
		if (!reached)
			break;
		start_anew(state);
	}
	free(text);
}

static void one_that_cannot_be_opened_is_as_it_was(void **state)
{
	(void)state;
	char *text = text_of('b');
	int r = -1;
	assert_int_equal(write_version(text, ROWS, &second_listing), 0);
	replica_close(replica);
	replica = NULL;
	for (int n = 1; r < 0; n++) {
		fail_from(n, 1 << 20, n % 2 ? EIO : ENOSPC);
		r = replica_open(dir, PROJECT, false, &replica);
		assert_true(r == 0 || r == -ENOSPC || r == -EIO);
		assert_true(n < 100);
	}
	fail_no_more();
	assert_version('b', &second_listing);
	free(text);
}

/* ---- who has no time ---- */

static bool over(void *ctx)
{
	int *asked = ctx;
	return ++*asked >= 3;
}

/* So many rows that no name leads to, as mounts leave them. */
static void leave_behind(int rows)
{
	char path[512], sql[256];
	sqlite3 *db;
	find_file(dir, ".db", path);
	snprintf(sql, sizeof(sql),
	    "WITH RECURSIVE n(i) AS (SELECT 1000 UNION ALL"
	    " SELECT i + 1 FROM n WHERE i < %d) INSERT INTO node(id, dir,"
	    " kind, live, name, key, mtime, size, other_size)"
	    " SELECT i, 128, 3, 0, 'n' || i, 'k', 0, 1, 1 FROM n",
	    999 + rows);
	assert_int_equal(
	    sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, "page-sum"),
	    SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static int64_t nodes(void)
{
	struct replica_totals totals;
	replica_totals(replica, &totals);
	return totals.nodes;
}

static void opening_one_is_given_up_when_that_is_wanted(void **state)
{
	(void)state;
	int asked = 0;
	int64_t before = nodes();
	replica_close(replica);
	replica = NULL;
	leave_behind(20000);
	replica_give_up_when(over, &asked);
	assert_int_equal(replica_open(dir, PROJECT, false, &replica), -EINTR);
	assert_int_equal(asked, 3);
	replica_give_up_when(NULL, NULL);
	open_in(dir);
	assert_int_equal(nodes(), before);
}

/* Then it takes no longer than it may, and what is left in the log is there
 * again. A row has more than a page. */
static void a_slow_disk_does_not_hold_up_the_end(void **state)
{
	(void)state;
	char *text = text_of('a');
	assert_int_equal(write_version(text, ROWS, &second_listing), 0);
	free(text);
	slow_ms = 20;
	writes = 0;
	replica_hurry(replica, 50);
	replica_close(replica);
	slow_ms = 0;
	assert_in_range(writes, 0, ROWS * 4);
	replica = NULL;
	open_in(dir);
	assert_version('a', &second_listing);
	/* Without a hurry, and in one that is enough, nothing is left there. */
	for (int i = 0; i < 2; i++) {
		char log[512];
		if (i)
			replica_hurry(replica, 600000);
		writes = 0;
		begin();
		put("one", "more", ROWS + i, ROWS + 1 + i);
		commit();
		snprintf(log, sizeof(log), "%s-wal", replica_path(replica));
		assert_int_equal(access(log, F_OK), 0);
		char *path = strdup(log);
		replica_close(replica);
		replica = NULL;
		assert_int_not_equal(access(path, F_OK), 0);
		free(path);
		open_in(dir);
	}
}

/* What is thrown away afterwards. */
static void a_private_one_is_not_tidied_up(void **state)
{
	(void)state;
	struct replica *own;
	int64_t id;
	assert_int_equal(replica_open(dir, "another", true, &own), 0);
	assert_int_equal(replica_begin(own), 0);
	assert_int_equal(replica_put_table(own, "t", "t", true, &id), 0);
	assert_int_equal(replica_commit(own), 0);
	writes = 0;
	replica_close(own);
	assert_int_equal(writes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		a_write_that_finds_no_room_undoes_all_of_it, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		a_write_that_fails_undoes_all_of_it, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		a_disk_that_stays_full_undoes_all_of_it, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		what_was_committed_survives_an_end_that_fails, set_up,
		tear_down),
	    cmocka_unit_test_setup_teardown(
		one_that_cannot_be_opened_is_as_it_was, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		opening_one_is_given_up_when_that_is_wanted, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		a_slow_disk_does_not_hold_up_the_end, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		a_private_one_is_not_tidied_up, set_up, tear_down),
	};
	/* What the database says of it fills pages. */
	assert_int_equal(log_open_file("/dev/null"), 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
