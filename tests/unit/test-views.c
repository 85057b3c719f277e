/* What other programs see of the database: a view a table that is whole. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "unit.h"

#include "base/cleanup.h"
#include "replica-fixture.h"

/* ---- another program ---- */

/* What a question gives, row by row, or the error's words: opened read-only,
 * as any program may. */
static const char *asked(const char *sql)
{
	static char answer[4096];
	sqlite3 *db;
	sqlite3_stmt *s = NULL;
	size_t used = 0;
	answer[0] = '\0';
	assert_int_equal(sqlite3_open_v2(replica_path(replica), &db,
			     SQLITE_OPEN_READONLY, NULL),
	    SQLITE_OK);
	if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK)
		snprintf(answer, sizeof(answer), "%s", sqlite3_errmsg(db));
	while (s && sqlite3_step(s) == SQLITE_ROW) {
		const char *text = (const char *)sqlite3_column_text(s, 0);
		used += (size_t)snprintf(answer + used, sizeof(answer) - used,
		    "%s ", text ? text : "NULL");
	}
	sqlite3_finalize(s);
	sqlite3_close(db);
	return answer;
}

/* A directory's listing is known whole up to end. */
static void list_whole(int64_t of, int64_t end)
{
	struct replica_listing listing;
	assert_int_equal(replica_listing(replica, of, &listing), 0);
	listing.end = end;
	assert_int_equal(replica_set_listing(replica, of, &listing), 0);
}

static int64_t put_table(const char *name)
{
	int64_t id;
	assert_int_equal(replica_put_table(replica, name, name, true, &id), 0);
	return id;
}

/* ---- tests ---- */

static void a_table_has_a_view_once_it_is_whole(void **state)
{
	(void)state;
	begin();
	put("b", "{\"id\":\"b\",\"n\":2}", 0, 1);
	put("a", "{\"id\":\"a\",\"n\":1}", 0, 2);
	commit();
	assert_string_equal(
	    asked("SELECT id FROM posts"), "no such table: posts");
	begin();
	list_whole(table, 3);
	put("late", "{\"n\":3}", 0, 9);
	commit();
	assert_string_equal(asked("SELECT id FROM posts"), "b a ");
	assert_string_equal(asked("SELECT json FROM posts WHERE id = 'a'"),
	    "{\"id\":\"a\",\"n\":1} ");
	begin();
	list_whole(table, 10);
	commit();
	assert_string_equal(
	    asked("SELECT json ->> '$.n' FROM posts"), "2 1 3 ");
}

static void it_tells_the_dates(void **state)
{
	(void)state;
	begin();
	struct replica_row what =
	    row("a", "{\"createdAt\":\"2024-01-02T03:04:05Z\","
		     "\"updatedAt\":\"2024-01-02 03:04:06\"}");
	what.mtime_ms = 1704164646007;
	put_row(&what, 0, 1, false);
	list_whole(table, 2);
	commit();
	assert_string_equal(
	    asked("SELECT created_at FROM posts"), "2024-01-02T03:04:05Z ");
	assert_string_equal(
	    asked("SELECT updated_at FROM posts"), "2024-01-02 03:04:06 ");
	assert_string_equal(
	    asked("SELECT mtime FROM posts"), "2024-01-02T03:04:06.007Z ");
}

static void a_changed_record_is_there_once(void **state)
{
	(void)state;
	begin();
	put("a", "{\"n\":1}", 0, 1);
	put("b", "{\"n\":2}", 0, 2);
	list_whole(table, 3);
	commit();
	begin();
	put("a", "{\"n\":7}", 0, 0);
	struct node gone = found(table, "b.json");
	assert_int_equal(replica_bury(replica, &gone, 0), 0);
	/* Who asks meanwhile sees what was committed last. */
	assert_string_equal(asked("SELECT json ->> '$.n' FROM posts"), "1 2 ");
	commit();
	assert_string_equal(asked("SELECT json ->> '$.n' FROM posts"), "7 ");
}

/* The database's own names, SQLite's, and those that differ by case alone. */
static void no_name_is_in_the_way(void **state)
{
	(void)state;
	static const char *const names[] = {
	    "node", "text", "listing", "sqlite_x", "Posts", "pOSTS", "a-b"};
	begin();
	list_whole(table, 1);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		list_whole(put_table(names[i]), 1);
	commit();
	assert_string_equal(
	    asked("SELECT name FROM sqlite_schema WHERE type = 'view'"
		  " AND name NOT LIKE 'table.pOSTS.%'"),
	    "posts table.node table.text table.listing table.sqlite_x"
	    " table.Posts a-b ");
	assert_string_equal(
	    asked("SELECT count(*) FROM sqlite_schema WHERE type = 'view'"),
	    "8 ");
	assert_string_equal(asked("SELECT count(*) FROM \"a-b\""), "0 ");
	reopen();
	begin();
	list_whole(table, 2);
	commit();
	assert_string_equal(
	    asked("SELECT count(*) FROM sqlite_schema WHERE type = 'view'"),
	    "8 ");
}

static void stored_files_metadata_has_one_too(void **state)
{
	(void)state;
	begin();
	struct replica_row what = row("f1", "{\"originalName\":\"x\"}");
	what.dir = NODE_FILES;
	put_row(&what, 0, 1, false);
	list_whole(NODE_FILES, 2);
	list_whole(NODE_STORAGE, 2);
	commit();
	assert_string_equal(
	    asked("SELECT json ->> '$.originalName' FROM files"), "x ");
	assert_string_equal(
	    asked("SELECT name FROM sqlite_schema WHERE type = 'view'"),
	    "files ");
}

/* What its server calls incomplete never answers under a name that looks
 * whole. */
static void what_is_incomplete_says_so_in_its_name(void **state)
{
	(void)state;
	begin();
	put("a", "{\"n\":1}", 0, 1);
	list_whole(table, 2);
	assert_int_equal(replica_set_shortfall(replica, table, "page 2"), 0);
	commit();
	assert_string_equal(
	    asked("SELECT id FROM posts"), "no such table: posts");
	assert_string_equal(asked("SELECT id FROM \"incomplete.posts\""), "a ");
	begin();
	list_whole(table, 2);
	commit();
	assert_string_equal(asked("SELECT id FROM \"incomplete.posts\""), "a ");
	begin();
	assert_int_equal(replica_set_shortfall(replica, table, ""), 0);
	commit();
	assert_string_equal(asked("SELECT id FROM posts"), "a ");
	assert_string_equal(
	    asked("SELECT count(*) FROM sqlite_schema WHERE type = 'view'"),
	    "1 ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_table_has_a_view_once_it_is_whole),
	    TEST(it_tells_the_dates),
	    TEST(a_changed_record_is_there_once),
	    TEST(no_name_is_in_the_way),
	    TEST(stored_files_metadata_has_one_too),
	    TEST(what_is_incomplete_says_so_in_its_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
