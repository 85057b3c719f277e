#include "unit.h"

#include <errno.h>
#include <stdio.h>

#include "lister-fixture.h"

/* ---- lookups ---- */

static void a_record_is_asked_for_alone(void **state)
{
	(void)state;
	service_fill(5);
	fixture_start();
	struct ask *lookup = ask_lookup(posts, "r0003.json");
	assert_int_equal(sent(), 1);
	serve(request("GET /v1/data/posts/r0003"));
	assert_ended(lookup, 0);
	assert_int_equal(lookup->op.node.id, node_of("r0003.json").id);
	struct node node;
	int64_t since;
	assert_int_equal(sync_lookup_now(sync_under_test, posts, "r0003.json",
			     &node, &since),
	    0);
	assert_int_equal(node.id, lookup->op.node.id);
	/* For ttl; then it is asked for again, and keeps its node. */
	fake_advance(fake, TTL_MS);
	assert_int_equal(sync_lookup_now(sync_under_test, posts, "r0003.json",
			     &node, &since),
	    -EAGAIN);
	lookup = ask_lookup(posts, "r0003.json");
	serve_all();
	assert_ended(lookup, 0);
	assert_int_equal(lookup->op.node.id, node.id);
	assert_int_equal(sent(), 1);
}

/* A page that has only half come is not in the replica yet, and yet was there
 * before what comes in the same turn. */
static void an_answer_does_not_replace_one_that_came_before(void **state)
{
	static const char page[] =
	    "{\"items\":[{\"id\":\"r0003\",\"updatedAt\":"
	    "\"2026-01-01T00:00:00.000Z\",\"from\":\"page\"},";
	static const char text[] =
	    "{\"id\":\"r0003\",\"updatedAt\":"
	    "\"2026-01-01T00:00:00.000Z\",\"from\":\"it\"}";
	struct buf out;
	(void)state;
	service_fill(5);
	fixture_start();
	struct ask *open = ask_open(posts);
	struct ask *lookup = ask_lookup(posts, "r0003.json");
	const struct fake_answer half = {.status = 200, .body = page};
	fake_give(request(FIRST_PAGE), &half);
	ANSWER(
	    request("GET /v1/data/posts/r0003"), .status = 200, .body = text);
	buf_init(&out, BUF_MAX_DEFAULT);
	int64_t node = node_of("r0003.json").id;
	assert_int_equal(replica_text(replica, node, &out), 0);
	assert_non_null(strstr(buf_str(&out), "page"));
	buf_done(&out);
	/* It is asked for again, and that is the newer one. */
	ANSWER(
	    request("GET /v1/data/posts/r0003"), .status = 200, .body = text);
	assert_ended(lookup, 0);
	assert_waits(open);
	sync_interrupt(sync_under_test, open->op.id);
	fake_run(fake);
	assert_ended(open, -EINTR);
}

static void a_record_is_fetched_once_for_all_who_want_it(void **state)
{
	(void)state;
	service_fill(5);
	fixture_start();
	struct ask *lookups[8];
	for (int i = 0; i < 8; i++)
		lookups[i] = ask_lookup(posts, "r0003.json");
	assert_int_equal(fake_open_count(fake), 1);
	sync_interrupt(sync_under_test, lookups[0]->op.id);
	fake_run(fake);
	assert_ended(lookups[0], -EINTR);
	serve_all();
	for (int i = 1; i < 8; i++) {
		assert_ended(lookups[i], 0);
		assert_int_equal(
		    lookups[i]->op.node.id, lookups[1]->op.node.id);
	}
	assert_int_equal(sent(), 1);
	/* With the last one, the request goes. */
	struct ask *alone = ask_lookup(posts, "r0004.json");
	sync_interrupt(sync_under_test, alone->op.id);
	fake_run(fake);
	assert_ended(alone, -EINTR);
	assert_int_equal(fake_open_count(fake), 0);
}

static void a_missing_record_is_enoent(void **state)
{
	(void)state;
	service_fill(3);
	fixture_start();
	struct ask *first = ask_lookup(posts, "r0009.json");
	struct ask *second = ask_lookup(posts, "r0009.json");
	serve_all();
	assert_ended(first, -ENOENT);
	assert_ended(second, -ENOENT);
	assert_int_equal(sent(), 1);
	assert_string_equal(errors_text(), "");
	/* A fresh listing knows without asking. */
	assert_lists(names_from_to(1, 3));
	sent();
	assert_ended(ask_lookup(posts, "r0009.json"), -ENOENT);
	assert_int_equal(sent(), 0);
}

static void names_that_no_record_can_have_are_not_asked_for(void **state)
{
	(void)state;
	static const char *const impossible[] = {"r1", "r1.jso", ".json",
	    "%zz.json", "r0001.json~", ".git", "r1.JSON", "%41.json"};
	fixture_start();
	for (size_t i = 0; i < ARRAY_SIZE(impossible); i++) {
		struct ask *lookup = ask_lookup(posts, impossible[i]);
		/* An odd one may cost a request, but not be found. */
		serve_all();
		assert_ended(lookup, -ENOENT);
	}
	assert_true(sent() <= 1);
	assert_ended(ask_lookup(NODE_ROOT, ".Trash"), -ENOENT);
	assert_ended(ask_lookup(NODE_ROOT, "9lives"), -ENOENT);
	assert_ended(ask_lookup(NODE_STORAGE, "nounderscore"), -ENOENT);
	assert_true(sent() <= 1);
}

static void a_record_that_cannot_be_had_is_told(void **state)
{
	(void)state;
	fixture_start();
	struct ask *lookup = ask_lookup(posts, "r0001.json");
	ANSWER(request("GET /v1/data/posts/r0001"), .status = 403);
	assert_ended(lookup, -EACCES);
	assert_non_null(strstr(errors_text(),
	    "\tposts/r0001.json\tGET /v1/data/posts/r0001\t403\tEACCES\t"));
}

static void a_stale_listing_settles_all_names_with_one_probe(void **state)
{
	(void)state;
	service_fill(9);
	fixture_start();
	assert_lists(names_from_to(1, 9));
	go_stale();
	struct ask *lookups[9];
	for (int i = 0; i < 9; i++) {
		char name[16];
		snprintf(name, sizeof(name), "r%04d.json", i + 1);
		lookups[i] = ask_lookup(posts, name);
	}
	serve_all();
	for (int i = 0; i < 9; i++)
		assert_ended(lookups[i], 0);
	assert_int_equal(sent(), 1);
}

static void a_refused_spec_is_enoent_by_name(void **state)
{
	(void)state;
	static const int statuses[] = {401, 403, 404, 400, 405, 410, 422};
	fixture_start();
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
		struct ask *lookup = ask_lookup(posts, ".spec.json");
		ANSWER(request(SPEC_LINE), .status = statuses[i],
		    .body = "{\"error\":{\"code\":\"refused\"}}");
		assert_ended(lookup, -ENOENT);
		go_stale();
	}
	service.spec = "{\"tableName\":\"posts\"}";
	struct ask *lookup = ask_lookup(posts, ".spec.json");
	serve_all();
	assert_ended(lookup, 0);
}

static void a_spec_that_fails_is_an_error_by_name(void **state)
{
	(void)state;
	static const struct {
		struct fake_answer answer;
		int err;
	} cases[] = {
	    {{.status = 500}, -EIO},
	    {{.status = 200, .body = "<html>sign in</html>"}, -EPROTO},
	    {{.status = 302}, -EPROTO},
	};
	fixture_start();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ask *lookup = ask_lookup(posts, ".spec.json");
		while (!lookup->count) {
			if (fake_open_count(fake))
				fake_answer(
				    request(SPEC_LINE), &cases[i].answer);
			else
				assert_true(fake_advance_to_timer(fake));
		}
		assert_ended(lookup, cases[i].err);
	}
}

/* ---- tables ---- */

static bool is_shown(const char *table)
{
	struct node node;
	return replica_lookup(replica, NODE_ROOT, table, &node) == 0 &&
	       node.pos[0] > 0;
}

static int64_t known_nodes(void)
{
	struct replica_totals totals;
	replica_totals(replica, &totals);
	return totals.nodes;
}

static void an_unknown_table_is_confirmed_by_one_question(void **state)
{
	(void)state;
	service_fill(5);
	fixture_start();
	struct ask *first = ask_lookup(NODE_ROOT, "orders");
	struct ask *second = ask_lookup(NODE_ROOT, "orders");
	assert_int_equal(sent(), 1);
	assert_false(is_shown("orders"));
	serve(request("GET /v1/data/orders?page=1&limit=1&"));
	assert_ended(first, 0);
	assert_ended(second, 0);
	assert_int_equal(first->op.node.kind, NODE_KIND_TABLE);
	assert_int_equal(second->op.node.id, first->op.node.id);
	assert_true(is_shown("orders"));
	/* From then on it is there, at no cost. */
	assert_int_equal(fake_open_count(fake), 0);
	assert_ended(ask_lookup(NODE_ROOT, "orders"), 0);
	assert_int_equal(sent(), 0);
	fixture_stop();
	fixture_start();
	assert_ended(ask_lookup(NODE_ROOT, "orders"), 0);
	assert_int_equal(sent(), 0);
}

static void a_missing_table_is_enoent_and_not_asked_for_again(void **state)
{
	(void)state;
	fixture_start();
	int64_t nodes = known_nodes();
	struct ask *lookup = ask_lookup(NODE_ROOT, "orders");
	ANSWER(request("GET /v1/data/orders?page=1"), .status = 404,
	    .body = "{\"error\":{\"code\":\"data/table-not-found\"}}");
	assert_ended(lookup, -ENOENT);
	assert_int_equal(fake_open_count(fake), 0);
	assert_int_equal(sent(), 1);
	for (int i = 0; i < 5; i++) {
		fake_advance(fake, TTL_MS / 6);
		assert_ended(ask_lookup(NODE_ROOT, "orders"), -ENOENT);
	}
	assert_int_equal(sent(), 0);
	/* It leaves nothing behind. */
	assert_int_equal(known_nodes(), nodes);
	fake_advance(fake, TTL_MS);
	lookup = ask_lookup(NODE_ROOT, "orders");
	assert_int_equal(sent(), 1);
	serve(request("GET /v1/data/orders?page=1"));
	assert_ended(lookup, 0);
}

static void nobody_who_waits_for_a_table_leaves_nothing_under_way(void **state)
{
	(void)state;
	fixture_start();
	struct ask *lookup = ask_lookup(NODE_ROOT, "orders");
	sync_interrupt(sync_under_test, lookup->op.id);
	fake_run(fake);
	assert_ended(lookup, -EINTR);
	assert_int_equal(fake_open_count(fake), 0);
}

/* A crawler looks for hundreds of names that are none. */
static void many_names_that_are_none_are_remembered(void **state)
{
	(void)state;
	fixture_start();
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 1000; i++) {
			char name[16];
			snprintf(name, sizeof(name), "t%d", i);
			struct ask *lookup = ask_lookup(NODE_ROOT, name);
			if (round == 0)
				ANSWER(fake_open(fake, 0), .status = 404);
			assert_ended(lookup, -ENOENT);
		}
	}
	assert_int_equal(sent(), 1000);
}

static void a_table_that_may_not_be_listed_is_there_all_the_same(void **state)
{
	(void)state;
	fixture_start();
	struct ask *lookup = ask_lookup(NODE_ROOT, "orders");
	ANSWER(request("GET /v1/data/orders?page=1"), .status = 403,
	    .body = "{\"error\":{\"code\":\"data/permission-denied\"}}");
	assert_ended(lookup, 0);
	int64_t orders = lookup->op.node.id;
	struct ask *record = ask_lookup(orders, "x.json");
	ANSWER(request("GET /v1/data/orders/x"), .status = 200,
	    .body = "{\"id\":\"x\"}");
	assert_ended(record, 0);
	struct ask *open = ask_open(orders);
	ANSWER(request("GET /v1/data/orders?page=1"), .status = 403,
	    .body = "{\"error\":{\"code\":\"data/permission-denied\"}}");
	assert_ended(open, -EACCES);
}

static void a_table_that_the_key_does_not_reach_is_eacces(void **state)
{
	(void)state;
	fixture_start();
	struct ask *lookup = ask_lookup(NODE_ROOT, "orders");
	ANSWER(request("GET /v1/data/orders?page=1"), .status = 403,
	    .body = "{\"error\":{\"code\":\"data/system-table-access\"}}");
	assert_ended(lookup, -EACCES);
	assert_false(is_shown("orders"));
}

static void what_is_no_directory_cannot_be_opened(void **state)
{
	(void)state;
	service_fill(1);
	fixture_start();
	assert_lists("r0001.json");
	assert_ended(ask_open(node_of("r0001.json").id), -ENOTDIR);
	assert_ended(ask_open(987654), -ENOTDIR);
}

/* ---- stored files ---- */

#define FILES_LINE "GET /v1/files?page=1&limit=100&sortDirection=asc"

static void one_listing_of_files_fills_both_directories(void **state)
{
	(void)state;
	char files[1024], objects[1024];
	fixture_start();
	struct ask *open = ask_open(NODE_STORAGE);
	assert_int_equal(sent(), 1); /* files have no spec */
	ANSWER(request(FILES_LINE), .status = 200,
	    .body = "{\"items\":[{\"id\":\"1\",\"originalName\":\"a.txt\","
		    "\"size\":5},{\"id\":\"2\",\"size\":-1}],\"pagination\":{"
		    "\"total\":2,\"hasNextPage\":false}}");
	assert_ended(open, 0);
	assert_int_equal(list_all(NODE_STORAGE, objects, sizeof(objects)), 0);
	assert_int_equal(list_all(NODE_FILES, files, sizeof(files)), 0);
	assert_string_equal(objects, "1_a.txt 2_");
	assert_string_equal(files, "1.json 2.json");
	assert_int_equal(sent(), 0);
	struct node node;
	assert_int_equal(
	    replica_lookup(replica, NODE_STORAGE, "1_a.txt", &node), 0);
	assert_int_equal(node.size, 5);
	assert_true(sync_size_is_known(sync_under_test, &node));
	assert_int_equal(replica_lookup(replica, NODE_STORAGE, "2_", &node), 0);
	assert_int_equal(node.size, -1);
	assert_false(sync_size_is_known(sync_under_test, &node));
}

/* Of two names that are equal, that of the greater id is marked. */
static void assert_twins(const char *items)
{
	char body[512], objects[1024];
	struct buf key;
	struct node node;
	buf_init(&key, 64);
	fixture_start();
	struct ask *open = ask_open(NODE_STORAGE);
	snprintf(body, sizeof(body),
	    "{\"items\":[%s],\"pagination\":{\"total\":2}}", items);
	ANSWER(request("GET /v1/files?page=1"), .status = 200, .body = body);
	assert_ended(open, 0);
	assert_int_equal(list_all(NODE_STORAGE, objects, sizeof(objects)), 0);
	assert_non_null(strstr(objects, "1_2_x.txt"));
	assert_non_null(strstr(objects, "1_2_x~"));
	assert_int_equal(
	    replica_lookup(replica, NODE_STORAGE, "1_2_x.txt", &node), 0);
	assert_int_equal(replica_key(replica, node.id, &key), 0);
	assert_buf(&key, "1");
	buf_done(&key);
}

static void the_greater_id_is_marked_when_it_comes_last(void **state)
{
	(void)state;
	assert_twins("{\"id\":\"1\",\"originalName\":\"2_x.txt\"},"
		     "{\"id\":\"1_2\",\"originalName\":\"x.txt\"}");
}

static void the_greater_id_is_marked_when_it_comes_first(void **state)
{
	(void)state;
	assert_twins("{\"id\":\"1_2\",\"originalName\":\"x.txt\"},"
		     "{\"id\":\"1\",\"originalName\":\"2_x.txt\"}");
}

static void a_stored_file_is_found_by_the_id_in_its_name(void **state)
{
	(void)state;
	fixture_start();
	struct ask *lookup = ask_lookup(NODE_STORAGE, "f1_a.txt");
	ANSWER(request("GET /v1/files/f1"), .status = 200,
	    .body = "{\"id\":\"f1\",\"originalName\":\"a.txt\",\"size\":3}");
	assert_ended(lookup, 0);
	assert_int_equal(lookup->op.node.kind, NODE_KIND_OBJECT);
	assert_int_equal(lookup->op.node.size, 3);
	assert_int_equal(sent(), 1);
	assert_ended(ask_lookup(NODE_FILES, "f1.json"), 0);
	assert_int_equal(sent(), 0);
}

static void a_stored_file_whose_id_holds_an_underscore_is_found(void **state)
{
	(void)state;
	fixture_start();
	struct ask *lookup = ask_lookup(NODE_STORAGE, "a_b_photo.jpg");
	ANSWER(request("GET /v1/files/a"), .status = 404);
	assert_waits(lookup); /* all of them have to be looked at */
	ANSWER(request(FILES_LINE), .status = 200,
	    .body = "{\"items\":[{\"id\":\"a_b\",\"originalName\":"
		    "\"photo.jpg\",\"size\":3}],\"pagination\":{\"total\":1}}");
	assert_ended(lookup, 0);
	assert_int_equal(lookup->op.node.kind, NODE_KIND_OBJECT);
	assert_int_equal(lookup->op.node.size, 3);
	assert_int_equal(sent(), 2);
	assert_ended(ask_lookup(NODE_STORAGE, "a_c_photo.jpg"), -ENOENT);
	assert_int_equal(sent(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_record_is_asked_for_alone),
	    TEST(an_answer_does_not_replace_one_that_came_before),
	    TEST(a_record_is_fetched_once_for_all_who_want_it),
	    TEST(a_missing_record_is_enoent),
	    TEST(names_that_no_record_can_have_are_not_asked_for),
	    TEST(a_record_that_cannot_be_had_is_told),
	    TEST(a_stale_listing_settles_all_names_with_one_probe),
	    TEST(a_refused_spec_is_enoent_by_name),
	    TEST(a_spec_that_fails_is_an_error_by_name),
	    TEST(an_unknown_table_is_confirmed_by_one_question),
	    TEST(nobody_who_waits_for_a_table_leaves_nothing_under_way),
	    TEST(many_names_that_are_none_are_remembered),
	    TEST(a_missing_table_is_enoent_and_not_asked_for_again),
	    TEST(a_table_that_may_not_be_listed_is_there_all_the_same),
	    TEST(a_table_that_the_key_does_not_reach_is_eacces),
	    TEST(what_is_no_directory_cannot_be_opened),
	    TEST(one_listing_of_files_fills_both_directories),
	    TEST(the_greater_id_is_marked_when_it_comes_last),
	    TEST(the_greater_id_is_marked_when_it_comes_first),
	    TEST(a_stored_file_is_found_by_the_id_in_its_name),
	    TEST(a_stored_file_whose_id_holds_an_underscore_is_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
