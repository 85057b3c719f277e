/* A bit that flips in the database is found out, wherever SQLite itself sees
 * nothing wrong: no row is handed out that is not as it was put. */
#include <errno.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

#include "base/buf.h"
#include "replica-fixture.h"

static void run_sql(const char *sql)
{
	sqlite3 *db;
	char path[512];
	find_file(dir, ".db", path);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

/* A record put alone, and two that were new together. */
static void put_three(void)
{
	struct replica_row rows[] = {row("b", "{\"n\":2}"), row("c", "{}")};
	rows[0].name = "b.json";
	rows[1].name = "c.json";
	begin();
	put("a", "{\"n\":1}", 0, 1);
	int64_t first = replica_reserve_ids(replica, ARRAY_SIZE(rows));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		rows[i].id = first + (int64_t)i;
	assert_int_equal(replica_put_new(replica, rows, ARRAY_SIZE(rows),
			     &(struct replica_place){0, 0, 2}),
	    1);
	commit();
}

static int on_text(void *ctx, int64_t id, const char *text, size_t len)
{
	(void)ctx;
	(void)id;
	(void)text;
	(void)len;
	return 0;
}

/* What every way says that leads to the text of a node. */
static void assert_reads(int64_t id, int expected)
{
	CLEANUP_BUF struct buf text;
	buf_init(&text, 100);
	assert_int_equal(replica_text(replica, id, &text), expected);
	assert_int_equal(replica_check_text(replica, id), expected);
	assert_int_equal(
	    replica_texts(replica, id, id, on_text, NULL), expected);
	if (expected)
		assert_int_equal(text.len, 0);
}

static void a_text_is_as_it_was_put_or_an_error(void **state)
{
	(void)state;
	put_three();
	int64_t a = found(table, "a.json").id, b = found(table, "b.json").id;
	run_sql("UPDATE text SET text = CAST('{\"n\":3}' AS BLOB)"
		" WHERE text = CAST('{\"n\":2}' AS BLOB)");
	assert_reads(a, 0);
	assert_reads(b, -EIO);
	assert_reads(found(table, "c.json").id, 0);
	run_sql("UPDATE text SET text = CAST('{\"n\":0}' AS BLOB)"
		" WHERE text = CAST('{\"n\":1}' AS BLOB)");
	assert_reads(a, -EIO);
}

/* Not that of another node either. */
static void a_text_belongs_to_its_node(void **state)
{
	(void)state;
	put_three();
	int64_t a = found(table, "a.json").id, b = found(table, "b.json").id;
	char sql[200];
	snprintf(sql, sizeof(sql),
	    "UPDATE text SET node = 0 WHERE node = %" PRId64 ";"
	    "UPDATE text SET node = %" PRId64 " WHERE node = %" PRId64 ";"
	    "UPDATE text SET node = %" PRId64 " WHERE node = 0",
	    a, a, b, b);
	run_sql(sql);
	assert_reads(a, -EIO);
	assert_reads(b, -EIO);
	assert_reads(found(table, "c.json").id, 0);
}

static int on_name(
    void *ctx, const struct node *node, const char *name, int64_t pos)
{
	(void)node;
	(void)pos;
	strcat(ctx, name);
	return 0;
}

/* Of all that says which file it is, and how it looks. */
static void a_node_is_as_it_was_put_or_an_error(void **state)
{
	(void)state;
	static const char *const changes[] = {"name = 'x.json'", "key = x'78'",
	    "mtime = mtime + 1", "mtime = mtime + (1 << 40)", "kind = 4",
	    "size = size + 1", "other_size = other_size - 1"};
	put_three();
	int64_t b = found(table, "b.json").id;
	run_sql("CREATE TABLE kept AS SELECT * FROM node");
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		char sql[200], names[64] = "";
		struct node node;
		bool renamed = i == 0;
		snprintf(sql, sizeof(sql),
		    "UPDATE node SET %s WHERE name = 'b.json'", changes[i]);
		run_sql(sql);
		assert_int_equal(replica_get(replica, b, &node), -EIO);
		assert_int_equal(replica_lookup(replica, table,
				     renamed ? "x.json" : "b.json", &node),
		    -EIO);
		assert_int_equal(replica_entries(replica, table, 0, INT64_MAX,
				     on_name, names),
		    -EIO);
		assert_string_equal(names, "a.json");
		assert_int_equal(found(table, "c.json").live, 1);
		run_sql("UPDATE node SET (name, key, mtime, kind, size,"
			" other_size) = (SELECT name, key, mtime, kind, size,"
			" other_size FROM kept WHERE kept.id = node.id)");
		assert_int_equal(got(b).id, b);
	}
}

static int names_of_all(char names[64])
{
	names[0] = '\0';
	return replica_entries(replica, table, 0, INT64_MAX, on_name, names);
}

/* Not another one, nor none: that would be a hole. */
static void an_entry_leads_to_its_node_or_is_an_error(void **state)
{
	(void)state;
	static const char *const changes[] = {
	    "node = node + 1", "node = node + 1000", "node = 3", "pos = 7"};
	char names[64];
	put_three();
	run_sql("CREATE TABLE kept AS SELECT * FROM entry");
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		char sql[200];
		assert_int_equal(names_of_all(names), 0);
		assert_string_equal(names, "a.jsonb.jsonc.json");
		snprintf(sql, sizeof(sql), "UPDATE entry SET %s WHERE pos = 2",
		    changes[i]);
		run_sql(sql);
		assert_int_equal(names_of_all(names), -EIO);
		run_sql("DELETE FROM entry;"
			"INSERT INTO entry SELECT * FROM kept");
	}
}

/* The index of names has rows of its own, which nothing else is checked by. */
static void a_name_leads_to_its_node_or_is_an_error(void **state)
{
	(void)state;
	struct node node;
	put_three();
	run_sql("DROP INDEX node_by_name; CREATE UNIQUE INDEX node_by_name"
		" ON node(dir, iif(name = 'a.json', 'b.json', iif(name ="
		" 'b.json', 'a.json', name))) WHERE live = 1");
	run_sql("PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql ="
		" 'CREATE UNIQUE INDEX node_by_name ON node(dir, name)"
		" WHERE live = 1' WHERE name = 'node_by_name'");
	reopen();
	assert_int_equal(replica_lookup(replica, table, "a.json", &node), -EIO);
	assert_int_equal(replica_lookup(replica, table, "b.json", &node), -EIO);
	assert_int_equal(found(table, "c.json").live, 1);
}

/* What is found out of an object later, is not held against it. */
static void what_may_change_of_a_node_may(void **state)
{
	(void)state;
	struct replica_row file = object_row("f1", 9);
	begin();
	struct node node = put_row(&file, 0, 1, false);
	uint64_t salt;
	assert_int_equal(
	    replica_set_object(replica, node.id, 7, "\"e\"", &salt), 0);
	commit();
	put_three();
	reopen();
	assert_int_equal(got(node.id).size, 7);
	assert_int_equal(got(found(table, "a.json").id).live, 1);
}

/* What an older version put has no checksum, and is believed. */
static void what_has_none_is_believed(void **state)
{
	(void)state;
	put_three();
	run_sql("UPDATE entry SET sum = 0, pos = 7 WHERE pos = 1;"
		"UPDATE node SET sum = 0, mtime = 5; UPDATE text SET sum = 0,"
		" text = CAST('{\"n\":7}' AS BLOB)");
	assert_int_equal(found(table, "a.json").mtime_ms, 5);
	assert_reads(found(table, "a.json").id, 0);
}

/* Of more bytes than are looked over at once; each of them counts. */
static void a_large_text_is_looked_over_bit_by_bit(void **state)
{
	(void)state;
	const size_t len = (1 << 20) + 12345;
	static const size_t places[] = {
	    0, 1, 262143, 262144, 300000, (1 << 20) + 12344};
	CLEANUP_FREE char *text = malloc(len + 1);
	assert_non_null(text);
	memset(text, 'x', len);
	text[len] = '\0';
	begin();
	int64_t id = put("large", text, 0, 1).id;
	commit();
	assert_int_equal(replica_check_text(replica, id), 0);
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		char sql[300];
		static const char replace[] =
		    "UPDATE text SET text = CAST(substr(text, 1, %zu) || '%c' "
		    "|| substr(text, %zu) AS BLOB)";
		snprintf(
		    sql, sizeof(sql), replace, places[i], 'y', places[i] + 2);
		run_sql(sql);
		assert_int_equal(replica_check_text(replica, id), -EIO);
		snprintf(
		    sql, sizeof(sql), replace, places[i], 'x', places[i] + 2);
		run_sql(sql);
		assert_int_equal(replica_check_text(replica, id), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_text_is_as_it_was_put_or_an_error),
	    TEST(a_text_belongs_to_its_node),
	    TEST(a_node_is_as_it_was_put_or_an_error),
	    TEST(an_entry_leads_to_its_node_or_is_an_error),
	    TEST(a_name_leads_to_its_node_or_is_an_error),
	    TEST(what_may_change_of_a_node_may),
	    TEST(what_has_none_is_believed),
	    TEST(a_large_text_is_looked_over_bit_by_bit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
