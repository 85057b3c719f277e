/* No memory is given back while a secret stands in it. */
#include "unit.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "api-fixture.h"
#include "base/scrub.h"

#define SIGNATURE "X-Amz-Signature=5ec2e75ec2e75ec2e7"

static const char *const secrets[] = {
    KEY,
    "pass-word-of-some-length",
    "access-token-1",
    "refresh-token-1",
    "access-token-2",
    "refresh-token-2",
    "access-token-3",
    "refresh-token-3",
    SIGNATURE,
};

static bool watching;
static const char *found; /* the last that was left in freed memory */

void __real_free(void *memory);
void *__real_realloc(void *memory, size_t size);
void __wrap_free(void *memory);
void *__wrap_realloc(void *memory, size_t size);

static void look(const void *memory)
{
	if (!memory || !watching)
		return;
	size_t size = malloc_usable_size((void *)memory);
	for (size_t i = 0; i < ARRAY_SIZE(secrets); i++)
		if (memmem(memory, size, secrets[i], strlen(secrets[i])))
			found = secrets[i];
}

void __wrap_free(void *memory)
{
	look(memory);
	__real_free(memory);
}

/* One that always moves. */
void *__wrap_realloc(void *memory, size_t size)
{
	if (!memory)
		return malloc(size);
	size_t old = malloc_usable_size(memory);
	void *more = malloc(size);
	if (!more)
		return NULL;
	memcpy(more, memory, old < size ? old : size);
	__wrap_free(memory);
	return more;
}

static void assert_scrubbed(void)
{
	bool all = !found;
	if (found)
		print_error("%s was left in memory\n", found);
	found = NULL;
	assert_true(all);
}

static int setup_watch(void **state)
{
	/* cJSON is a library of its own: it frees through us as well. */
	cJSON_Hooks hooks = {.malloc_fn = malloc, .free_fn = __wrap_free};
	cJSON_InitHooks(&hooks);
	int r = setup(state);
	config.password = secrets[1];
	found = NULL;
	return r;
}

static int teardown_watch(void **state)
{
	watching = false;
	cJSON_InitHooks(NULL);
	return teardown(state);
}

/* The test's own copies do not count. */
static void answer(struct http_call *call, const struct fake_answer *answer)
{
	watching = true;
	fake_answer(call, answer);
	watching = false;
}

static void answer_pair(const char *line, int number)
{
	char body[256];
	snprintf(body, sizeof(body),
	    "{\"success\":true,\"data\":{\"accessToken\":\"access-token-%d\","
	    "\"refreshToken\":\"refresh-token-%d\",\"expiresIn\":3600}}",
	    number, number);
	answer(only_line(line),
	    &(struct fake_answer){.status = 200, .body = body, .chunk = 40});
}

static void run(void)
{
	watching = true;
	fake_run(fake);
	watching = false;
}

static const struct fake_answer refused = {UNAUTHORIZED};

static void all_that_signing_in_and_renewing_needs_is_scrubbed(void **state)
{
	(void)state;
	start_api();
	get("a", &outcomes[0]);
	run();
	answer_pair("POST /v1/auth/email/signin", 1);
	assert_scrubbed();
	ANSWER(only(), .status = 200, .body = "{\"id\":\"a\"}");
	assert_outcome(&outcomes[0], 0, 200);
	get("a", &outcomes[1]);
	run();
	refuse("GET /v1/data/posts/a");
	answer_pair("POST /v1/auth/refresh", 2);
	assert_scrubbed();
	/* Refused once more, as no good for anything: now by signing in,
	 * without the refresh token. */
	refuse("GET /v1/data/posts/a");
	answer(only_line("GET /v1/auth/me"), &refused);
	answer_pair("POST /v1/auth/email/signin", 3);
	assert_scrubbed();
	ANSWER(only(), .status = 200, .body = "{\"id\":\"a\"}");
	assert_outcome(&outcomes[1], 0, 200);
	watching = true;
	api_free(api);
	watching = false;
	api = NULL;
	assert_scrubbed();
}

static void words_that_repeat_a_secret_are_scrubbed(void **state)
{
	(void)state;
	start_api();
	get("a", &outcomes[0]);
	run();
	answer(only(), &(struct fake_answer){.status = 403,
			   .chunk = 30,
			   .body = "{\"error\":{\"code\":\"" KEY "\","
				   "\"message\":\"the password pass-word-of-"
				   "some-length is wrong\"}}"});
	assert_outcome(&outcomes[0], -EACCES, 403);
	assert_scrubbed();
}

static void a_signed_url_is_scrubbed(void **state)
{
	(void)state;
	config.email = NULL;
	start_api();
	struct api_call *call = api_download_url(
	    api, "storage/f", "f", 1, false, on_download, &outcomes[0]);
	assert_non_null(call);
	run();
	answer(only(),
	    &(struct fake_answer){.status = 200,
		.chunk = 30,
		.body =
		    "{\"url\":\"https:\\/\\/s.test\\/f?x=y&" SIGNATURE "\"}"});
	assert_outcome(&outcomes[0], 0, 200);
	assert_scrubbed();
}

static void memory_of_others_is_scrubbed(void **state)
{
	(void)state;
	char *memory = malloc(64);
	assert_non_null(memory);
	strcpy(memory + 8, KEY);
	watching = true;
	memory = scrub_realloc(memory, 100000);
	assert_non_null(memory);
	assert_string_equal(memory + 8, KEY);
	memory = scrub_realloc(memory, 60);
	assert_string_equal(memory + 8, KEY);
	scrub_free(memory);
	scrub_free(NULL);
	scrub_free(scrub_realloc(NULL, 10));
	watching = false;
	assert_scrubbed();
}

static void a_secret_buffer_is_scrubbed_as_it_grows(void **state)
{
	(void)state;
	struct buf buf;
	buf_init_secret(&buf, BUF_MAX_DEFAULT);
	watching = true;
	for (int i = 0; i < 100; i++)
		assert_int_equal(buf_adds(&buf, KEY), 0);
	assert_int_equal(buf.len, 100 * strlen(KEY));
	assert_memory_equal(buf.data + 99 * strlen(KEY), KEY, strlen(KEY));
	buf_clear(&buf);
	buf_done(&buf);
	watching = false;
	assert_scrubbed();
}

#define WATCHED(name)                                                          \
	cmocka_unit_test_setup_teardown(name, setup_watch, teardown_watch)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    WATCHED(all_that_signing_in_and_renewing_needs_is_scrubbed),
	    WATCHED(words_that_repeat_a_secret_are_scrubbed),
	    WATCHED(a_signed_url_is_scrubbed),
	    WATCHED(memory_of_others_is_scrubbed),
	    WATCHED(a_secret_buffer_is_scrubbed_as_it_grows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
