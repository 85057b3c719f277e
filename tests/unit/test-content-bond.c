/* Kept contents belong to a row, not to its number: numbers come again when a
 * database loses its last commits, or an older file of it is put back. */
#include <stdio.h>
#include <stdlib.h>

#include "unit.h"

#include "content-fixture.h"
#include "remove-tree.h"

#define SIZE (3 * BLOCK + 5)

static char older[512];

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

static void close_all(void)
{
	cache_close();
	replica_close(replica);
	replica = NULL;
}

static void open_all(void)
{
	assert_int_equal(
	    replica_open(cache_dir, "project", false, &replica), 0);
	cache_open(AMPLE);
}

/* The database's file; the log is empty once it was closed. */
static void database_path(char out[256])
{
	char below[256];
	content_path("", below);
	char *end = strstr(below, ".content");
	assert_non_null(end);
	snprintf(out, 256, "%.*s.db", (int)(end - below), below);
}

static void remember_database(void)
{
	char path[256];
	database_path(path);
	close_all();
	snprintf(older, sizeof(older), "%s/older", cache_dir);
	copy_file(path, older);
	open_all();
}

static void put_database_back(void)
{
	char path[256];
	database_path(path);
	close_all();
	copy_file(older, path);
	remove(older);
	open_all();
}

/* An object that has answered, as the replica has it. */
static struct node prove(int64_t id, int64_t size)
{
	uint64_t salt;
	struct node node;
	assert_int_equal(replica_begin(replica), 0);
	assert_int_equal(
	    replica_set_object(replica, id, size, "\"one\"", &salt), 0);
	assert_int_equal(replica_commit(replica), 0);
	assert_int_equal(replica_get(replica, id, &node), 0);
	assert_true(node.salt == salt);
	return node;
}

static void keep_bytes(const struct node *node)
{
	struct blob *blob = blob_new((size_t)node->size, NULL);
	memset(blob->data, 'k', (size_t)node->size);
	content_keep(content, node, 0, blob, node->size);
	blob_unref(blob);
	settle();
}

static int read_kept(const struct node *node)
{
	static char out[SIZE];
	int r = content_read(content, node, 0, out, (size_t)node->size);
	for (int64_t i = 0; r == 0 && i < node->size; i++)
		assert_int_equal(out[i], 'k');
	return r;
}

static void what_is_kept_stays_with_its_row(void **state)
{
	(void)state;
	struct node node = prove(put_objects(1, SIZE), SIZE);
	keep_bytes(&node);
	close_all();
	open_all();
	assert_int_equal(replica_get(replica, node.id, &node), 0);
	assert_int_equal(read_kept(&node), 0);
}

static void a_number_that_comes_again_has_none_of_it(void **state)
{
	(void)state;
	put_objects(1, SIZE);
	remember_database();
	struct node lost = prove(put_objects(1, SIZE), SIZE);
	keep_bytes(&lost);
	put_database_back();
	struct node other = prove(put_objects(1, SIZE), SIZE);
	assert_int_equal(other.id, lost.id);
	assert_true(read_kept(&other) < 0);
	/* What is its own is kept in the same place. */
	keep_bytes(&other);
	assert_int_equal(read_kept(&other), 0);
	assert_true(read_kept(&lost) < 0);
}

/* The row is the same, but for the commit that said which version answered. */
static void an_answer_that_was_lost_has_none_of_it(void **state)
{
	(void)state;
	int64_t id = put_objects(1, SIZE);
	remember_database();
	struct node node = prove(id, SIZE);
	keep_bytes(&node);
	put_database_back();
	node = prove(id, SIZE);
	assert_true(read_kept(&node) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(what_is_kept_stays_with_its_row),
	    TEST(a_number_that_comes_again_has_none_of_it),
	    TEST(an_answer_that_was_lost_has_none_of_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
