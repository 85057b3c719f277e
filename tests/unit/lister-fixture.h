/*
 * What tests of listings say of the directory posts.
 */
#ifndef LISTER_FIXTURE_H
#define LISTER_FIXTURE_H

#include "sync-fixture.h"

/* For list_all. */
extern char names[65536];

void assert_lists(const char *expected);
struct node node_of(const char *name);
struct replica_listing listing(void);

/* A position within a page of the pass that began at base. */
int64_t position(int64_t base, int64_t page);

/* Where one stands who has read a page to its end. */
int64_t end_of(int64_t base, int64_t page);

void go_stale(void);

/* How often a record stands in a list of names. */
int times_in(const char *all, int id);

/* What is listed is what the service has, in its last version. */
void assert_is_all_and_fresh(void);

/* So that nothing happens at the same time as something else. */
void tick(void);

/* One who has the directory open, its first page read, wants all of it. */
struct ask *ask_for_all(const struct ask *open);

void assert_each_once(const char *all, int first, int last);

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

#endif
