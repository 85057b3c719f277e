#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "replica/replica.h"

#define PROJECT "https://api.test pk_project"

static char root[64];
static char dir[96];
static struct replica *replica;
static int64_t table; /* the directory of posts */

/* ---- places ---- */

static int remove_one(
    const char *path, const struct stat *info, int flag, struct FTW *ftw)
{
	(void)info;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static void open_in(const char *where)
{
	assert_int_equal(replica_open(where, PROJECT, false, &replica), 0);
}

static void reopen(void)
{
	replica_close(replica);
	replica = NULL;
	open_in(dir);
}

static void begin(void)
{
	assert_int_equal(replica_begin(replica), 0);
}

static void commit(void)
{
	assert_int_equal(replica_commit(replica), 0);
}

static int setup(void **state)
{
	(void)state;
	log_set_level(LOG_LEVEL_ERROR);
	strcpy(root, "/tmp/test-replica-XXXXXX");
	if (!mkdtemp(root))
		return -1;
	snprintf(dir, sizeof(dir), "%s/deep/cache", root);
	open_in(dir);
	begin();
	assert_int_equal(
	    replica_put_table(replica, "posts", "posts", true, &table), 0);
	commit();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	replica_close(replica);
	replica = NULL;
	return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* The one file in where whose name ends so. */
static void find_file(const char *where, const char *end, char out[512])
{
	DIR *stream = opendir(where);
	struct dirent *entry;
	out[0] = '\0';
	assert_non_null(stream);
	while ((entry = readdir(stream))) {
		size_t len = strlen(entry->d_name), tail = strlen(end);
		if (len > tail && strcmp(entry->d_name + len - tail, end) == 0)
			snprintf(out, 512, "%s/%s", where, entry->d_name);
	}
	closedir(stream);
	assert_true(out[0]);
}

/* ---- rows ---- */

static struct replica_row row(const char *id, const char *text)
{
	static char name[300];
	snprintf(name, sizeof(name), "%s.json", id);
	return (struct replica_row){
	    .dir = table,
	    .kind = NODE_KIND_RECORD,
	    .key = id,
	    .key_len = strlen(id),
	    .name = name,
	    .text = text,
	    .text_len = strlen(text),
	    .mtime_ms = 1000,
	    .size = (int64_t)strlen(text),
	    .other_size = (int64_t)strlen(text) + 10,
	};
}

static struct replica_row object_row(const char *id, int64_t size)
{
	struct replica_row object = row(id, "");
	object.dir = NODE_STORAGE;
	object.kind = NODE_KIND_OBJECT;
	object.text = NULL;
	object.size = object.other_size = size;
	return object;
}

/* Put within a write that is open. */
static struct node put_row(const struct replica_row *what, int64_t base,
    int64_t pos, bool expect_again)
{
	struct node node = {0};
	bool again = !expect_again;
	assert_int_equal(
	    replica_put(replica, what, base, pos, &node, &again), 0);
	assert_int_equal(again, expect_again);
	return node;
}

static struct node put(
    const char *id, const char *text, int64_t base, int64_t pos)
{
	struct replica_row what = row(id, text);
	return put_row(&what, base, pos, false);
}

static struct node found(int64_t in, const char *name)
{
	struct node node = {0};
	assert_int_equal(replica_lookup(replica, in, name, &node), 0);
	return node;
}

static void assert_missing(const char *name)
{
	struct node node;
	assert_int_equal(replica_lookup(replica, table, name, &node), -ENOENT);
}

static struct node got(int64_t id)
{
	struct node node = {0};
	assert_int_equal(replica_get(replica, id, &node), 0);
	return node;
}

static void assert_gone(int64_t id)
{
	struct node node;
	assert_int_equal(replica_get(replica, id, &node), -ENOENT);
}

typedef int (*blob_fn)(struct replica *, int64_t, struct buf *);

static void assert_blob(blob_fn fn, int64_t id, const char *text, size_t len)
{
	struct buf out;
	buf_init(&out, BUF_MAX_DEFAULT);
	assert_int_equal(fn(replica, id, &out), 0);
	assert_text(buf_str(&out), out.len, text, len);
	buf_done(&out);
}

static void assert_record_text(int64_t id, const char *text)
{
	assert_blob(replica_text, id, text, strlen(text));
}

/* ---- entries, as "pos:name=id " ---- */

struct walk {
	char text[1024];
	int left; /* ends the walk when it gets to 0 */
};

static int on_entry(
    void *ctx, const struct node *node, const char *name, int64_t pos)
{
	struct walk *walk = ctx;
	size_t len = strlen(walk->text);
	assert_true(node->id > 0);
	snprintf(walk->text + len, sizeof(walk->text) - len, "%d:%s ", (int)pos,
	    name);
	return --walk->left == 0 ? 7 : 0;
}

static void assert_entries_of(
    int64_t in, int64_t after, int64_t before, const char *expected)
{
	struct walk walk = {.left = -1};
	assert_int_equal(
	    replica_entries(replica, in, after, before, on_entry, &walk), 0);
	assert_string_equal(walk.text, expected);
}

static void assert_entries(const char *expected)
{
	assert_entries_of(table, -1, INT64_MAX, expected);
}

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
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
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
	    .base = 1, .end = 9, .listed_ms = 123, .count = 1, .newest_ms = 77};
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
	assert_int_equal(after.pos, 5);
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

static void a_newer_version_is_refused_and_left_alone(void **state)
{
	(void)state;
	char path[512];
	sqlite3 *db;
	begin();
	put("a", "{}", 0, 1);
	commit();
	replica_close(replica);
	replica = NULL;
	find_file(dir, ".db", path);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(
	    sqlite3_exec(db, "PRAGMA user_version = 999", NULL, NULL, NULL),
	    SQLITE_OK);
	sqlite3_close(db);
	struct replica *newer = NULL;
	assert_int_equal(replica_open(dir, PROJECT, false, &newer), -EBADMSG);
	assert_null(newer);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(
	    sqlite3_exec(db, "PRAGMA user_version = 1", NULL, NULL, NULL),
	    SQLITE_OK);
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
	assert_int_equal(second.pos, 101);
	assert_int_equal(got(first.id).pos, 101);
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
	assert_int_equal(got(fresh.id).pos, 101);
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
	bool again;
	other.key = "another";
	other.key_len = strlen(other.key);
	assert_int_equal(
	    replica_put(replica, &other, 200, 205, &node, &again), -EEXIST);
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
		assert_int_equal(replica_bury(replica, &node), 0);
		commit();
		reopen(); /* which throws away what is buried */
		assert_gone(highest);
	}
	begin();
	assert_true(put("b", "{}", 0, 0).id > highest);
	commit();
}

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

static void a_record_stands_once_in_a_pass(void **state)
{
	(void)state;
	begin();
	struct replica_row what = row("a", "{}");
	put_row(&what, 100, 101, false);
	struct node second = put_row(&what, 100, 150, true);
	assert_int_equal(second.pos, 101);
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
	assert_int_equal(got(fresh.id).pos, 101);
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
	assert_int_equal(got(a.id).pos, 0);
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

static void names_come_in_order_from_any_one_on(void **state)
{
	(void)state;
	struct buf names;
	buf_init(&names, 1000);
	begin();
	put("b", "{}", 0, 1);
	put("c", "{}", 0, 0);
	put("a", "{}", 0, 2);
	struct node gone = put("gone", "{}", 0, 3);
	assert_int_equal(replica_bury(replica, &gone), 0);
	commit();
	assert_int_equal(
	    replica_names(replica, table, "", add_name, &names), 0);
	assert_string_equal(buf_str(&names), "a.json b.json c.json ");
	buf_clear(&names);
	assert_int_equal(
	    replica_names(replica, table, "a.json", add_name, &names), 0);
	assert_string_equal(buf_str(&names), "b.json c.json ");
	buf_done(&names);
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
	alone.checked_ms = 5000;
	put_row(&alone, 0, 3, false);
	struct replica_row stale = row("stale", "{}");
	stale.checked_ms = 4999;
	put_row(&stale, 0, 0, false);
	put("kept", "{}", 100, 101);
	assert_int_equal(
	    replica_sweep(replica, table, 100, 5000, add_name, &gone_names), 0);
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
	assert_int_equal(replica_sweep(replica, table, 100, 1, NULL, NULL), 0);
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
	struct node node = {0};
	bool again;
	second.name = first.name = "same.jpg";
	begin();
	struct node holder = put_row(&first, 0, 1, false);
	assert_int_equal(
	    replica_put(replica, &second, 0, 2, &node, &again), -EEXIST);
	assert_int_equal(node.id, holder.id);
	assert_int_equal(node.pos, 1);
	commit();
	assert_int_equal(found(NODE_STORAGE, "same.jpg").id, holder.id);
	assert_entries_of(NODE_STORAGE, 0, 9, "1:same.jpg ");
}

static void a_renamed_node_hands_on_its_place(void **state)
{
	(void)state;
	struct replica_row what = object_row("7", 5);
	struct node fresh = {0};
	what.name = "x.jpg";
	what.checked_ms = 99;
	begin();
	struct node old = put_row(&what, 0, 1, false);
	assert_int_equal(replica_set_object(replica, old.id, 5, "\"t\""), 0);
	old = got(old.id);
	assert_int_equal(replica_rename(replica, &old, "x~1.jpg", &fresh), 0);
	commit();
	assert_true(fresh.id > old.id);
	assert_int_equal(fresh.size, 5);
	assert_int_equal(fresh.checked_ms, 99);
	assert_true(fresh.proven);
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
	assert_int_equal(replica_bury(replica, &node), 0);
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
	    replica_set_object(replica, node.id, 1234, "\"tag\""), 0);
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
	assert_int_equal(replica_set_object(replica, old.id, 5, "\"t\""), 0);
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

static void a_log_cut_anywhere_leaves_a_replica_that_opens(void **state)
{
	(void)state;
	char where[128], wal[512];
	struct stat info;
	/* An older state in the database file, the newer one in the log. */
	begin();
	put("a", "{\"v\":1}", 0, 1);
	commit();
	reopen();
	begin();
	put("a", "{\"v\":2}", 1, 2);
	put("b", "{}", 1, 3);
	commit();
	crash_to(where, "cut");
	find_file(where, ".db-wal", wal);
	assert_int_equal(stat(wal, &info), 0);
	replica_close(replica);
	replica = NULL;
	for (off_t size = info.st_size; size >= 0; size -= 1531) {
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
		bool whole = size == info.st_size;
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

static void closing_nothing_is_fine(void **state)
{
	(void)state;
	replica_close(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(directories_are_made_for_the_owner_alone),
	    TEST(what_was_committed_is_there_after_reopening),
	    TEST(projects_have_replicas_of_their_own),
	    TEST(a_second_mount_of_a_project_is_refused),
	    TEST(a_newer_version_is_refused_and_left_alone),
	    TEST(a_file_that_is_no_database_is_eio),
	    TEST(a_place_that_cannot_be_made_is_told),
	    TEST(a_private_replica_is_gone_afterwards),
	    TEST(an_unchanged_record_keeps_its_node),
	    TEST(a_changed_record_is_a_new_node_and_the_old_one_still_reads),
	    TEST(every_difference_makes_a_new_node),
	    TEST(any_bytes_are_kept_as_they_are),
	    TEST(names_are_found_by_their_very_bytes),
	    TEST(what_is_not_there_is_enoent),
	    TEST(a_text_over_the_callers_cap_is_refused),
	    TEST(rows_are_known_whatever_came_before),
	    TEST(ids_are_never_used_again),
	    TEST(a_write_reads_what_it_wrote_and_can_be_undone),
	    TEST(entries_stand_in_the_order_of_their_positions),
	    TEST(a_walk_ends_when_its_caller_says_so),
	    TEST(a_record_stands_once_in_a_pass),
	    TEST(a_record_that_changes_within_a_pass_keeps_its_place),
	    TEST(a_page_can_be_taken_back),
	    TEST(a_sweep_buries_what_was_not_seen),
	    TEST(names_come_in_order_from_any_one_on),
	    TEST(a_trim_forgets_entries_below),
	    TEST(what_is_buried_is_thrown_away_at_the_next_start),
	    TEST(a_name_that_belongs_to_another_key_is_told),
	    TEST(a_renamed_node_hands_on_its_place),
	    TEST(a_buried_node_leaves_name_and_place),
	    TEST(an_object_that_answered_has_its_true_size),
	    TEST(an_object_that_is_another_gets_a_new_node),
	    TEST(tables_are_shown_when_they_are_listed),
	    TEST(a_table_keeps_its_own_name_beside_its_directorys),
	    TEST(the_log_is_carried_over_once_the_writer_rests),
	    TEST(a_long_log_is_carried_over_at_once),
	    TEST(a_crash_leaves_what_was_committed_and_nothing_else),
	    TEST(a_log_cut_anywhere_leaves_a_replica_that_opens),
	    cmocka_unit_test(closing_nothing_is_fine),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
