/*
 * A replica in a directory of its own, with one table, and short ways to put
 * rows into it and to find them again.
 */
#ifndef REPLICA_FIXTURE_H
#define REPLICA_FIXTURE_H

#include "replica/replica.h"
#include "remove-tree.h"

#define PROJECT "https://api.test pk_project"

extern char root[64]; /* what is removed afterwards */
extern char dir[96];  /* where the replica is, below root */
extern struct replica *replica;
extern int64_t table; /* the directory of posts */

int fixture_setup(void **state);
int fixture_teardown(void **state);

/* ---- places ---- */

void open_in(const char *where);
void reopen(void);
void begin(void);
void commit(void);

/* The one file in where whose name ends so. */
void find_file(const char *where, const char *end, char out[512]);

/* ---- rows ---- */

struct replica_row row(const char *id, const char *text);
struct replica_row object_row(const char *id, int64_t size);

/* Put within a write that is open. */
struct node put_row(const struct replica_row *what, int64_t base, int64_t pos,
    bool expect_again);
struct node put(const char *id, const char *text, int64_t base, int64_t pos);

struct node found(int64_t in, const char *name);
void assert_missing(const char *name);
struct node got(int64_t id);
void assert_gone(int64_t id);

typedef int (*blob_fn)(struct replica *, int64_t, struct buf *);

void assert_blob(blob_fn fn, int64_t id, const char *text, size_t len);
void assert_record_text(int64_t id, const char *text);

/* ---- entries, as "pos:name " ---- */

struct walk {
	char text[1024];
	int left; /* ends the walk when it gets to 0 */
};

int on_entry(void *ctx, const struct node *node, const char *name, int64_t pos);

void assert_entries_of(
    int64_t in, int64_t after, int64_t before, const char *expected);
void assert_entries(const char *expected);

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

#endif
