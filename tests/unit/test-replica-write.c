/* What is written into a replica: passes over a directory, names, objects. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "unit.h"

#include "base/timestamp.h"
#include "replica-fixture.h"

/* ---- writes ---- */

static void a_write_reads_what_it_wrote_and_can_be_undone(void **state)
{
	(void)state;
	begin();
	struct node node = put("a", "{}", 0, 1);
	assert_int_equal(found(table, "a.json").id, node.id);
	assert_entries("1:a.json ");
	replica_rollback(replica);
	assert_missing("a.json");
	assert_entries("");
	assert_gone(node.id);
	/* The next one begins afresh. */
	begin();
	put("b", "{}", 0, 1);
	commit();
	found(table, "b.json");
}

/* ---- passes ---- */

static void entries_stand_in_the_order_of_their_positions(void **state)
{
	(void)state;
	begin();
	put("c", "{}", 0, 30);
	put("a", "{}", 0, 10);
	put("b", "{}", 0, 20);
	put("unlisted", "{}", 0, 0);
	commit();
	assert_entries("10:a.json 20:b.json 30:c.json ");
	assert_entries_of(table, 10, 30, "20:b.json ");
	assert_entries_of(table, 9, 31, "10:a.json 20:b.json 30:c.json ");
	assert_entries_of(table, 30, INT64_MAX, "");
	assert_entries_of(table + 1, -1, INT64_MAX, "");
	found(table, "unlisted.json");
}

static void a_walk_ends_when_its_caller_says_so(void **state)
{
	(void)state;
	begin();
	for (int i = 0; i < 9; i++) {
		char id[2] = {(char)('a' + i), '\0'};
		put(id, "{}", 0, i + 1);
	}
	commit();
	for (int i = 0; i < 3; i++) {
		struct walk walk = {.left = 2};
		assert_int_equal(replica_entries(replica, table, 0, INT64_MAX,
				     on_entry, &walk),
		    7);
		assert_string_equal(walk.text, "1:a.json 2:b.json ");
	}
}

/* Rows a, b, ... for replica_put_new, the first of them with this id. */
static void make_rows(struct replica_row *rows, size_t count, int64_t id)
{
	static char names[9][16], keys[9][2];
	for (size_t i = 0; i < count; i++) {
		snprintf(keys[i], sizeof(keys[i]), "%c", (char)('a' + i));
		rows[i] = row(keys[i], "{\"v\":1}");
		snprintf(names[i], sizeof(names[i]), "%s", rows[i].name);
		rows[i].name = names[i];
		rows[i].id = id + (int64_t)i;
	}
}

static void rows_that_are_new_are_put_at_once(void **state)
{
	(void)state;
	for (int side = 0; side < 2; side++) {
		const struct replica_place first = {side, 100, 101};
		struct replica_row rows[5];
		struct replica_totals before, after;
		int64_t id = replica_reserve_ids(replica, 5);
		make_rows(rows, 5, id);
		replica_totals(replica, &before);
		begin();
		assert_int_equal(replica_put_new(replica, rows, 5, &first), 1);
		commit();
		assert_entries("101:a.json 102:b.json 103:c.json 104:d.json "
			       "105:e.json ");
		struct node node = found(table, "c.json");
		assert_int_equal(node.id, id + 2);
		assert_int_equal(node.kind, NODE_KIND_RECORD);
		assert_int_equal(node.mtime_ms, 1000);
		assert_int_equal(node.size, 7);
		assert_int_equal(node.other_size, 17);
		assert_int_equal(node.pos[side], 103);
		assert_int_equal(node.pos[!side], 0);
		assert_record_text(node.id, "{\"v\":1}");
		assert_blob(replica_key, node.id, TEXT("c"));
		replica_totals(replica, &after);
		assert_int_equal(after.nodes, before.nodes + 5);
		assert_int_equal(after.bytes, before.bytes + 5 * 7);
		/* What is put alone afterwards finds them. */
		begin();
		struct replica_row what = row("c", "{\"v\":1}");
		const struct replica_place place = {side, 100, 150};
		bool again = false;
		assert_int_equal(
		    replica_put(replica, &what, &place, &node, &again), 0);
		assert_true(again);
		commit();
		assert_int_equal(fixture_teardown(state), 0);
		assert_int_equal(fixture_setup(state), 0);
	}
}

static void where_a_row_is_known_none_is_put(void **state)
{
	const struct replica_place first = {0, 100, 101};
	struct replica_row rows[5];
	struct replica_totals before, after;
	/* The first one, one in the middle, the last one; one that stands there
	 * twice. */
	for (int known = 0; known < 7; known += 2) {
		begin();
		int64_t id = replica_reserve_ids(replica, 5);
		make_rows(rows, 5, id);
		if (known < 5)
			put_row(&(struct replica_row){.dir = table,
				    .kind = NODE_KIND_RECORD,
				    .key = rows[known].key,
				    .key_len = 1,
				    .name = rows[known].name,
				    .text = "{}",
				    .text_len = 2},
			    0, 0, false);
		else
			rows[4].name = rows[1].name;
		/* After one that was new, they are thought to be new, too. */
		put("z", "{}", 0, 0);
		commit();
		replica_totals(replica, &before);
		begin();
		assert_int_equal(replica_put_new(replica, rows, 5, &first), 0);
		commit();
		assert_entries("");
		for (int i = 0; i < 5; i++)
			assert_gone(id + i);
		replica_totals(replica, &after);
		assert_int_equal(after.nodes, before.nodes);
		assert_int_equal(after.bytes, before.bytes);
		assert_int_equal(fixture_teardown(state), 0);
		assert_int_equal(fixture_setup(state), 0);
	}
}

static void a_record_stands_once_in_a_pass(void **state)
{
	(void)state;
	begin();
	struct replica_row what = row("a", "{}");
	put_row(&what, 100, 101, false);
	struct node second = put_row(&what, 100, 150, true);
	assert_int_equal(second.pos[0], 101);
	assert_entries("101:a.json ");
	/* The next pass has it anew. */
	put_row(&what, 200, 201, false);
	put_row(&what, 200, 202, true);
	commit();
	assert_entries("101:a.json 201:a.json ");
}

static void a_record_that_changes_within_a_pass_keeps_its_place(void **state)
{
	(void)state;
	begin();
	struct node old = put("a", "{\"v\":1}", 100, 101);
	struct replica_row what = row("a", "{\"v\":2}");
	struct node fresh = put_row(&what, 100, 150, true);
	commit();
	assert_true(fresh.id > old.id);
	assert_entries("101:a.json ");
	struct walk walk = {.left = -1};
	replica_entries(replica, table, 0, INT64_MAX, on_entry, &walk);
	assert_int_equal(found(table, "a.json").id, fresh.id);
	assert_int_equal(got(fresh.id).pos[0], 101);
}

static void a_page_can_be_taken_back(void **state)
{
	(void)state;
	begin();
	struct node a = put("a", "{}", 100, 101);
	put("b", "{}", 100, 102);
	put("c", "{}", 100, 103);
	assert_int_equal(replica_unlist(replica, table, 101, 102), 0);
	commit();
	assert_entries("103:c.json ");
	assert_int_equal(got(a.id).pos[0], 0);
	assert_int_equal(found(table, "a.json").id, a.id);
	/* Then it comes again, at another place. */
	begin();
	struct replica_row what = row("a", "{}");
	assert_int_equal(put_row(&what, 100, 104, false).id, a.id);
	commit();
	assert_entries("103:c.json 104:a.json ");
}

static int add_name(void *ctx, const char *name)
{
	return buf_printf(ctx, "%s ", name);
}

static void a_sweep_buries_what_was_not_seen(void **state)
{
	(void)state;
	struct buf gone_names;
	buf_init(&gone_names, 1000);
	begin();
	struct node gone = put("gone", "{\"x\":1}", 0, 1);
	put("kept", "{}", 0, 2);
	struct replica_row alone = row("alone", "{}");
	alone.checked = 5000;
	put_row(&alone, 0, 3, false);
	struct replica_row stale = row("stale", "{}");
	stale.checked = 4999;
	put_row(&stale, 0, 0, false);
	put("kept", "{}", 100, 101);
	assert_int_equal(
	    replica_sweep(replica, table, 0, 100, 5000, add_name, &gone_names),
	    0);
	commit();
	assert_string_equal(buf_str(&gone_names), "gone.json stale.json ");
	buf_done(&gone_names);
	assert_missing("gone.json");
	assert_missing("stale.json");
	found(table, "kept.json");
	found(table, "alone.json");
	/* Who holds the old node, or an old place, still reads. */
	assert_record_text(gone.id, "{\"x\":1}");
	assert_entries_of(
	    table, 0, 100, "1:gone.json 2:kept.json 3:alone.json ");
	assert_int_equal(found(NODE_ROOT, "posts").id, table);
}

static void a_trim_forgets_entries_below(void **state)
{
	(void)state;
	begin();
	put("a", "{}", 0, 1);
	put("b", "{}", 0, 2);
	put("a", "{}", 100, 101);
	assert_int_equal(replica_trim(replica, table, 101), 0);
	commit();
	assert_entries("101:a.json ");
	found(table, "b.json"); /* only its place is forgotten */
}

static void what_is_buried_is_thrown_away_at_the_next_start(void **state)
{
	(void)state;
	struct replica_listing listing = {.base = 100, .end = 200, .count = 1};
	begin();
	struct node old = put("a", "{\"v\":1}", 0, 1);
	struct node gone = put("gone", "{}", 0, 2);
	struct node fresh = put("a", "{\"v\":2}", 100, 101);
	assert_int_equal(
	    replica_sweep(replica, table, 0, 100, 1, NULL, NULL), 0);
	assert_int_equal(replica_set_listing(replica, table, &listing), 0);
	commit();
	reopen();
	assert_gone(gone.id);
	assert_gone(old.id);
	assert_int_equal(found(table, "a.json").id, fresh.id);
	assert_record_text(fresh.id, "{\"v\":2}");
	assert_entries_of(table, 100, 200, "101:a.json ");
	struct replica_totals totals;
	replica_totals(replica, &totals);
	assert_int_equal(totals.nodes, 2);
}

/* ---- names ---- */

static void a_name_that_belongs_to_another_key_is_told(void **state)
{
	(void)state;
	struct replica_row first = object_row("1", 5);
	struct replica_row second = object_row("2", 6);
	const struct replica_place place = {0, 0, 2};
	struct node node = {0};
	bool again;
	second.name = first.name = "same.jpg";
	begin();
	struct node holder = put_row(&first, 0, 1, false);
	assert_int_equal(
	    replica_put(replica, &second, &place, &node, &again), -EEXIST);
	assert_int_equal(node.id, holder.id);
	assert_int_equal(node.pos[0], 1);
	commit();
	assert_int_equal(found(NODE_STORAGE, "same.jpg").id, holder.id);
	assert_entries_of(NODE_STORAGE, 0, 9, "1:same.jpg ");
}

static uint64_t salt;

static void a_renamed_node_hands_on_its_place(void **state)
{
	(void)state;
	struct replica_row what = object_row("7", 5);
	struct node fresh = {0};
	what.name = "x.jpg";
	what.checked = 99;
	begin();
	struct node old = put_row(&what, 0, 1, false);
	assert_int_equal(
	    replica_set_object(replica, old.id, 5, "\"t\"", &salt), 0);
	old = got(old.id);
	assert_int_equal(replica_rename(replica, &old, "x~1.jpg", &fresh), 0);
	commit();
	assert_true(fresh.id > old.id);
	assert_int_equal(fresh.size, 5);
	assert_int_equal(fresh.checked, 99);
	assert_true(fresh.proven);
	assert_true(got(fresh.id).proven);
	assert_true(fresh.salt == got(fresh.id).salt);
	assert_true(fresh.salt != old.salt);
	assert_blob(replica_etag, fresh.id, TEXT("\"t\""));
	assert_blob(replica_key, fresh.id, TEXT("7"));
	assert_entries_of(NODE_STORAGE, 0, 9, "1:x~1.jpg ");
	struct node node;
	assert_int_equal(
	    replica_lookup(replica, NODE_STORAGE, "x.jpg", &node), -ENOENT);
	assert_int_equal(found(NODE_STORAGE, "x~1.jpg").id, fresh.id);
	assert_false(got(old.id).live);
	/* The name is free for the other one. */
	struct replica_row other = object_row("3", 6);
	other.name = "x.jpg";
	begin();
	put_row(&other, 0, 2, false);
	commit();
	assert_entries_of(NODE_STORAGE, 0, 9, "1:x~1.jpg 2:x.jpg ");
}

static void a_buried_node_leaves_name_and_place(void **state)
{
	(void)state;
	begin();
	struct node node = put("a", "{\"x\":1}", 0, 1);
	assert_int_equal(replica_bury(replica, &node, 0), 0);
	commit();
	assert_missing("a.json");
	assert_entries("");
	assert_record_text(node.id, "{\"x\":1}");
}

/* ---- objects ---- */

static void an_object_that_answered_has_its_true_size(void **state)
{
	(void)state;
	struct replica_row what = object_row("7", 5);
	begin();
	struct node node = put_row(&what, 0, 1, false);
	assert_false(node.proven);
	assert_int_equal(
	    replica_set_object(replica, node.id, 1234, "\"tag\"", &salt), 0);
	commit();
	reopen();
	struct node proven = got(node.id);
	assert_true(proven.proven);
	assert_false(proven.spoiled);
	assert_int_equal(proven.size, 1234);
	assert_int_equal(proven.other_size, 5); /* as claimed */
	assert_blob(replica_etag, node.id, TEXT("\"tag\""));
	/* The same metadata again does not take that back. */
	begin();
	struct node again = put_row(&what, 100, 101, false);
	commit();
	assert_int_equal(again.id, node.id);
	assert_int_equal(got(node.id).size, 1234);
	assert_true(got(node.id).proven);
	/* Another claim does. */
	what.size = what.other_size = 6;
	begin();
	struct node other = put_row(&what, 200, 201, false);
	commit();
	assert_true(other.id > node.id);
	assert_false(other.proven);
	assert_int_equal(got(other.id).size, 6);
	assert_int_equal(got(node.id).size, 1234);
}

static void an_object_that_is_another_gets_a_new_node(void **state)
{
	(void)state;
	struct replica_row what = object_row("7", 5);
	what.name = "x.jpg";
	begin();
	struct node old = put_row(&what, 0, 1, false);
	assert_int_equal(
	    replica_set_object(replica, old.id, 5, "\"t\"", &salt), 0);
	commit();
	old = got(old.id);
	begin();
	struct node renewed;
	assert_int_equal(
	    replica_renew_object(replica, &old, -1, "", &renewed), 0);
	commit();
	struct node fresh = found(NODE_STORAGE, "x.jpg");
	assert_int_equal(renewed.id, fresh.id);
	assert_true(fresh.id > old.id);
	assert_int_equal(fresh.size, -1);
	assert_false(fresh.proven);
	assert_false(fresh.spoiled);
	assert_blob(replica_etag, fresh.id, TEXT(""));
	assert_blob(replica_key, fresh.id, TEXT("7"));
	old = got(old.id);
	assert_false(old.live);
	assert_true(old.spoiled);
	assert_entries_of(NODE_STORAGE, 0, 9, "1:x.jpg ");
	/* One that no name leads to is spoiled, and that is all. */
	begin();
	assert_int_equal(
	    replica_renew_object(replica, &old, -1, "", &renewed), 0);
	assert_int_equal(renewed.id, 0);
	commit();
	assert_int_equal(found(NODE_STORAGE, "x.jpg").id, fresh.id);
	/* One of which the size was not true, and the true one is known. */
	begin();
	assert_int_equal(
	    replica_renew_object(replica, &fresh, 9, "\"u\"", &renewed), 0);
	commit();
	fresh = found(NODE_STORAGE, "x.jpg");
	assert_int_equal(fresh.id, renewed.id);
	assert_int_equal(fresh.size, 9);
	assert_int_equal(fresh.other_size, 5); /* as claimed */
	assert_true(fresh.proven);
	assert_blob(replica_etag, fresh.id, TEXT("\"u\""));
}

/* ---- since when ---- */

/* The clock shows another moment from now on. */
static void tick(void)
{
	int64_t now = timestamp_now_ms();
	while (timestamp_now_ms() == now)
		usleep(100);
}

static void a_node_is_as_old_as_it_is_the_same(void **state)
{
	(void)state;
	int64_t before = timestamp_now_ms();
	begin();
	struct node node = put("a", "{\"x\":1}", 0, 1);
	commit();
	assert_in_range(node.taken_ms, before, timestamp_now_ms());
	tick();
	begin();
	assert_int_equal(put("a", "{\"x\":1}", 10, 11).taken_ms, node.taken_ms);
	struct node changed = put("a", "{\"x\":2}", 20, 21);
	commit();
	assert_true(changed.taken_ms > node.taken_ms);
	reopen();
	assert_int_equal(found(table, "a.json").taken_ms, changed.taken_ms);
	assert_int_equal(got(changed.id).taken_ms, changed.taken_ms);
}

static void rows_that_are_put_at_once_have_a_moment(void **state)
{
	(void)state;
	const struct replica_place first = {0, 100, 101};
	struct replica_row rows[5];
	make_rows(rows, 5, replica_reserve_ids(replica, 5));
	int64_t before = timestamp_now_ms();
	begin();
	assert_int_equal(replica_put_new(replica, rows, 5, &first), 1);
	commit();
	for (int i = 0; i < 5; i++)
		assert_in_range(
		    got(rows[i].id).taken_ms, before, timestamp_now_ms());
}

static void an_object_changes_with_its_size(void **state)
{
	(void)state;
	struct replica_row what = object_row("7", 5);
	begin();
	struct node node = put_row(&what, 0, 1, false);
	tick();
	assert_int_equal(
	    replica_set_object(replica, node.id, 5, "\"t\"", &salt), 0);
	assert_int_equal(got(node.id).taken_ms, node.taken_ms);
	assert_int_equal(
	    replica_set_object(replica, node.id, 6, "\"t\"", &salt), 0);
	assert_true(got(node.id).taken_ms > node.taken_ms);
	commit();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_write_reads_what_it_wrote_and_can_be_undone),
	    TEST(entries_stand_in_the_order_of_their_positions),
	    TEST(a_walk_ends_when_its_caller_says_so),
	    TEST(rows_that_are_new_are_put_at_once),
	    TEST(where_a_row_is_known_none_is_put),
	    TEST(a_record_stands_once_in_a_pass),
	    TEST(a_record_that_changes_within_a_pass_keeps_its_place),
	    TEST(a_page_can_be_taken_back),
	    TEST(a_sweep_buries_what_was_not_seen),
	    TEST(a_trim_forgets_entries_below),
	    TEST(what_is_buried_is_thrown_away_at_the_next_start),
	    TEST(a_name_that_belongs_to_another_key_is_told),
	    TEST(a_renamed_node_hands_on_its_place),
	    TEST(a_buried_node_leaves_name_and_place),
	    TEST(an_object_that_answered_has_its_true_size),
	    TEST(an_object_that_is_another_gets_a_new_node),
	    TEST(a_node_is_as_old_as_it_is_the_same),
	    TEST(rows_that_are_put_at_once_have_a_moment),
	    TEST(an_object_changes_with_its_size),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
