/* A replica of an older version opens, and keeps what it holds. */
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "unit.h"

#include "base/cleanup.h"
#include "replica-fixture.h"
#include "content/content.h"
#include "replica/schema.h"

/* What replica-version-1.sql has. */
#define MADE 0x1a215249e97
#define TABLE 128
#define RECORD 129
#define CHANGED_OLD 130
#define CHANGED 132
#define ANSWERED 133
#define UNASKED 134
#define SPOILED 135
#define RENEWED 136
#define UNTOLD 137

/* What was made by the code of that time, the first release's first: paths. */
#define OLD_VERSIONS (SCHEMA_VERSION - 1)
static char **old_sql;

/* ---- databases ---- */

static sqlite3 *database_at(const char *path)
{
	sqlite3 *db;
	/* As the replica opens it, which has been in use before. */
	assert_int_equal(
	    sqlite3_open_v2(path, &db,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, "page-sum"),
	    SQLITE_OK);
	return db;
}

static void run_sql(const char *path, const char *sql)
{
	sqlite3 *db = database_at(path);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

/* The first column of the first row. */
static int64_t number_at(const char *path, const char *sql)
{
	sqlite3_stmt *statement;
	sqlite3 *db = database_at(path);
	assert_int_equal(
	    sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	int64_t value = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	sqlite3_close(db);
	return value;
}

static char *file_text(const char *path)
{
	static char text[65536];
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	size_t len = fread(text, 1, sizeof(text) - 1, file);
	assert_true(feof(file));
	text[len] = '\0';
	fclose(file);
	return text;
}

/* Put a database of an old version in the place of the fixture's. */
static void put_version(int version, char path[512])
{
	char extra[640];
	static const char *const tails[] = {"", "-wal", "-shm"};
	find_file(dir, ".db", path);
	replica_close(replica);
	replica = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(tails); i++) {
		snprintf(extra, sizeof(extra), "%s%s", path, tails[i]);
		unlink(extra);
	}
	run_sql(path, file_text(old_sql[version - 1]));
	assert_int_equal(number_at(path, "PRAGMA user_version"), version);
}

static void put_version_1(char path[512])
{
	put_version(1, path);
}

static void assert_all_of_version_1(void)
{
	struct replica_listing listing;
	table = TABLE;
	assert_entries("1:a.json 2:b.json ");
	assert_int_equal(found(NODE_ROOT, "posts").id, TABLE);
	assert_int_equal(found(TABLE, "a.json").id, RECORD);
	assert_int_equal(found(TABLE, "b.json").id, CHANGED);
	assert_record_text(RECORD, "{\"id\":\"a\"}");
	assert_record_text(CHANGED, "{\"id\":\"b\",\"v\":2}");
	assert_int_equal(replica_listing(replica, TABLE, &listing), 0);
	assert_int_equal(listing.end, 4);
	assert_int_equal(listing.count, 2);
	assert_int_equal(replica_made_ms(replica), MADE);
	assert_entries_of(
	    NODE_STORAGE, 0, 9, "1:f1_a.bin 2:f2_b.bin 3:f3_c.bin 4:f4_d.bin ");
	assert_int_equal(found(NODE_STORAGE, "f1_a.bin").id, ANSWERED);
	assert_true(got(ANSWERED).proven);
	assert_int_equal(got(ANSWERED).size, 200000);
	assert_blob(replica_etag, ANSWERED, TEXT("\"one\""));
	assert_false(got(UNASKED).proven);
	assert_true(got(RENEWED).proven);
	/* Since when it was shown so was not kept. */
	assert_int_equal(found(TABLE, "a.json").taken_ms, 0);
	/* Of which version it was is not known. */
	assert_false(got(UNTOLD).proven);
	assert_true(got(ANSWERED).salt != got(RENEWED).salt);
}

/* ---- tests ---- */

static void version_1_opens_with_all_that_it_holds(void **state)
{
	(void)state;
	char path[512];
	put_version_1(path);
	open_in(dir);
	assert_all_of_version_1();
	assert_false(got(ANSWERED).pinned);
	/* What is left over is cleared away as ever. */
	assert_gone(CHANGED_OLD);
	assert_gone(SPOILED);
	/* Ids go on from there. */
	begin();
	assert_int_equal(put("c", "{}", 0, 3).id, UNTOLD + 1);
	commit();
	uint64_t salt = got(ANSWERED).salt;
	reopen();
	assert_int_equal(
	    number_at(path, "PRAGMA user_version"), SCHEMA_VERSION);
	table = TABLE;
	found(TABLE, "c.json");
	assert_true(got(ANSWERED).salt == salt);
}

/* One of a version, opened by this code. */
static void open_version(int version, char path[512])
{
	put_version(version, path);
	open_in(dir);
	assert_int_equal(
	    number_at(path, "PRAGMA user_version"), SCHEMA_VERSION);
}

/* Whether each page has room for a checksum, and one that is not zero. */
static bool has_sums(const char *path)
{
	static const unsigned char none[12];
	unsigned char page[8192];
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	size_t pages = 0, sums = 0;
	for (; fread(page, 1, sizeof(page), file) == sizeof(page); pages++) {
		if (pages == 0 && page[20] != sizeof(none))
			break;
		sums += memcmp(page + sizeof(page) - sizeof(none), none,
			    sizeof(none)) != 0;
	}
	fclose(file);
	return pages > 5 && sums == pages;
}

/* Every one is written anew: offline nothing else would ever do so. */
static void each_version_gets_checksums(void **state)
{
	(void)state;
	char path[512];
	for (int version = 1; version <= OLD_VERSIONS; version++) {
		put_version(version, path);
		assert_false(has_sums(path));
		open_in(dir);
		assert_true(has_sums(path));
		assert_all_of_version_1();
		reopen();
		assert_true(has_sums(path));
		assert_all_of_version_1();
	}
}

static bool is_over(void *ctx)
{
	return --*(int *)ctx < 0;
}

/* Where that cannot be, it stays as it is, and is used. */
static void what_cannot_be_written_anew_is_used_as_it_is(void **state)
{
	(void)state;
	char path[512], copy[520], inside[530];
	put_version(OLD_VERSIONS, path);
	snprintf(copy, sizeof(copy), "%s-new", path);
	snprintf(inside, sizeof(inside), "%s/x", copy);
	assert_int_equal(mkdir(copy, 0700), 0);
	assert_int_equal(mkdir(inside, 0700), 0);
	open_in(dir);
	assert_false(has_sums(path));
	assert_all_of_version_1();
	replica_close(replica);
	replica = NULL;
	assert_int_equal(rmdir(inside), 0);
	assert_int_equal(rmdir(copy), 0);
	open_in(dir);
	assert_true(has_sums(path));
	assert_all_of_version_1();
}

/* The log that one who has it open keeps there, be it empty, is not another
 * file's. */
static void one_that_somebody_reads_is_not_replaced(void **state)
{
	(void)state;
	static const char *const does[] = {"BEGIN; SELECT count(*) FROM node",
	    "SELECT count(*) FROM node",
	    "UPDATE node SET checked = 78 WHERE id = 129"};
	char path[512], log[520];
	put_version(OLD_VERSIONS, path);
	snprintf(log, sizeof(log), "%s-wal", path);
	run_sql(path, "PRAGMA journal_mode = WAL;"
		      "UPDATE node SET checked = 77 WHERE id = 129");
	for (size_t i = 0; i < ARRAY_SIZE(does); i++) {
		sqlite3 *db = database_at(path);
		assert_int_equal(
		    sqlite3_exec(db, does[i], NULL, NULL, NULL), SQLITE_OK);
		assert_int_equal(access(log, F_OK), 0);
		open_in(dir);
		assert_false(has_sums(path));
		assert_all_of_version_1();
		replica_close(replica);
		replica = NULL;
		assert_int_equal(sqlite3_close(db), SQLITE_OK);
	}
	open_in(dir);
	assert_true(has_sums(path));
	assert_int_equal(got(RECORD).checked, 78);
}

/* SQLite writes what it has no memory for before the first page. */
static void a_large_one_is_written_anew(void **state)
{
	(void)state;
	char path[512];
	put_version(OLD_VERSIONS, path);
	run_sql(path,
	    "CREATE TEMP TABLE n AS WITH RECURSIVE n(i) AS (SELECT 1000"
	    " UNION ALL SELECT i + 1 FROM n WHERE i < 20999) SELECT i FROM n;"
	    "INSERT INTO node(id, dir, kind, live, name, key, mtime, size,"
	    " other_size) SELECT i, 128, 3, 1, 'n' || i, 'k', 0, 1, 1 FROM n;"
	    "INSERT INTO text SELECT i, CAST(printf('%01000d', i) AS BLOB)"
	    " FROM n; INSERT INTO entry SELECT 200, i, i FROM n");
	open_in(dir);
	assert_true(has_sums(path));
	assert_all_of_version_1();
	assert_int_equal(
	    number_at(path, "SELECT count(*) FROM text WHERE"
			    " text = CAST(printf('%01000d', node) AS BLOB)"),
	    20000);
	assert_int_equal(number_at(path, "SELECT count(*) FROM"
					 " pragma_integrity_check WHERE"
					 " integrity_check = 'ok'"),
	    1);
}

/* What a crash has left beside it is cleared away. */
static void writing_one_anew_is_given_up_when_that_is_wanted(void **state)
{
	(void)state;
	char path[512], copy[520];
	put_version(OLD_VERSIONS, path);
	run_sql(path, "WITH RECURSIVE n(i) AS (SELECT 1000 UNION ALL"
		      " SELECT i + 1 FROM n WHERE i < 21000)"
		      " INSERT INTO node(id, dir, kind, live, name, key, mtime,"
		      " size, other_size) SELECT i, 128, 3, 1, 'n' || i, 'k',"
		      " 0, 1, 1 FROM n");
	snprintf(copy, sizeof(copy), "%s-new", path);
	int left = 2;
	replica_give_up_when(is_over, &left);
	assert_int_equal(replica_open(dir, PROJECT, false, &replica), -EINTR);
	replica_give_up_when(NULL, NULL);
	assert_false(has_sums(path));
	assert_int_equal(access(copy, F_OK), -1);
	FILE *rest = fopen(copy, "w");
	assert_non_null(rest);
	fputs("half of it", rest);
	fclose(rest);
	open_in(dir);
	assert_true(has_sums(path));
	assert_int_equal(access(copy, F_OK), -1);
	found(TABLE, "n20999");
}

/* Also what each of them was the first to keep. */
static void each_later_version_opens_with_all_that_it_holds(void **state)
{
	(void)state;
	char path[512];
	for (int version = 2; version <= OLD_VERSIONS; version++) {
		struct replica_listing listing;
		int64_t pinned;
		put_version(version, path);
		uint64_t salt = (uint64_t)number_at(
		    path, "SELECT salt FROM node WHERE id = 133");
		assert_true(salt != 0);
		open_in(dir);
		assert_int_equal(
		    number_at(path, "PRAGMA user_version"), SCHEMA_VERSION);
		assert_all_of_version_1();
		assert_true(got(ANSWERED).salt == salt);
		assert_int_equal(got(ANSWERED).pinned, version >= 4);
		assert_int_equal(replica_pinned(replica, &pinned), 0);
		/* All that are live, as far as their sizes are known. */
		assert_int_equal(pinned, version >= 4 ? 200021 : 0);
		assert_int_equal(replica_listing(replica, TABLE, &listing), 0);
		assert_int_equal(listing.flags, LISTING_ORDERED);
		assert_int_equal(listing.newest_ms, 1700000000000);
		assert_int_equal(listing.since_ms, 1699999999000);
	}
}

/* What an older version heard of what is missing, it has not kept. */
static void an_old_one_learns_what_is_missing(void **state)
{
	(void)state;
	char path[512];
	for (int version = 1; version <= OLD_VERSIONS; version++) {
		CLEANUP_BUF struct buf words;
		buf_init(&words, 100);
		open_version(version, path);
		assert_int_equal(replica_shortfall(replica, TABLE, &words), 0);
		assert_int_equal(words.len, 0);
		begin();
		assert_int_equal(
		    replica_set_shortfall(replica, TABLE, "page 2"), 0);
		commit();
		reopen();
		assert_int_equal(replica_shortfall(replica, TABLE, &words), 0);
		assert_string_equal(buf_str(&words), "page 2");
	}
}

/* Also what later versions made for other programs. */
static void each_version_has_views_of_what_is_whole(void **state)
{
	(void)state;
	char path[512];
	for (int version = 1; version <= OLD_VERSIONS; version++) {
		open_version(version, path);
		assert_int_equal(
		    number_at(path, "SELECT count(*) FROM posts"), 2);
		assert_int_equal(number_at(path, "SELECT json ->> '$.v'"
						 " FROM posts WHERE id = 'b'"),
		    2);
	}
}

/* Its copy is brought up to date, not the archive. */
static void an_old_archive_is_read_and_stays_old(void **state)
{
	(void)state;
	char path[512];
	put_version_1(path);
	assert_int_equal(replica_open_archived(dir, PROJECT, &replica), 0);
	assert_all_of_version_1();
	assert_int_equal(number_at(path, "PRAGMA user_version"), 1);
}

/* Of whom nobody knows what he keeps where: it is not opened, nor changed. */
static void a_newer_version_is_refused(void **state)
{
	(void)state;
	char path[512], newer[64];
	put_version_1(path);
	snprintf(newer, sizeof(newer), "PRAGMA user_version = %d",
	    SCHEMA_VERSION + 1);
	run_sql(path, newer);
	assert_int_equal(replica_open(dir, PROJECT, false, &replica), -EBADMSG);
	assert_int_equal(
	    replica_open_archived(dir, PROJECT, &replica), -EBADMSG);
	assert_int_equal(
	    number_at(path, "PRAGMA user_version"), SCHEMA_VERSION + 1);
	assert_int_equal(
	    number_at(path, "SELECT count(*) FROM pragma_table_info('node')"
			    " WHERE name = 'salt'"),
	    0);
}

/* Old databases and new ones are the same, but for views, which follow what is
 * listed. */
static void assert_form_of_what_is_new(int version)
{
	char path[512], fresh[128];
	static const char form[] =
	    "SELECT count(*) FROM sqlite_schema s JOIN a.sqlite_schema t"
	    " USING(type, name, sql)";
	static const char all[] = "SELECT count(*) FROM sqlite_schema"
				  " WHERE sql IS NOT NULL AND type != 'view'";
	open_version(version, path);
	replica_close(replica);
	snprintf(fresh, sizeof(fresh), "%s/fresh", root);
	open_in(fresh);
	char fresh_path[512], attach[700];
	find_file(fresh, ".db", fresh_path);
	sqlite3 *db = database_at(path);
	sqlite3_stmt *statement;
	snprintf(attach, sizeof(attach), "ATTACH '%s' AS a", fresh_path);
	assert_int_equal(sqlite3_exec(db, attach, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(
	    sqlite3_prepare_v2(db, form, -1, &statement, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	int64_t same = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	sqlite3_close(db);
	assert_true(same > 5);
	assert_int_equal(same, number_at(path, all));
	assert_int_equal(same, number_at(fresh_path, all));
}

static void what_grew_old_has_the_form_of_what_is_new(void **state)
{
	(void)state;
	for (int version = 1; version <= OLD_VERSIONS; version++)
		assert_form_of_what_is_new(version);
}

/* What version 1 kept is bound to a node's id alone, which may have come again:
 * a block with a checksum of that form may be another file's. */
static void contents_of_version_1_are_not_believed(void **state)
{
	(void)state;
	static char block[4096 + CONTENT_BLOCK];
	char path[512], where[640];
	put_version_1(path);
	char *stem = strdup(path);
	stem[strlen(stem) - strlen(".db")] = '\0';
	static const char *const parts[] = {
	    "", "/1a215249e97", "/1a215249e97/85"};
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		snprintf(where, sizeof(where), "%s.content%s", stem, parts[i]);
		assert_int_equal(mkdir(where, 0700), 0);
	}
	free(stem);
	strcat(where, "/85-0");
	const uint64_t place[] = {MADE, ANSWERED, 0, 0};
	uint64_t sum = XXH3_64bits_withSeed(
	    block + 4096, CONTENT_BLOCK, XXH3_64bits(place, sizeof(place)));
	memcpy(block, &sum, sizeof(sum));
	FILE *file = fopen(where, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(block, 1, sizeof(block), file), sizeof(block));
	fclose(file);
	open_in(dir);
	struct content *content;
	struct node node = got(ANSWERED);
	char out[16];
	assert_int_equal(content_open(replica, 1 << 30, &content), 0);
	assert_int_equal(content_read(content, &node, 0, out, 16), -ENODATA);
	content_close(content);
	assert_int_equal(access(where, F_OK), -1); /* nor takes it up room */
}

static void copy_to(const char *from, const char *to, off_t len)
{
	FILE *in = fopen(from, "r"), *out = fopen(to, "w");
	assert_non_null(in);
	assert_non_null(out);
	for (int c; len > 0 && (c = fgetc(in)) != EOF; len--)
		fputc(c, out);
	fclose(in);
	fclose(out);
}

/* A migration is in the log as a whole, or not at all. */
static void a_crash_in_a_migration_leaves_the_old_or_the_new(void **state)
{
	(void)state;
	char path[512], wal[520], before[128];
	int old = 0, new = 0;
	put_version_1(path);
	snprintf(wal, sizeof(wal), "%s-wal", path);
	snprintf(before, sizeof(before), "%s/before.db", root);
	open_in(dir);
	copy_to(path, before, INT64_C(1) << 40);
	assert_true(has_sums(before));
	struct stat info;
	assert_int_equal(stat(wal, &info), 0);
	char kept[128];
	snprintf(kept, sizeof(kept), "%s/kept-wal", root);
	copy_to(wal, kept, info.st_size);
	replica_close(replica);
	replica = NULL;
	for (off_t len = info.st_size; len >= 0; len -= 1531) {
		copy_to(before, path, INT64_C(1) << 40);
		copy_to(kept, wal, len);
		if (number_at(path, "PRAGMA user_version") == 1)
			old++;
		else
			new ++;
		/* Opening by itself carried the log over. */
		copy_to(before, path, INT64_C(1) << 40);
		copy_to(kept, wal, len);
		open_in(dir);
		assert_all_of_version_1();
		replica_close(replica);
		replica = NULL;
	}
	assert_true(old > 3);
	assert_true(new > 0);
}

/* One that fails half way is taken back. */
static void a_migration_that_fails_changes_nothing(void **state)
{
	(void)state;
	char path[512];
	put_version_1(path);
	run_sql(path, "CREATE TRIGGER stop BEFORE UPDATE ON node"
		      " BEGIN SELECT RAISE(ABORT, 'no'); END");
	assert_int_equal(replica_open(dir, PROJECT, false, &replica), -EIO);
	assert_int_equal(number_at(path, "PRAGMA user_version"), 1);
	assert_int_equal(
	    number_at(path, "SELECT count(*) FROM pragma_table_info('node')"
			    " WHERE name = 'salt'"),
	    0);
	run_sql(path, "DROP TRIGGER stop");
	open_in(dir);
	assert_all_of_version_1();
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    TEST(version_1_opens_with_all_that_it_holds),
	    TEST(each_version_gets_checksums),
	    TEST(what_cannot_be_written_anew_is_used_as_it_is),
	    TEST(one_that_somebody_reads_is_not_replaced),
	    TEST(a_large_one_is_written_anew),
	    TEST(writing_one_anew_is_given_up_when_that_is_wanted),
	    TEST(each_later_version_opens_with_all_that_it_holds),
	    TEST(an_old_one_learns_what_is_missing),
	    TEST(each_version_has_views_of_what_is_whole),
	    TEST(an_old_archive_is_read_and_stays_old),
	    TEST(a_newer_version_is_refused),
	    TEST(what_grew_old_has_the_form_of_what_is_new),
	    TEST(contents_of_version_1_are_not_believed),
	    TEST(a_crash_in_a_migration_leaves_the_old_or_the_new),
	    TEST(a_migration_that_fails_changes_nothing),
	};
	/* One that is missing here is a version that nobody tests. */
	if (argc != 1 + OLD_VERSIONS)
		return 2;
	old_sql = argv + 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
