/* The replica as a place: opened, shared, and what its rows are. */
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

#include "base/cleanup.h"
#include "replica-fixture.h"
#include "replica/schema.h"

/* ---- opening ---- */

static void directories_are_made_for_the_owner_alone(void **state)
{
	(void)state;
	static const char *const tails[] = {"", "/deep", "/deep/cache"};
	static const char *const ends[] = {
	    ".db", ".db-wal", ".db-shm", ".lock"};
	struct stat info;
	char path[512];
	mode_t mask = umask(0);
	replica_close(replica);
	replica = NULL;
	remove_tree(dir);
	open_in(dir);
	assert_int_equal(umask(mask), 0); /* left as it was */
	begin();
	put("a", "{}", 0, 1);
	commit();
	for (size_t i = 0; i < ARRAY_SIZE(tails); i++) {
		snprintf(path, sizeof(path), "%s%s", root, tails[i]);
		assert_int_equal(stat(path, &info), 0);
		assert_int_equal(info.st_mode & 07777, 0700);
	}
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		find_file(dir, ends[i], path);
		assert_int_equal(stat(path, &info), 0);
		assert_int_equal(info.st_mode & 07777, 0600);
		assert_null(strstr(path, "pk_"));
	}
}

static void what_was_committed_is_there_after_reopening(void **state)
{
	(void)state;
	begin();
	struct node before = put("a", "{\"id\":\"a\"}", 0, 5);
	struct replica_listing listing = {
	    .base = 1,
	    .end = 9,
	    .side = 1,
	    .flags = LISTING_ORDERED,
	    .listed_ms = 123,
	    .proven_ms = 122,
	    .count = 1,
	    .newest_ms = 77,
	    .since_ms = 76,
	    .created_ms = 75,
	    .created_since_ms = -74,
	};
	assert_int_equal(replica_set_listing(replica, table, &listing), 0);
	commit();
	int64_t made = replica_made_ms(replica);
	assert_true(made > INT64_C(1700000000000));
	reopen();
	assert_int_equal(replica_made_ms(replica), made);
	struct node after = found(table, "a.json");
	assert_int_equal(after.id, before.id);
	assert_int_equal(after.kind, NODE_KIND_RECORD);
	assert_int_equal(after.mtime_ms, 1000);
	assert_int_equal(after.size, 10);
	assert_int_equal(after.other_size, 20);
	assert_int_equal(after.pos[0], 5);
	assert_true(after.live);
	assert_false(after.proven);
	assert_record_text(after.id, "{\"id\":\"a\"}");
	assert_blob(replica_key, after.id, TEXT("a"));
	assert_blob(replica_name, after.id, TEXT("a.json"));
	assert_entries("5:a.json ");
	struct replica_listing loaded;
	assert_int_equal(replica_listing(replica, table, &loaded), 0);
	assert_int_equal(loaded.base, 1);
	assert_int_equal(loaded.end, 9);
	assert_int_equal(loaded.listed_ms, 123);
	assert_int_equal(loaded.count, 1);
	assert_int_equal(loaded.newest_ms, 77);
	assert_int_equal(loaded.side, 1);
	assert_int_equal(loaded.flags, LISTING_ORDERED);
	assert_int_equal(loaded.proven_ms, 122);
	assert_int_equal(loaded.since_ms, 76);
	assert_int_equal(loaded.created_ms, 75);
	assert_int_equal(loaded.created_since_ms, -74);
	assert_int_equal(loaded.ceiling, 5);
	assert_int_equal(found(NODE_ROOT, "posts").id, table);
}

static void projects_have_replicas_of_their_own(void **state)
{
	(void)state;
	struct replica *other;
	struct node node;
	assert_int_equal(replica_open(dir, "another", false, &other), 0);
	assert_int_equal(
	    replica_lookup(other, NODE_ROOT, "posts", &node), -ENOENT);
	replica_close(other);
}

static void a_second_mount_of_a_project_is_refused(void **state)
{
	(void)state;
	struct replica *other = NULL;
	assert_int_equal(
	    replica_open(dir, PROJECT, false, &other), -EWOULDBLOCK);
	assert_null(other);
	/* The first one is as good as before. */
	begin();
	put("a", "{}", 0, 1);
	commit();
	replica_close(replica);
	assert_int_equal(replica_open(dir, PROJECT, false, &replica), 0);
	found(table, "a.json");
}

/* Without it, two mounts would write the same replica. */
static void what_cannot_be_locked_is_not_opened(void **state)
{
	(void)state;
	char path[512];
	struct replica *other = NULL;
	find_file(dir, ".lock", path);
	replica_close(replica);
	replica = NULL;
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(replica_open(dir, PROJECT, false, &other), -EISDIR);
	assert_null(other);
	assert_int_equal(rmdir(path), 0);
	reopen();
}

static void a_newer_version_is_refused_and_left_alone(void **state)
{
	(void)state;
	char current[64];
	snprintf(current, sizeof(current), "PRAGMA user_version = %d",
	    SCHEMA_VERSION);
	char path[512];
	sqlite3 *db;
	begin();
	put("a", "{}", 0, 1);
	commit();
	replica_close(replica);
	replica = NULL;
	find_file(dir, ".db", path);
	assert_int_equal(
	    sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, "page-sum"),
	    SQLITE_OK);
	assert_int_equal(
	    sqlite3_exec(db, "PRAGMA user_version = 999", NULL, NULL, NULL),
	    SQLITE_OK);
	sqlite3_close(db);
	struct replica *newer = NULL;
	assert_int_equal(replica_open(dir, PROJECT, false, &newer), -EBADMSG);
	assert_null(newer);
	assert_int_equal(
	    sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, "page-sum"),
	    SQLITE_OK);
	assert_int_equal(
	    sqlite3_exec(db, current, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	open_in(dir);
	found(table, "a.json");
}

static void a_file_that_is_no_database_is_eio(void **state)
{
	(void)state;
	char path[512];
	replica_close(replica);
	replica = NULL;
	find_file(dir, ".db", path);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	for (int i = 0; i < 10000; i++)
		fputs("not a database ", file);
	fclose(file);
	FILE *keep = stderr;
	stderr = fopen("/dev/null", "w");
	struct replica *broken = NULL;
	int r = replica_open(dir, PROJECT, false, &broken);
	fclose(stderr);
	stderr = keep;
	assert_int_equal(r, -EIO);
	assert_null(broken);
}

static void a_place_that_cannot_be_made_is_told(void **state)
{
	(void)state;
	char path[512];
	struct replica *none = NULL;
	find_file(dir, ".db", path);
	strcat(path, "/below");
	assert_int_equal(replica_open(path, PROJECT, false, &none), -ENOTDIR);
	assert_null(none);
}

static void a_private_replica_is_gone_afterwards(void **state)
{
	(void)state;
	char where[128];
	struct replica *first, *second;
	snprintf(where, sizeof(where), "%s/private", root);
	assert_int_equal(replica_open(where, PROJECT, true, &first), 0);
	/* Nobody shares it. */
	assert_int_equal(replica_open(where, PROJECT, true, &second), 0);
	int64_t id;
	struct node node;
	assert_int_equal(replica_begin(first), 0);
	assert_int_equal(
	    replica_put_table(first, "posts", "posts", true, &id), 0);
	assert_int_equal(replica_commit(first), 0);
	assert_int_equal(replica_get(first, id, &node), 0);
	assert_int_equal(
	    replica_lookup(second, NODE_ROOT, "posts", &node), -ENOENT);
	replica_close(first);
	replica_close(second);
	assert_int_equal(rmdir(where), 0); /* nothing is left in it */
}

static void closing_nothing_is_fine(void **state)
{
	(void)state;
	replica_close(NULL);
}

/* ---- rows ---- */

static void an_unchanged_record_keeps_its_node(void **state)
{
	(void)state;
	begin();
	struct node first = put("a", "{\"id\":\"a\"}", 0, 1);
	commit();
	reopen();
	begin();
	struct node second = put("a", "{\"id\":\"a\"}", 100, 101);
	commit();
	assert_int_equal(second.id, first.id);
	assert_int_equal(second.pos[0], 101);
	assert_int_equal(got(first.id).pos[0], 101);
	assert_entries("1:a.json 101:a.json ");
	struct replica_totals totals;
	replica_totals(replica, &totals);
	assert_int_equal(totals.nodes, 2); /* the table's, and this one */
	assert_int_equal(totals.bytes, 10);
}

static void a_changed_record_is_a_new_node_and_the_old_one_still_reads(
    void **state)
{
	(void)state;
	begin();
	struct node old = put("a", "{\"v\":1}", 0, 1);
	commit();
	begin();
	struct node fresh = put("a", "{\"v\":2}", 100, 101);
	commit();
	assert_true(fresh.id > old.id);
	assert_int_equal(found(table, "a.json").id, fresh.id);
	assert_record_text(fresh.id, "{\"v\":2}");
	assert_record_text(old.id, "{\"v\":1}");
	assert_false(got(old.id).live);
	assert_true(got(fresh.id).live);
	assert_blob(replica_name, old.id, TEXT("a.json"));
	assert_int_equal(got(fresh.id).pos[0], 101);
}

static void every_difference_makes_a_new_node(void **state)
{
	(void)state;
	begin();
	struct node old = put("a", "{}", 0, 0);
	struct replica_row same = row("a", "{}");
	struct replica_row other_time = same, other_text = same;
	other_time.mtime_ms++;
	other_text.text = "[]"; /* of the same length */
	assert_int_equal(put_row(&same, 0, 0, false).id, old.id);
	struct node second = put_row(&other_time, 0, 0, false);
	assert_true(second.id > old.id);
	other_text.mtime_ms = other_time.mtime_ms;
	struct node third = put_row(&other_text, 0, 0, false);
	assert_true(third.id > second.id);
	commit();
	assert_int_equal(found(table, "a.json").id, third.id);
}

static void any_bytes_are_kept_as_they_are(void **state)
{
	(void)state;
	static const char bytes[] = "\0\xff\xed\xa0\x80\"'\n";
	struct replica_row what = row("x", "");
	what.key = bytes;
	what.key_len = sizeof(bytes) - 1;
	what.name = "%00%FF' OR 1=1; --.json";
	what.text = bytes;
	what.text_len = sizeof(bytes) - 1;
	begin();
	struct node node = put_row(&what, 0, 1, false);
	commit();
	assert_int_equal(found(table, what.name).id, node.id);
	assert_blob(replica_key, node.id, bytes, sizeof(bytes) - 1);
	assert_blob(replica_text, node.id, bytes, sizeof(bytes) - 1);
	assert_entries("1:%00%FF' OR 1=1; --.json ");
}

static void names_are_found_by_their_very_bytes(void **state)
{
	(void)state;
	begin();
	put("Abc", "{}", 0, 1);
	commit();
	assert_missing("abc.json");
	assert_missing("Abc.json ");
	assert_missing("%bc.json");
	assert_missing("");
	struct node node;
	assert_int_equal(
	    replica_lookup(replica, table + 1, "Abc.json", &node), -ENOENT);
}

static void what_is_not_there_is_enoent(void **state)
{
	(void)state;
	struct buf out;
	buf_init(&out, 1024);
	assert_gone(999);
	assert_gone(0);
	assert_gone(-1);
	assert_int_equal(replica_text(replica, 999, &out), -ENOENT);
	assert_int_equal(replica_key(replica, 999, &out), -ENOENT);
	assert_int_equal(replica_name(replica, 999, &out), -ENOENT);
	assert_int_equal(replica_etag(replica, 999, &out), -ENOENT);
	/* A table has no text. */
	assert_int_equal(replica_text(replica, table, &out), -ENOENT);
	assert_int_equal(out.len, 0);
	struct replica_listing listing;
	assert_int_equal(replica_listing(replica, 999, &listing), 0);
	assert_int_equal(listing.end, 0);
	assert_int_equal(listing.ceiling, 0);
}

static void assert_part(int64_t id, uint64_t offset, size_t len,
    const char *expected, size_t expected_len)
{
	CLEANUP_BUF struct buf out;
	buf_init(&out, len + 1);
	assert_int_equal(buf_addc(&out, '>'), 0);
	assert_int_equal(replica_text_part(replica, id, offset, len, &out), 0);
	assert_int_equal(out.len, expected_len + 1);
	assert_memory_equal(out.data + 1, expected, expected_len);
}

static void a_part_of_a_text_is_read_without_the_rest(void **state)
{
	(void)state;
	size_t len = 1 << 20;
	char *text = malloc(len + 1);
	assert_non_null(text);
	for (size_t i = 0; i < len; i++)
		text[i] = (char)('a' + i * 7 % 25);
	text[len] = '\0';
	begin();
	struct node node = put("a", text, 0, 1);
	commit();
	assert_part(node.id, 0, 10, text, 10);
	assert_part(node.id, 0, len, text, len);
	assert_part(node.id, 123456, 65536, text + 123456, 65536);
	assert_part(node.id, len - 3, 10, text + len - 3, 3);
	assert_part(node.id, len, 10, "", 0);
	assert_part(node.id, UINT64_MAX, 10, "", 0);
	assert_part(node.id, 5, 0, "", 0);
	free(text);
	CLEANUP_BUF struct buf out;
	buf_init(&out, 5);
	assert_int_equal(
	    replica_text_part(replica, node.id, 0, 6, &out), -EMSGSIZE);
	assert_int_equal(replica_text_part(replica, 999, 0, 5, &out), -ENOENT);
	assert_int_equal(
	    replica_text_part(replica, table, 0, 5, &out), -ENOENT);
	assert_int_equal(out.len, 0);
}

static void a_text_over_the_callers_cap_is_refused(void **state)
{
	(void)state;
	struct buf out;
	begin();
	struct node node = put("a", "{\"id\":\"a\"}", 0, 1);
	commit();
	buf_init(&out, 5);
	assert_int_equal(replica_text(replica, node.id, &out), -EMSGSIZE);
	buf_done(&out);
	assert_record_text(node.id, "{\"id\":\"a\"}"); /* and goes on */
}

/* Whether a row is asked for before it is inserted depends on the last one. */
static void rows_are_known_whatever_came_before(void **state)
{
	(void)state;
	begin();
	struct node a = put("a", "1", 100, 101);
	put("b", "1", 100, 102);
	/* after a new one: known, changed, of another key */
	struct node node = put("a", "1", 200, 201);
	assert_int_equal(node.id, a.id);
	put("c", "1", 200, 202);
	node = put("b", "2", 200, 203);
	assert_true(node.replaced);
	put("d", "1", 200, 204);
	struct replica_row other = row("c", "1");
	const struct replica_place place = {0, 200, 205};
	bool again;
	other.key = "another";
	other.key_len = strlen(other.key);
	assert_int_equal(
	    replica_put(replica, &other, &place, &node, &again), -EEXIST);
	/* after a known one: known, new */
	node = put("a", "1", 300, 301);
	assert_int_equal(node.id, a.id);
	put("e", "1", 300, 302);
	put("f", "1", 300, 303);
	commit();
	assert_entries_of(
	    table, 200, 300, "201:a.json 202:c.json 203:b.json 204:d.json ");
	assert_entries_of(table, 300, 400, "301:a.json 302:e.json 303:f.json ");
}

static void ids_are_never_used_again(void **state)
{
	(void)state;
	int64_t highest = table;
	assert_true(table >= NODE_FIRST);
	for (int i = 0; i < 5; i++) {
		char text[32];
		snprintf(text, sizeof(text), "{\"v\":%d}", i);
		begin();
		struct node node = put("a", text, 0, 0);
		assert_true(node.id > highest);
		highest = node.id;
		assert_int_equal(replica_bury(replica, &node, 0), 0);
		commit();
		reopen(); /* which throws away what is buried */
		assert_gone(highest);
	}
	begin();
	assert_true(put("b", "{}", 0, 0).id > highest);
	commit();
}

/* ---- tables ---- */

static void tables_are_shown_when_they_are_listed(void **state)
{
	(void)state;
	int64_t hidden, same;
	struct walk walk = {.left = -1};
	begin();
	assert_int_equal(
	    replica_put_table(replica, "orders", "orders", false, &hidden), 0);
	commit();
	assert_int_equal(replica_tables(replica, 0, on_entry, &walk), 0);
	char expected[64];
	snprintf(expected, sizeof(expected), "%d:posts ", (int)table);
	assert_string_equal(walk.text, expected);
	begin();
	assert_int_equal(
	    replica_put_table(replica, "orders", "orders", true, &same), 0);
	assert_int_equal(same, hidden);
	/* Once shown, it stays. */
	assert_int_equal(
	    replica_put_table(replica, "orders", "orders", false, &same), 0);
	commit();
	reopen();
	walk = (struct walk){.left = -1};
	assert_int_equal(replica_tables(replica, 0, on_entry, &walk), 0);
	snprintf(expected, sizeof(expected), "%d:posts %d:orders ", (int)table,
	    (int)hidden);
	assert_string_equal(walk.text, expected);
	walk = (struct walk){.left = -1};
	assert_int_equal(replica_tables(replica, table, on_entry, &walk), 0);
	snprintf(expected, sizeof(expected), "%d:orders ", (int)hidden);
	assert_string_equal(walk.text, expected);
	assert_int_equal(got(hidden).kind, NODE_KIND_TABLE);
}

static void how_a_table_became_known_is_kept(void **state)
{
	(void)state;
	int64_t hidden, same;
	begin();
	assert_int_equal(
	    replica_put_table(replica, "orders", "orders", false, &hidden), 0);
	assert_int_equal(replica_tell_table(replica, table), 0);
	/* What is not shown is none the more so. */
	assert_int_equal(replica_tell_table(replica, hidden), 0);
	assert_int_equal(
	    replica_put_table(replica, "posts", "posts", true, &same), 0);
	commit();
	reopen();
	assert_int_equal(got(table).pos[0], TABLE_TOLD);
	assert_int_equal(got(hidden).pos[0], TABLE_HIDDEN);
}

static void a_table_keeps_its_own_name_beside_its_directorys(void **state)
{
	(void)state;
	int64_t id;
	begin();
	assert_int_equal(
	    replica_put_table(replica, "storage", "storage.table", true, &id),
	    0);
	commit();
	assert_int_equal(found(NODE_ROOT, "storage.table").id, id);
	assert_blob(replica_key, id, TEXT("storage"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(directories_are_made_for_the_owner_alone),
	    TEST(what_was_committed_is_there_after_reopening),
	    TEST(projects_have_replicas_of_their_own),
	    TEST(a_second_mount_of_a_project_is_refused),
	    TEST(what_cannot_be_locked_is_not_opened),
	    TEST(a_newer_version_is_refused_and_left_alone),
	    TEST(a_file_that_is_no_database_is_eio),
	    TEST(a_place_that_cannot_be_made_is_told),
	    TEST(a_private_replica_is_gone_afterwards),
	    cmocka_unit_test(closing_nothing_is_fine),
	    TEST(an_unchanged_record_keeps_its_node),
	    TEST(a_changed_record_is_a_new_node_and_the_old_one_still_reads),
	    TEST(every_difference_makes_a_new_node),
	    TEST(any_bytes_are_kept_as_they_are),
	    TEST(names_are_found_by_their_very_bytes),
	    TEST(what_is_not_there_is_enoent),
	    TEST(a_part_of_a_text_is_read_without_the_rest),
	    TEST(a_text_over_the_callers_cap_is_refused),
	    TEST(rows_are_known_whatever_came_before),
	    TEST(ids_are_never_used_again),
	    TEST(tables_are_shown_when_they_are_listed),
	    TEST(how_a_table_became_known_is_kept),
	    TEST(a_table_keeps_its_own_name_beside_its_directorys),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
