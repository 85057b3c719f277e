/* The real transport, against a server that takes its time. */
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/timestamp.h"
#include "http/http.h"

/* Nothing here takes so long, in milliseconds. */
#define PATIENCE_MS 15000

/* How the server behaves: one for each test. */
struct manner {
	int first_ms; /* before the first byte; -1: for ever */
	int pause_ms; /* between two pieces */
	int pieces;
	size_t piece;
};

static struct manner manner;
static struct http *http;
static char url[64];
static int listener;
static int stop[2]; /* readable: the server ends */
static pthread_t server;
static sem_t done;
static int result;
static size_t got;
static int64_t silence_ms;

/* ---- the server ---- */

/* False: it is over. */
static bool pause_for(int ms)
{
	struct pollfd pollfd = {.fd = stop[0], .events = POLLIN};
	return poll(&pollfd, 1, ms) == 0;
}

static bool say(int fd, const char *text, size_t len)
{
	return send(fd, text, len, MSG_NOSIGNAL) == (ssize_t)len;
}

static void serve_one(int fd)
{
	char head[128], body[1024] = {0}, request[4096];
	if (read(fd, request, sizeof(request)) <= 0 ||
	    !pause_for(manner.first_ms))
		return;
	int len = snprintf(head, sizeof(head),
	    "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n",
	    manner.piece * (size_t)manner.pieces);
	bool heard = say(fd, head, (size_t)len);
	for (int i = 0; heard && i < manner.pieces; i++)
		heard =
		    say(fd, body, manner.piece) && pause_for(manner.pause_ms);
}

static void *serve(void *unused)
{
	(void)unused;
	int fd = accept(listener, NULL, NULL);
	if (fd < 0)
		return NULL;
	serve_one(fd);
	close(fd);
	return NULL;
}

static int setup(void **state)
{
	(void)state;
	struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(listener, (struct sockaddr *)&address, len) < 0 ||
	    listen(listener, 1) < 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &len) < 0 ||
	    pipe(stop) < 0)
		return -1;
	snprintf(
	    url, sizeof(url), "http://127.0.0.1:%d/", ntohs(address.sin_port));
	sem_init(&done, 0, 0);
	got = 0;
	return http_curl_new(2, NULL, &http);
}

static int teardown(void **state)
{
	(void)state;
	http_free(http);
	close(stop[1]);
	shutdown(listener, SHUT_RDWR);
	pthread_join(server, NULL);
	close(stop[0]);
	close(listener);
	return 0;
}

/* ---- the client ---- */

static int on_head(void *ctx, const struct http_head *head)
{
	(void)ctx;
	return head->status == 200 ? 0 : -EPROTO;
}

static int on_body(void *ctx, const void *data, size_t len)
{
	(void)ctx, (void)data;
	got += len;
	return 0;
}

static void on_done(void *ctx, int err, const char *detail)
{
	(void)ctx, (void)detail;
	result = err;
	sem_post(&done);
}

static void ask(void *ctx)
{
	static const struct http_sink sink = {on_head, on_body, on_done};
	struct http_request request = {
	    .method = "GET", .url = url, .silence_ms = silence_ms};
	http_start(http, &request, &sink, ctx);
}

static void post(void (*fn)(void *ctx))
{
	static struct http_task task;
	task = (struct http_task){.fn = fn};
	http_post(http, &task);
}

/* How long the answer took, in milliseconds. */
static int64_t take(struct manner how, int64_t silent_ms)
{
	struct timespec until;
	int64_t begin = timestamp_mono_ms();
	manner = how;
	silence_ms = silent_ms;
	assert_int_equal(pthread_create(&server, NULL, serve, NULL), 0);
	post(ask);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE_MS / 1000;
	assert_int_equal(sem_timedwait(&done, &until), 0);
	return timestamp_mono_ms() - begin;
}

static void test_a_server_that_never_answers_is_given_up(void **state)
{
	(void)state;
	assert_true(take((struct manner){.first_ms = -1}, 2000) >= 1900);
	assert_int_equal(result, -EPIPE);
}

static void test_so_is_one_that_drips(void **state)
{
	(void)state;
	take(
	    (struct manner){.pause_ms = 100, .pieces = 1000, .piece = 2}, 2000);
	assert_int_equal(result, -EPIPE);
	assert_true(got < 1000);
}

static void test_so_is_one_that_stops(void **state)
{
	(void)state;
	take((struct manner){.pause_ms = -1, .pieces = 2, .piece = 100}, 2000);
	assert_int_equal(result, -EPIPE);
	assert_int_equal(got, 100);
}

static void test_a_late_answer_is_waited_for(void **state)
{
	(void)state;
	int64_t took = take(
	    (struct manner){.first_ms = 3000, .pieces = 1, .piece = 5}, 8000);
	assert_int_equal(result, 0);
	assert_int_equal(got, 5);
	assert_true(took >= 2900);
}

static void test_a_slow_answer_is_waited_for(void **state)
{
	(void)state;
	take(
	    (struct manner){.pause_ms = 100, .pieces = 40, .piece = 100}, 2000);
	assert_int_equal(result, 0);
	assert_int_equal(got, 4000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_a_server_that_never_answers_is_given_up),
	    TEST(test_so_is_one_that_drips),
	    TEST(test_so_is_one_that_stops),
	    TEST(test_a_late_answer_is_waited_for),
	    TEST(test_a_slow_answer_is_waited_for),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
