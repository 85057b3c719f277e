/* A bit that flips in the database, wherever it is: what is read is as it was
 * put, or an error. */
#include <errno.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

#include "base/cleanup.h"
#include "replica-fixture.h"

#define PAGE 8192
#define RECORDS 300
#define LARGE 50000
#define ALL_MAX ((size_t)1 << 22)

#define DAMAGE_TEST(name)                                                      \
	cmocka_unit_test_setup_teardown(name, damage_setup, damage_teardown)

/* ---- a replica with something of everything ---- */

static void put_record(int64_t base, int i)
{
	char id[16], text[200];
	snprintf(id, sizeof(id), "r%04d", i);
	snprintf(
	    text, sizeof(text), "{\"id\":\"%s\",\"text\":\"%0100d\"}", id, i);
	put(id, text, base, i);
}

static void put_everything(void)
{
	uint64_t salt;
	CLEANUP_FREE char *large = malloc(LARGE + 1);
	assert_non_null(large);
	memset(large, 'x', LARGE);
	large[LARGE] = '\0';
	begin();
	for (int i = 1; i <= RECORDS; i++)
		put_record(0, i);
	put("large", large, 0, RECORDS + 1);
	struct replica_row file = object_row("f1", 9);
	struct node object = put_row(&file, 0, 1, false);
	assert_int_equal(
	    replica_set_object(replica, object.id, 7, "\"e\"", &salt), 0);
	assert_int_equal(replica_set_listing(replica, table,
			     &(struct replica_listing){.end = RECORDS + 2,
				 .count = RECORDS + 1,
				 .listed_ms = 5,
				 .newest_ms = 1000}),
	    0);
	commit();
}

/* ---- all that reading tells ---- */

static int add_blob(blob_fn fn, int64_t id, struct buf *all)
{
	int r = fn(replica, id, all);
	return r < 0 ? r : buf_addc(all, '\n');
}

static int add_node(const struct node *node, struct buf *all)
{
	return buf_printf(all,
	    "%" PRId64 " %" PRId64 " %d %d %" PRId64 " %" PRId64 " %" PRId64
	    " %d %" PRId64 " %" PRId64 " %" PRIu64 "\n",
	    node->id, node->dir, node->kind, node->live, node->mtime_ms,
	    node->size, node->other_size, node->proven, node->pos[0],
	    node->pos[1], node->salt);
}

struct reading {
	struct buf *all;
	char (*names)[32];
	size_t count;
};

static int on_one(
    void *ctx, const struct node *node, const char *name, int64_t pos)
{
	struct reading *reading = ctx;
	int r = buf_printf(reading->all, "%" PRId64 " %s ", pos, name);
	if (reading->count == RECORDS + 10)
		return -E2BIG;
	snprintf(reading->names[reading->count++], sizeof(*reading->names),
	    "%s", name);
	return r < 0 ? r : add_node(node, reading->all);
}

static int on_text(void *ctx, int64_t id, const char *text, size_t len)
{
	int r = buf_printf(ctx, "%" PRId64 " ", id);
	return r < 0 ? r : buf_add(ctx, text, len);
}

/* One of a directory, by its name. */
static int read_one(int64_t in, const char *name, struct buf *all)
{
	struct node node;
	int r = replica_lookup(replica, in, name, &node);
	if (r < 0)
		return r;
	int64_t id = node.id;
	if ((r = add_node(&node, all)) < 0 ||
	    (r = replica_get(replica, id, &node)) < 0 ||
	    (r = add_node(&node, all)) < 0 ||
	    (r = add_blob(replica_name, id, all)) < 0 ||
	    (r = add_blob(replica_key, id, all)) < 0 ||
	    (r = add_blob(replica_etag, id, all)) < 0)
		return r;
	if (in == NODE_STORAGE)
		return 0;
	r = add_blob(replica_text, id, all);
	return r < 0 ? r : replica_text_part(replica, id, 3, 100, all);
}

static int read_dir(int64_t in, struct buf *all)
{
	char names[RECORDS + 10][32];
	struct reading reading = {all, names, 0};
	int r = replica_entries(replica, in, 0, INT64_MAX, on_one, &reading);
	for (size_t i = 0; r == 0 && i < reading.count; i++)
		r = read_one(in, names[i], all);
	return r;
}

static int read_everything(struct buf *all)
{
	char names[RECORDS + 10][32];
	struct reading tables = {all, names, 0};
	struct replica_listing listing = {0};
	int r;
	if ((r = replica_tables(replica, 0, on_one, &tables)) < 0 ||
	    (r = read_dir(table, all)) < 0 ||
	    (r = read_dir(NODE_STORAGE, all)) < 0 ||
	    (r = replica_listing(replica, table, &listing)) < 0 ||
	    (r = replica_texts(replica, 0, INT64_MAX, on_text, all)) < 0)
		return r;
	return buf_printf(all, "%" PRId64 " %" PRId64 " %" PRId64 " %" PRId64,
	    listing.base, listing.end, listing.count, listing.newest_ms);
}

/* ---- its file, as it was and as it became ---- */

static char path[512];
static unsigned char *bytes; /* of the file */
static size_t size;
static struct buf wanted;

static void load(void)
{
	struct stat st;
	find_file(dir, ".db", path);
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	assert_int_equal(fstat(fileno(file), &st), 0);
	size = (size_t)st.st_size;
	bytes = malloc(size);
	assert_non_null(bytes);
	assert_int_equal(fread(bytes, 1, size, file), size);
	fclose(file);
}

static void store(void)
{
	char extra[640];
	static const char *const tails[] = {"-wal", "-shm"};
	for (size_t i = 0; i < ARRAY_SIZE(tails); i++) {
		snprintf(extra, sizeof(extra), "%s%s", path, tails[i]);
		unlink(extra);
	}
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

/* A replica that was closed, its file, and all that is read of it. */
static int damage_setup(void **state)
{
	int r = fixture_setup(state);
	if (r != 0)
		return r;
	put_everything();
	buf_init(&wanted, ALL_MAX);
	assert_int_equal(read_everything(&wanted), 0);
	replica_close(replica);
	replica = NULL;
	load();
	return 0;
}

static int damage_teardown(void **state)
{
	buf_done(&wanted);
	free(bytes);
	return fixture_teardown(state);
}

/* As one that is written, or only read. */
typedef int (*open_fn)(const char *, const char *, struct replica **);

static int open_to_write(
    const char *in, const char *project, struct replica **ret_replica)
{
	return replica_open(in, project, false, ret_replica);
}

static const open_fn ways[] = {replica_open_archived, open_to_write};

/* Whether what the file has become is an error; else it is of no account. */
static bool is_found_out(open_fn open_it)
{
	CLEANUP_BUF struct buf all;
	buf_init(&all, ALL_MAX);
	store();
	int r = open_it(dir, PROJECT, &replica);
	if (r == 0)
		r = read_everything(&all);
	replica_close(replica);
	replica = NULL;
	if (r == 0)
		assert_text(
		    buf_str(&all), all.len, buf_str(&wanted), wanted.len);
	return r < 0;
}

/* ---- tests ---- */

/* Those of its places that a page begins with tell what its cells are. */
#define PLACES 16

static void no_flipped_bit_is_handed_out(void **state)
{
	(void)state;
	size_t idle = 0;
	unsigned chance = 12345;
	for (size_t page = 0; page < size / PAGE; page++) {
		size_t found_out = 0;
		for (size_t i = 0; i < PLACES; i++) {
			chance = chance * 1103515245 + 12345;
			size_t place = i < PLACES / 2 ? i : chance / 8 % PAGE;
			unsigned char *at = bytes + page * PAGE + place;
			unsigned char was = *at;
			*at ^= (unsigned char)(1 << chance / 65536 % 8);
			found_out += is_found_out(ways[i % ARRAY_SIZE(ways)]);
			*at = was;
		}
		idle += found_out == 0;
		/* All that the header's first bytes say is that it is one. */
		assert_true(found_out == 0 || found_out > PLACES - 3);
	}
	/* Nobody has asked for what was buried, and what views are called. */
	assert_int_equal(idle, 2);
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		assert_false(is_found_out(ways[i]));
}

/* Nor one that is all zero. */
static void no_page_is_handed_out_in_the_place_of_another(void **state)
{
	(void)state;
	size_t found_out = 0, pages = size / PAGE;
	unsigned char *whole = malloc(size);
	assert_non_null(whole);
	memcpy(whole, bytes, size);
	for (size_t page = 1; page < pages; page++) {
		memcpy(bytes + page * PAGE,
		    whole + (page + 1 < pages ? page + 1 : 1) * PAGE, PAGE);
		found_out += is_found_out(replica_open_archived);
		memset(bytes + page * PAGE, 0, PAGE);
		found_out += is_found_out(open_to_write);
		memcpy(bytes, whole, size);
	}
	free(whole);
	assert_int_equal(found_out, 2 * (pages - 1 - 2));
}

/* A program that knows of no sums opens a replica after a crash, only to read:
 * when it closes it, SQLite takes the log over. */
static void what_another_program_takes_over_is_no_damage(void **state)
{
	(void)state;
	char log[640];
	CLEANUP_BUF struct buf all;
	sqlite3 *db;
	buf_init(&all, ALL_MAX);
	open_in(dir);
	replica_hurry(replica, 0);
	begin();
	for (int i = 2; i < 7; i++)
		put_record(0, RECORDS + i);
	commit();
	assert_int_equal(read_everything(&all), 0);
	replica_close(replica);
	replica = NULL;
	snprintf(log, sizeof(log), "%s-wal", path);
	assert_int_equal(access(log, F_OK), 0);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(
	    sqlite3_exec(db, "SELECT count(*) FROM node", NULL, NULL, NULL),
	    SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	assert_int_equal(access(log, F_OK), -1);
	buf_clear(&wanted);
	assert_int_equal(buf_add(&wanted, buf_str(&all), all.len), 0);
	free(bytes);
	load();
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		assert_false(is_found_out(ways[i]));
}

/* Pages that it wrote would have the sums of those that were there. */
static void another_program_reads_but_does_not_write(void **state)
{
	(void)state;
	static const char *const changes[] = {"CREATE TABLE own(x)",
	    "UPDATE node SET checked = 1", "PRAGMA user_version = 7",
	    "DELETE FROM text"};
	sqlite3 *db;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(
	    sqlite3_exec(db, "SELECT count(*) FROM node", NULL, NULL, NULL),
	    SQLITE_OK);
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++)
		assert_int_equal(sqlite3_exec(db, changes[i], NULL, NULL, NULL),
		    SQLITE_READONLY);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		assert_false(is_found_out(ways[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    DAMAGE_TEST(no_flipped_bit_is_handed_out),
	    DAMAGE_TEST(no_page_is_handed_out_in_the_place_of_another),
	    DAMAGE_TEST(another_program_reads_but_does_not_write),
	    DAMAGE_TEST(what_another_program_takes_over_is_no_damage),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
