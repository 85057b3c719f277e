#include "replica-fixture.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "unit.h"

#include "base/log.h"

char root[64];
char dir[96];
struct replica *replica;
int64_t table;

/* ---- places ---- */

void open_in(const char *where)
{
	assert_int_equal(replica_open(where, PROJECT, false, &replica), 0);
}

void reopen(void)
{
	replica_close(replica);
	replica = NULL;
	open_in(dir);
}

void begin(void)
{
	assert_int_equal(replica_begin(replica), 0);
}

void commit(void)
{
	assert_int_equal(replica_commit(replica), 0);
}

int fixture_setup(void **state)
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

int fixture_teardown(void **state)
{
	(void)state;
	replica_close(replica);
	replica = NULL;
	return remove_tree(root);
}

void find_file(const char *where, const char *end, char out[512])
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

struct replica_row row(const char *id, const char *text)
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

struct replica_row object_row(const char *id, int64_t size)
{
	struct replica_row object = row(id, "");
	object.dir = NODE_STORAGE;
	object.kind = NODE_KIND_OBJECT;
	object.text = NULL;
	object.size = object.other_size = size;
	return object;
}

struct node put_row(const struct replica_row *what, int64_t base, int64_t pos,
    bool expect_again)
{
	struct node node = {0};
	bool again = !expect_again;
	const struct replica_place place = {0, base, pos};
	assert_int_equal(replica_put(replica, what, &place, &node, &again), 0);
	assert_int_equal(again, expect_again);
	return node;
}

struct node put(const char *id, const char *text, int64_t base, int64_t pos)
{
	struct replica_row what = row(id, text);
	return put_row(&what, base, pos, false);
}

struct node found(int64_t in, const char *name)
{
	struct node node = {0};
	assert_int_equal(replica_lookup(replica, in, name, &node), 0);
	return node;
}

void assert_missing(const char *name)
{
	struct node node;
	assert_int_equal(replica_lookup(replica, table, name, &node), -ENOENT);
}

struct node got(int64_t id)
{
	struct node node = {0};
	assert_int_equal(replica_get(replica, id, &node), 0);
	return node;
}

void assert_gone(int64_t id)
{
	struct node node;
	assert_int_equal(replica_get(replica, id, &node), -ENOENT);
}

void assert_blob(blob_fn fn, int64_t id, const char *text, size_t len)
{
	struct buf out;
	buf_init(&out, BUF_MAX_DEFAULT);
	assert_int_equal(fn(replica, id, &out), 0);
	assert_text(buf_str(&out), out.len, text, len);
	buf_done(&out);
}

void assert_record_text(int64_t id, const char *text)
{
	assert_blob(replica_text, id, text, strlen(text));
}

/* ---- entries ---- */

int on_entry(void *ctx, const struct node *node, const char *name, int64_t pos)
{
	struct walk *walk = ctx;
	size_t len = strlen(walk->text);
	assert_true(node->id > 0);
	snprintf(walk->text + len, sizeof(walk->text) - len, "%d:%s ", (int)pos,
	    name);
	return --walk->left == 0 ? 7 : 0;
}

void assert_entries_of(
    int64_t in, int64_t after, int64_t before, const char *expected)
{
	struct walk walk = {.left = -1};
	assert_int_equal(
	    replica_entries(replica, in, after, before, on_entry, &walk), 0);
	assert_string_equal(walk.text, expected);
}

void assert_entries(const char *expected)
{
	assert_entries_of(table, -1, INT64_MAX, expected);
}
