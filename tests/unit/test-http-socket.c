/* The transport where all connections go to one socket, which has lost its
 * name, whatever URLs name and the environment says of proxies. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "http/http.h"

static struct http *http;
static int listener = -1, place = -1;
static char request[4096];
static sem_t over;
static int result;

/* Answers one request, on one connection. */
static void *serve(void *unused)
{
	static const char answer[] =
	    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
	(void)unused;
	size_t len = 0;
	int fd = accept(listener, NULL, NULL);
	while (fd >= 0 && !strstr(request, "\r\n\r\n")) {
		ssize_t n = read(fd, request + len, sizeof(request) - 1 - len);
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	ssize_t n = send(fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL);
	(void)n; /* whoever waits for it will tell */
	close(fd);
	return NULL;
}

static int setup(void **state)
{
	(void)state;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char dir[] = "/tmp/test-http-socket-XXXXXX", path[32];
	if (!mkdtemp(dir))
		return -1;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/s", dir);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(listener, 8) < 0)
		return -1;
	place = open(address.sun_path, O_PATH | O_CLOEXEC);
	unlink(address.sun_path);
	rmdir(dir);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", place);
	sem_init(&over, 0, 0);
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("all_proxy", "http://127.0.0.1:1", 1);
	if (place < 0 || http_curl_new(2, NULL, &http) < 0)
		return -1;
	return http_curl_connect_to(http, path);
}

static int teardown(void **state)
{
	(void)state;
	http_free(http);
	close(place);
	if (listener >= 0)
		close(listener);
	return 0;
}

static int on_head(void *ctx, const struct http_head *head)
{
	(void)ctx;
	assert_int_equal(head->status, 200);
	return 0;
}

static int on_body(void *ctx, const void *data, size_t len)
{
	(void)ctx;
	assert_int_equal(len, 2);
	assert_memory_equal(data, "ok", 2);
	return 0;
}

static void on_done(void *ctx, int err, const char *detail)
{
	(void)ctx, (void)detail;
	result = err;
	sem_post(&over);
}

static void ask(void *ctx)
{
	static const struct http_sink sink = {on_head, on_body, on_done};
	const struct http_request wish = {
	    .method = "GET", .url = "http://127.0.0.1:1/path?query"};
	(void)ctx;
	assert_non_null(http_start(http, &wish, &sink, NULL));
}

static int ask_and_wait(void)
{
	struct http_task task = {.fn = ask};
	http_post(http, &task);
	while (sem_wait(&over) < 0)
		;
	return result;
}

static void all_go_to_the_socket(void **state)
{
	(void)state;
	pthread_t server;
	assert_int_equal(pthread_create(&server, NULL, serve, NULL), 0);
	assert_int_equal(ask_and_wait(), 0);
	pthread_join(server, NULL);
	assert_ptr_equal(
	    strstr(request, "GET /path?query HTTP/1.1\r\n"), request);
	assert_non_null(strstr(request, "\r\nHost: 127.0.0.1:1\r\n"));
}

static void one_that_nobody_listens_at_is_no_connection(void **state)
{
	(void)state;
	close(listener);
	listener = -1;
	assert_int_equal(ask_and_wait(), -ECONNREFUSED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		all_go_to_the_socket, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		one_that_nobody_listens_at_is_no_connection, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
