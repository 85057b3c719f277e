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

static char path[512], lock_path[512];
static unsigned char *bytes; /* of the file */
static size_t size;
static unsigned char mark[16]; /* what its end noted */
static size_t mark_size;
static struct buf wanted;

static size_t size_of(const char *file)
{
	struct stat st;
	assert_int_equal(stat(file, &st), 0);
	return (size_t)st.st_size;
}

static void read_file(const char *name, unsigned char *data, size_t len)
{
	FILE *file = fopen(name, "r");
	assert_non_null(file);
	assert_int_equal(fread(data, 1, len, file), len);
	fclose(file);
}

static void write_file(const char *name, const unsigned char *data, size_t len)
{
	FILE *file = fopen(name, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

static void load(void)
{
	find_file(dir, ".db", path);
	find_file(dir, ".lock", lock_path);
	free(bytes);
	size = size_of(path);
	bytes = malloc(size);
	assert_non_null(bytes);
	read_file(path, bytes, size);
	mark_size = size_of(lock_path);
	assert_in_range(mark_size, 0, sizeof(mark));
	read_file(lock_path, mark, mark_size);
}

static void store(void)
{
	char extra[640];
	static const char *const tails[] = {"-wal", "-shm"};
	for (size_t i = 0; i < ARRAY_SIZE(tails); i++) {
		snprintf(extra, sizeof(extra), "%s%s", path, tails[i]);
		unlink(extra);
	}
	write_file(path, bytes, size);
	write_file(lock_path, mark, mark_size);
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
	assert_true(mark_size > 0);
	return 0;
}

static int damage_teardown(void **state)
{
	buf_done(&wanted);
	free(bytes);
	bytes = NULL;
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

/* Those that no reading comes upon: see above. */
#define IDLE 2

/* How many are found out of those that put len bytes of the next page, or of
 * zeros, at this place of each page. */
static void assert_found_out(size_t at, size_t len)
{
	size_t found_out = 0, harmless = 0, pages = size / PAGE;
	unsigned char *whole = malloc(size), zeros[PAGE] = {0};
	assert_non_null(whole);
	memcpy(whole, bytes, size);
	for (size_t i = 0; i < 2 * pages; i++) {
		size_t page = i / 2, other = (page + 1) % pages;
		unsigned char *to = bytes + page * PAGE + at;
		const unsigned char *from = whole + other * PAGE + at;
		if (i % 2)
			from = zeros;
		/* Parts of pages may be the same. */
		harmless += memcmp(to, from, len) == 0;
		memcpy(to, from, len);
		found_out += is_found_out(ways[page % ARRAY_SIZE(ways)]);
		memcpy(bytes, whole, size);
	}
	free(whole);
	assert_in_range(found_out + harmless, 2 * (pages - IDLE), 2 * pages);
}

static void no_block_is_handed_out_in_the_place_of_another(void **state)
{
	(void)state;
	assert_found_out(0, PAGE);
	assert_found_out(0, 4096);
	assert_found_out(4096, 4096);
	assert_found_out(PAGE - 512, 512);
}

/* SQLite as others compile it reads what overflows a page past its own memory
 * for pages: not the whole page. */
static void a_part_of_a_page_is_looked_at_as_well(void **state)
{
	(void)state;
	sqlite3 *db;
	sqlite3_file *file = NULL;
	unsigned char data[PAGE];
	size_t last = size - PAGE;
	for (int damaged = 0; damaged < 2; damaged++) {
		bytes[last + 5000] ^= damaged ? 4 : 0;
		store();
		assert_int_equal(sqlite3_open_v2(path, &db,
				     SQLITE_OPEN_READWRITE, "page-sum"),
		    SQLITE_OK);
		sqlite3_file_control(
		    db, NULL, SQLITE_FCNTL_FILE_POINTER, &file);
		assert_int_equal(file->pMethods->xRead(file, data, PAGE - 12,
				     (sqlite3_int64)last),
		    damaged ? SQLITE_CORRUPT : SQLITE_OK);
		assert_int_equal(file->pMethods->xRead(
				     file, data, 100, (sqlite3_int64)last + 4),
		    damaged ? SQLITE_CORRUPT : SQLITE_OK);
		if (!damaged)
			assert_memory_equal(data, bytes + last + 4, 100);
		sqlite3_close(db);
	}
}

/* What is written together is kept together, or not at all. */
static void a_read_that_fails_takes_no_part_of_a_write(void **state)
{
	(void)state;
	CLEANUP_BUF struct buf text;
	buf_init(&text, ALL_MAX);
	open_in(dir);
	int64_t large = found(table, "large.json").id;
	replica_close(replica);
	replica = NULL;
	load();
	size_t page = 0;
	static const char piece[] = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
	while (memcmp(bytes + page + 100, piece, sizeof(piece) - 1) != 0)
		assert_true((page += PAGE) < size);
	bytes[page + 100] ^= 1;
	store();
	open_in(dir);
	begin();
	put("before", "{}", 0, 901);
	int r = replica_text(replica, large, &text);
	struct replica_row after = row("after", "{}");
	struct node node;
	bool again;
	replica_put(
	    replica, &after, &(struct replica_place){0, 0, 902}, &node, &again);
	bool kept = replica_commit(replica) == 0;
	assert_int_equal(r, -EIO);
	assert_int_equal(replica_lookup(replica, table, "before.json", &node),
	    kept ? 0 : -ENOENT);
	assert_int_equal(replica_lookup(replica, table, "after.json", &node),
	    kept ? 0 : -ENOENT);
}

/* ---- other programs ---- */

static void run_elsewhere(const char *sql)
{
	sqlite3 *db;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* Pages that it wrote would have the sums of those that were there. */
static void another_program_reads_but_does_not_write(void **state)
{
	(void)state;
	static const char *const changes[] = {"CREATE TABLE own(x)",
	    "UPDATE node SET checked = 1", "PRAGMA user_version = 7",
	    "DELETE FROM text"};
	sqlite3 *db;
	run_elsewhere("SELECT count(*) FROM node");
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++)
		assert_int_equal(sqlite3_exec(db, changes[i], NULL, NULL, NULL),
		    SQLITE_READONLY);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		assert_false(is_found_out(ways[i]));
}

/* As a crash leaves it. */
static void leave_log(void)
{
	char log[640];
	open_in(dir);
	snprintf(log, sizeof(log), "%s-wal", path);
	replica_hurry(replica, 0);
	begin();
	for (int i = 2; i < 7; i++)
		put_record(0, RECORDS + i);
	commit();
	buf_clear(&wanted);
	assert_int_equal(read_everything(&wanted), 0);
	replica_close(replica);
	replica = NULL;
	assert_true(size_of(log) > 0);
}

/* SQLite takes what is behind the end for zeros, and does not look for the end
 * where a log may have it. */
static void no_file_that_was_cut_is_handed_out(void **state)
{
	(void)state;
	static const size_t cuts[] = {
	    100, 5000, PAGE, 2 * PAGE, 3 * PAGE + 1, 6 * PAGE};
	size_t whole = size, found_out = 0;
	for (size_t i = 0; i < ARRAY_SIZE(cuts); i++) {
		CLEANUP_BUF struct buf all;
		buf_init(&all, ALL_MAX);
		size = whole - cuts[i];
		for (size_t k = 0; k < ARRAY_SIZE(ways); k++)
			assert_true(is_found_out(ways[k]));
		size = whole;
		store();
		leave_log();
		assert_int_equal(truncate(path, (off_t)(size - cuts[i])), 0);
		open_in(dir);
		if (read_everything(&all) == 0)
			assert_text(buf_str(&all), all.len, buf_str(&wanted),
			    wanted.len);
		else
			found_out++;
		replica_close(replica);
		replica = NULL;
		store();
		open_in(dir);
		buf_clear(&wanted);
		assert_int_equal(read_everything(&wanted), 0);
		replica_close(replica);
		replica = NULL;
	}
	/* What is cut off may be in the log as well. */
	assert_in_range(found_out, 1, ARRAY_SIZE(cuts));
}

/* One that knows of no sums opens it, only to read: when it closes it, SQLite
 * takes the log over. */
static void what_another_program_takes_over_is_no_damage(void **state)
{
	(void)state;
	leave_log();
	run_elsewhere("SELECT count(*) FROM node");
	load();
	assert_int_equal(mark_size, 0);
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		assert_false(is_found_out(ways[i]));
	/* From then on all have sums again. */
	load();
	assert_true(mark_size > 0);
	assert_found_out(PAGE - 512, 512);
}

/* One that runs a checkpoint on it while it is open, too. */
static void what_another_program_takes_over_meanwhile_is_none(void **state)
{
	(void)state;
	open_in(dir);
	begin();
	for (int i = 2; i < 7; i++)
		put_record(0, RECORDS + i);
	commit();
	buf_clear(&wanted);
	assert_int_equal(read_everything(&wanted), 0);
	run_elsewhere("PRAGMA wal_checkpoint(TRUNCATE)");
	for (int i = 0; i < 2; i++) {
		CLEANUP_BUF struct buf all;
		buf_init(&all, ALL_MAX);
		assert_int_equal(read_everything(&all), 0);
		assert_text(
		    buf_str(&all), all.len, buf_str(&wanted), wanted.len);
		reopen();
	}
}

/* Where the pages of what went are free, and are used again. */
static void what_it_took_over_is_written_to(void **state)
{
	(void)state;
	open_in(dir);
	struct node large = found(table, "large.json");
	begin();
	assert_int_equal(replica_bury(replica, &large, 0), 0);
	assert_int_equal(replica_trim(replica, table, RECORDS + 2), 0);
	commit();
	reopen(); /* which throws it away */
	replica_hurry(replica, 0);
	replica_close(replica);
	replica = NULL;
	run_elsewhere("SELECT count(*) FROM node");
	open_in(dir);
	begin();
	for (int i = 0; i < 2 * RECORDS; i++)
		put_record(0, 1000 + i);
	commit();
	reopen();
	assert_int_equal(found(table, "r1599.json").live, 1);
}

/* A copy that it made, in the place of the replica, or alone. */
static void a_copy_that_another_program_made_is_one(void **state)
{
	(void)state;
	static const char *const kinds[] = {"backup", "VACUUM INTO"};
	char copy[640], sql[700];
	snprintf(copy, sizeof(copy), "%s.copy", path);
	for (size_t i = 0; i < 2 * ARRAY_SIZE(kinds); i++) {
		sqlite3 *from, *to;
		assert_int_equal(sqlite3_open(path, &from), SQLITE_OK);
		if (i % 2) {
			snprintf(sql, sizeof(sql), "VACUUM INTO '%s'", copy);
			assert_int_equal(
			    sqlite3_exec(from, sql, NULL, NULL, NULL),
			    SQLITE_OK);
		} else {
			assert_int_equal(sqlite3_open(copy, &to), SQLITE_OK);
			sqlite3_backup *backup =
			    sqlite3_backup_init(to, "main", from, "main");
			assert_non_null(backup);
			assert_int_equal(
			    sqlite3_backup_step(backup, -1), SQLITE_DONE);
			sqlite3_backup_finish(backup);
			assert_int_equal(sqlite3_close(to), SQLITE_OK);
		}
		assert_int_equal(sqlite3_close(from), SQLITE_OK);
		unsigned char *whole = bytes;
		size_t whole_size = size;
		size = size_of(copy);
		bytes = malloc(size);
		assert_non_null(bytes);
		read_file(copy, bytes, size);
		for (size_t k = 0; k < ARRAY_SIZE(ways); k++)
			assert_false(is_found_out(ways[k]));
		free(bytes);
		bytes = whole;
		size = whole_size;
		store();
		assert_int_equal(unlink(copy), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    DAMAGE_TEST(no_flipped_bit_is_handed_out),
	    DAMAGE_TEST(no_block_is_handed_out_in_the_place_of_another),
	    DAMAGE_TEST(no_file_that_was_cut_is_handed_out),
	    DAMAGE_TEST(a_part_of_a_page_is_looked_at_as_well),
	    DAMAGE_TEST(a_read_that_fails_takes_no_part_of_a_write),
	    DAMAGE_TEST(another_program_reads_but_does_not_write),
	    DAMAGE_TEST(what_another_program_takes_over_is_no_damage),
	    DAMAGE_TEST(what_another_program_takes_over_meanwhile_is_none),
	    DAMAGE_TEST(what_it_took_over_is_written_to),
	    DAMAGE_TEST(a_copy_that_another_program_made_is_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
