/* The log of a replica, and what a crash leaves of both. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

#include "base/cleanup.h"
#include "replica-fixture.h"

/* ---- the log ---- */

static off_t database_size(void)
{
	char path[512];
	struct stat info;
	find_file(dir, ".db", path);
	assert_int_equal(stat(path, &info), 0);
	return info.st_size;
}

/* Log more than is left in the log for long. */
static void write_much(void)
{
	static char text[1 << 20];
	memset(text, 'x', sizeof(text) - 1);
	for (int i = 0; i < 16; i++) {
		char id[16];
		snprintf(id, sizeof(id), "%d", rand());
		begin();
		put(id, text, 0, 0);
		commit();
	}
}

static void the_log_is_carried_over_once_the_writer_rests(void **state)
{
	(void)state;
	off_t empty = database_size();
	write_much();
	usleep(200000);
	assert_int_equal(database_size(), empty);
	for (int i = 0; i < 100 && database_size() == empty; i++)
		usleep(100000);
	assert_true(database_size() > empty);
}

static void a_long_log_is_carried_over_at_once(void **state)
{
	(void)state;
	off_t empty = database_size();
	write_much();
	write_much();
	write_much();
	for (int i = 0; i < 8 && database_size() == empty; i++)
		usleep(100000);
	assert_true(database_size() > empty);
}

/* ---- crashes ---- */

static void copy_file(const char *from, const char *to)
{
	char block[65536];
	FILE *in = fopen(from, "r"), *out = fopen(to, "w");
	size_t n;
	assert_non_null(in);
	assert_non_null(out);
	while ((n = fread(block, 1, sizeof(block), in)))
		assert_int_equal(fwrite(block, 1, n, out), n);
	fclose(in);
	fclose(out);
}

/* The database as a crash at this instant would leave it, in another place. */
static void crash_to(char where[128], const char *name)
{
	static const char *const ends[] = {".db", ".db-wal"};
	snprintf(where, 128, "%s/%s", root, name);
	assert_int_equal(mkdir(where, 0700), 0);
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		char from[512], to[1024];
		find_file(dir, ends[i], from);
		snprintf(to, sizeof(to), "%s%s", where, strrchr(from, '/'));
		copy_file(from, to);
	}
}

static void a_crash_leaves_what_was_committed_and_nothing_else(void **state)
{
	(void)state;
	char small[128], large[128];
	size_t len = 64 << 10;
	char *text = malloc(len + 1);
	assert_non_null(text);
	memset(text, 'x', len);
	text[len] = '\0';
	begin();
	put("before", "{\"v\":1}", 0, 1);
	commit();
	begin();
	put("before", "{\"v\":2}", 1, 2);
	put("within", "{}", 1, 3);
	crash_to(small, "small");
	/* More than the cache holds: the log has uncommitted pages now. */
	for (int i = 0; i < 160; i++) {
		char id[16];
		snprintf(id, sizeof(id), "big%d", i);
		put(id, text, 1, i + 10);
	}
	crash_to(large, "large");
	commit();
	free(text);
	replica_close(replica);
	replica = NULL;
	const char *const places[] = {small, large};
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		open_in(places[i]);
		assert_entries("1:before.json ");
		assert_record_text(found(table, "before.json").id, "{\"v\":1}");
		assert_missing("within.json");
		assert_missing("big0.json");
		begin();
		put("after", "{}", 0, 2);
		commit();
		reopen(); /* the undamaged one */
		found(table, "within.json");
		found(table, "big159.json");
		replica_close(replica);
		replica = NULL;
	}
}

static off_t size_of_log(const char *where)
{
	char path[512];
	struct stat info;
	find_file(where, ".db-wal", path);
	assert_int_equal(stat(path, &info), 0);
	return info.st_size;
}

/* A crash that leaves an older state in the database file, and the newer one in
 * the log: how large that is. */
static off_t crash_with_log(char where[128], const char *name)
{
	begin();
	put("a", "{\"v\":1}", 0, 1);
	commit();
	reopen();
	begin();
	put("a", "{\"v\":2}", 1, 2);
	put("b", "{}", 1, 3);
	commit();
	crash_to(where, name);
	off_t size = size_of_log(where);
	replica_close(replica);
	replica = NULL;
	return size;
}

static void a_log_cut_anywhere_leaves_a_replica_that_opens(void **state)
{
	(void)state;
	char where[128], wal[512];
	const off_t all = crash_with_log(where, "cut");
	find_file(where, ".db-wal", wal);
	for (off_t size = all; size >= 0; size -= 1531) {
		char copy[160];
		snprintf(copy, sizeof(copy), "%s/cut%ld", root, (long)size);
		assert_int_equal(mkdir(copy, 0700), 0);
		char from[512], to[1024];
		find_file(where, ".db", from);
		snprintf(to, sizeof(to), "%s%s", copy, strrchr(from, '/'));
		copy_file(from, to);
		snprintf(to, sizeof(to), "%s%s", copy, strrchr(wal, '/'));
		copy_file(wal, to);
		assert_int_equal(truncate(to, size), 0);
		open_in(copy);
		bool whole = size == all;
		assert_record_text(found(table, "a.json").id,
		    whole ? "{\"v\":2}" : "{\"v\":1}");
		if (whole)
			found(table, "b.json");
		else
			assert_missing("b.json");
		replica_close(replica);
		replica = NULL;
	}
	open_in(dir);
}

/* ---- archives ---- */

/* It is read from a copy, and the log belongs to that, too. */
static void an_archive_holds_what_is_in_its_log(void **state)
{
	(void)state;
	char where[128];
	off_t size = crash_with_log(where, "archive");
	assert_true(size > 0);
	assert_int_equal(replica_open_archived(where, PROJECT, &replica), 0);
	assert_record_text(found(table, "a.json").id, "{\"v\":2}");
	found(table, "b.json");
	replica_close(replica);
	replica = NULL;
	assert_int_equal(size_of_log(where), size);
}

/* One that ended well is as large as it is: there may be no room for another.
 */
static void an_archive_without_a_log_is_read_where_it_is(void **state)
{
	(void)state;
	char nowhere[160];
	begin();
	put("a", "{\"v\":1}", 0, 1);
	commit();
	replica_close(replica);
	replica = NULL;
	snprintf(nowhere, sizeof(nowhere), "%s/nowhere", root);
	assert_int_equal(setenv("TMPDIR", nowhere, 1), 0);
	assert_int_equal(replica_open_archived(dir, PROJECT, &replica), 0);
	assert_int_equal(unsetenv("TMPDIR"), 0);
	assert_record_text(found(table, "a.json").id, "{\"v\":1}");
}

/* ---- totals ---- */

/* Let what a closed replica keeps be off by so many nodes. */
static void misstate_totals(int by)
{
	char path[512], sql[64];
	sqlite3 *db;
	find_file(dir, ".db", path);
	snprintf(sql, sizeof(sql), "UPDATE meta SET nodes = nodes + %d", by);
	assert_int_equal(
	    sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, "page-sum"),
	    SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void assert_totals(int64_t nodes, int64_t bytes)
{
	struct replica_totals totals;
	replica_totals(replica, &totals);
	assert_int_equal(totals.nodes, nodes);
	assert_int_equal(totals.bytes, bytes);
}

/* Records, a version that was replaced, an object whose size was a claim, and
 * one whose size was not even claimed. */
static void write_some(void)
{
	uint64_t salt;
	begin();
	put("a", "{\"v\":1}", 0, 1);
	put("b", "{}", 0, 2);
	put("a", "{\"v\":20}", 2, 3);
	struct replica_row claimed = object_row("claimed", 7);
	int64_t first = put_row(&claimed, 0, 1, false).id;
	struct replica_row unknown = object_row("unknown", -1);
	int64_t second = put_row(&unknown, 0, 2, false).id;
	commit();
	begin();
	assert_int_equal(
	    replica_set_object(replica, first, 5, "\"e\"", &salt), 0);
	assert_int_equal(
	    replica_set_object(replica, second, 100, "\"e\"", &salt), 0);
	commit();
}

/* To count takes long where there is much. */
static void an_end_keeps_the_totals(void **state)
{
	(void)state;
	struct replica_totals before;
	begin();
	put("a", "{\"v\":1}", 0, 1);
	commit();
	replica_totals(replica, &before);
	replica_close(replica);
	misstate_totals(1000);
	open_in(dir);
	assert_totals(before.nodes + 1000, before.bytes);
	replica_close(replica);
	assert_int_equal(replica_open_archived(dir, PROJECT, &replica), 0);
	assert_totals(before.nodes + 1000, before.bytes);
}

static void without_an_end_the_totals_are_counted(void **state)
{
	(void)state;
	struct replica_totals before;
	char where[128];
	reopen();
	write_some();
	replica_totals(replica, &before);
	crash_to(where, "endless");
	replica_close(replica);
	replica = NULL;
	open_in(where);
	/* The version that was replaced is gone. */
	assert_totals(before.nodes - 1, before.bytes - 7);
	replica_close(replica);
	/* As after an end, where it is thrown away as well. */
	open_in(dir);
	assert_totals(before.nodes - 1, before.bytes - 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(the_log_is_carried_over_once_the_writer_rests),
	    TEST(a_long_log_is_carried_over_at_once),
	    TEST(a_crash_leaves_what_was_committed_and_nothing_else),
	    TEST(a_log_cut_anywhere_leaves_a_replica_that_opens),
	    TEST(an_archive_holds_what_is_in_its_log),
	    TEST(an_archive_without_a_log_is_read_where_it_is),
	    TEST(an_end_keeps_the_totals),
	    TEST(without_an_end_the_totals_are_counted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
