/* curl cannot take a transfer: that is told, and not before http_start has
 * returned. */
#include "unit.h"

#include <curl/curl.h>
#include <errno.h>
#include <semaphore.h>
#include <time.h>

#include "http/http.h"

static struct http *http;
static sem_t done;
static int result;
static bool starting, told_early;

CURLMcode __wrap_curl_multi_add_handle(CURLM *multi, CURL *easy);

CURLMcode __wrap_curl_multi_add_handle(CURLM *multi, CURL *easy)
{
	(void)multi, (void)easy;
	return CURLM_OUT_OF_MEMORY;
}

static void on_done(void *ctx, int err, const char *detail)
{
	(void)ctx, (void)detail;
	told_early = starting;
	result = err;
	sem_post(&done);
}

static void ask(void *ctx)
{
	static const struct http_sink sink = {.done = on_done};
	struct http_request request = {
	    .method = "GET", .url = "http://127.0.0.1:1/"};
	starting = true;
	assert_non_null(http_start(http, &request, &sink, ctx));
	starting = false;
}

static void a_transfer_that_curl_does_not_take_ends(void **state)
{
	struct http_task task = {.fn = ask};
	struct timespec until;
	(void)state;
	assert_int_equal(http_curl_new(2, NULL, &http), 0);
	sem_init(&done, 0, 0);
	http_post(http, &task);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 10;
	assert_int_equal(sem_timedwait(&done, &until), 0);
	http_free(http);
	assert_int_equal(result, -ENOMEM);
	assert_false(told_early);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_transfer_that_curl_does_not_take_ends),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
