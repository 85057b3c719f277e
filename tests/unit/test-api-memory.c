/*
 * Each allocation fails in turn: a call either does not begin, and says so, or
 * it ends exactly once, whatever comes of it.
 */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>

#include "api-fixture.h"
#include "short-memory.h"

static const struct api_page_sink page_sink = {on_record, on_restart, on_page};

/* ---- what is called ---- */

/* Keeps nothing, for which there might be no memory. */
static void on_any_text(
    void *ctx, const struct api_error *error, const char *text, size_t len)
{
	(void)text, (void)len;
	on_done(ctx, error);
}

static bool call_get(struct outcome *outcome)
{
	return api_get(api, "posts/x.json", "posts", "5f", 2, API_PERHAPS,
	    on_any_text, outcome);
}

static bool call_list(struct outcome *outcome)
{
	return api_list(api, &first_page, &page_sink, outcome);
}

static bool call_spec(struct outcome *outcome)
{
	return api_spec(api, "posts/.spec.json", "posts", on_any_text, outcome);
}

static bool call_download_url(struct outcome *outcome)
{
	return api_download_url(
	    api, "storage/x", "5f", 2, false, on_download, outcome);
}

static bool call_probe(struct outcome *outcome)
{
	return api_probe(api, "posts", 4000, on_done, outcome) == 0;
}

static int object_head(void *ctx, const struct http_head *head)
{
	(void)ctx, (void)head;
	return 0;
}

static int object_body(void *ctx, const void *data, size_t len)
{
	(void)ctx, (void)data, (void)len;
	return 0;
}

static void object_done(void *ctx, int err, const char *detail)
{
	struct outcome *outcome = ctx;
	(void)detail;
	outcome->count++;
	outcome->error.err = err;
}

static bool call_object(struct outcome *outcome)
{
	static const struct http_sink sink = {
	    object_head, object_body, object_done};
	return get_object(
	    "https://s.test/x", 0, 9, "\"one\"", false, &sink, outcome);
}

/* ---- and answered ---- */

static const char *body_for(const char *line)
{
	if (strstr(line, "/signin"))
		return "{\"accessToken\":\"a\",\"expiresIn\":3600}";
	if (strstr(line, "/download-url"))
		return "{\"url\":\"https://s.test/x\"}";
	if (strstr(line, "page="))
		return "{\"items\":[{\"id\":\"5f\"}],"
		       "\"pagination\":{\"total\":1}}";
	return "{\"id\":\"5f\"}";
}

/* Until there is nothing left to do. */
static void serve(struct outcome *outcome)
{
	fake_run(fake);
	while (!outcome->count) {
		struct http_call *call = fake_open(fake, 0);
		if (call)
			ANSWER(call, .status = 200,
			    .body = body_for(fake_line(call)));
		else if (!fake_advance_to_timer(fake))
			return;
	}
}

static void assert_an_end(
    bool (*begin)(struct outcome *outcome), long count, bool *ret_failed)
{
	struct outcome *outcome = &outcomes[0];
	start_api();
	memory_fail_after(count);
	bool begun = begin(outcome);
	if (begin != call_probe)
		assert_int_equal(outcome->count, 0);
	if (begun)
		serve(outcome);
	*ret_failed = memory_is_whole_again();
	assert_int_equal(outcome->count, begun);
	assert_true(begun || *ret_failed);
	if (!*ret_failed)
		assert_int_equal(outcome->error.err, 0);
	/* It is the memory that was short, and nothing else came of it. */
	struct outcome *next = &outcomes[1];
	if (*ret_failed) {
		get("5f", next);
		serve(next);
		assert_int_equal(next->count, 1);
		assert_int_equal(next->error.err, 0);
	}
}

static void fail_in_turn(bool (*begin)(struct outcome *outcome))
{
	bool failed = true;
	long count = 0;
	for (; failed; count++) {
		void *state = NULL;
		assert_int_equal(setup(&state), 0);
		assert_an_end(begin, count, &failed);
		assert_int_equal(teardown(&state), 0);
	}
	assert_true(count > 3);
}

#define TEST_OF(call)                                                          \
	static void call##_ends(void **state)                                  \
	{                                                                      \
		(void)state;                                                   \
		fail_in_turn(call);                                            \
	}

TEST_OF(call_get)
TEST_OF(call_list)
TEST_OF(call_spec)
TEST_OF(call_download_url)
TEST_OF(call_probe)
TEST_OF(call_object)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(call_get_ends),
	    cmocka_unit_test(call_list_ends),
	    cmocka_unit_test(call_spec_ends),
	    cmocka_unit_test(call_download_url_ends),
	    cmocka_unit_test(call_probe_ends),
	    cmocka_unit_test(call_object_ends),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
