/* The real transport, against a server in a thread of this test. */
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "http/http.h"

#define CONNECTIONS 2

/* Nothing here takes so long, in seconds. */
#define PATIENCE 10

static struct http *http;
static char url[64];
static int listener;
static pthread_t server;
static sem_t may_answer; /* the held requests */
static sem_t answered;	 /* they are */
static sem_t asked;	 /* one more request has come to the server */
static sem_t done;	 /* one more answer was taken in */
static int bodies, ends; /* loop thread only, like what follows */
static bool third_left_early;

static bool wait_for(sem_t *what)
{
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE;
	return sem_timedwait(what, &until) == 0;
}

/* ---- the server ---- */

static bool read_request(int connection)
{
	char text[4096];
	size_t len = 0;
	while (len < 4 || memcmp(text + len - 4, "\r\n\r\n", 4) != 0) {
		ssize_t n = read(connection, text + len, sizeof(text) - len);
		if (n <= 0)
			return false;
		len += (size_t)n;
	}
	sem_post(&asked);
	return true;
}

static void answer(int connection)
{
	static const char text[] = "HTTP/1.1 200 OK\r\n"
				   "Content-Length: 5\r\n\r\nhello";
	ssize_t n = write(connection, text, sizeof(text) - 1);
	(void)n; /* whoever waits for it will tell */
}

/* A request on each connection. */
static void read_requests(const struct pollfd *open)
{
	for (size_t i = 0; i < CONNECTIONS; i++)
		read_request(open[i].fd);
}

static void answer_all(const struct pollfd *open)
{
	for (size_t i = 0; i < CONNECTIONS; i++)
		answer(open[i].fd);
}

/* Once to warm up; once answered at the same moment; then whatever comes. */
static void *serve(void *unused)
{
	struct pollfd open[CONNECTIONS];
	(void)unused;
	for (size_t i = 0; i < CONNECTIONS; i++) {
		int fd = accept(listener, NULL, NULL);
		open[i] = (struct pollfd){.fd = fd, .events = POLLIN};
	}
	read_requests(open);
	answer_all(open);
	read_requests(open);
	wait_for(&may_answer);
	answer_all(open);
	sem_post(&answered);
	size_t left = CONNECTIONS;
	while (left && poll(open, CONNECTIONS, PATIENCE * 1000) > 0) {
		for (size_t i = 0; i < CONNECTIONS; i++) {
			if (!open[i].revents)
				continue;
			if (read_request(open[i].fd)) {
				answer(open[i].fd);
				continue;
			}
			close(open[i].fd);
			open[i].fd = -1;
			left--;
		}
	}
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
	    listen(listener, CONNECTIONS) < 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &len) < 0)
		return -1;
	snprintf(
	    url, sizeof(url), "http://127.0.0.1:%d/", ntohs(address.sin_port));
	sem_init(&may_answer, 0, 0);
	sem_init(&answered, 0, 0);
	sem_init(&asked, 0, 0);
	sem_init(&done, 0, 0);
	if (pthread_create(&server, NULL, serve, NULL) != 0)
		return -1;
	return http_curl_new(CONNECTIONS, NULL, &http);
}

static int teardown(void **state)
{
	(void)state;
	http_free(http);
	pthread_join(server, NULL);
	close(listener);
	return 0;
}

/* ---- the client ---- */

static void ask(void *ctx);

/* One task for each time, since one may be posted while another is. */
static void post(void (*fn)(void *ctx))
{
	static struct http_task tasks[8];
	static size_t next;
	struct http_task *task = &tasks[next++];
	*task = (struct http_task){.fn = fn};
	http_post(http, task);
}

static int on_head(void *ctx, const struct http_head *head)
{
	(void)ctx;
	return head->status == 200 ? 0 : -EPROTO;
}

/* The last of the held answers takes as long to take in as the third request
 * needs. */
static int on_body(void *ctx, const void *data, size_t len)
{
	(void)ctx;
	(void)data;
	(void)len;
	if (++bodies == 2 * CONNECTIONS)
		third_left_early = wait_for(&asked);
	return 0;
}

static void on_done(void *ctx, int err, const char *detail)
{
	(void)detail;
	if (++ends == CONNECTIONS + 1)
		ask(ctx);
	if (err == 0)
		sem_post(&done);
}

static void ask(void *ctx)
{
	static const struct http_sink sink = {on_head, on_body, on_done};
	struct http_request request = {.method = "GET", .url = url};
	http_start(http, &request, &sink, ctx);
}

static void ask_all(void)
{
	for (int i = 0; i < CONNECTIONS; i++)
		post(ask);
	for (int i = 0; i < CONNECTIONS; i++)
		assert_true(wait_for(&asked));
}

static void hold_until_both_are_answered(void *ctx)
{
	(void)ctx;
	sem_post(&may_answer);
	wait_for(&answered);
}

/* A listing's pages come in faster so: while one is taken in, the next is under
 * way. */
static void test_a_request_leaves_before_other_answers_are_taken_in(
    void **state)
{
	(void)state;
	/* Connections first: while one is made, curl has more to look after
	 * than what comes. */
	ask_all();
	for (int i = 0; i < CONNECTIONS; i++)
		assert_true(wait_for(&done));
	ask_all();
	post(hold_until_both_are_answered);
	for (int i = 0; i < CONNECTIONS + 1; i++)
		assert_true(wait_for(&done));
	assert_true(third_left_early);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		test_a_request_leaves_before_other_answers_are_taken_in, setup,
		teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
