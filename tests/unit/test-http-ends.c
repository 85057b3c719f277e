/* How transfers end, over the real transport: each path of a server in a thread
 * of this test answers in its own way. */
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "http/http.h"

/* Nothing here takes so long, in seconds. */
#define PATIENCE 20

static struct http *http;
static char base[64]; /* the server's URL, without a slash at its end */
static int listener;
static pthread_t server;
static sem_t over;

/* ---- the server ---- */

#define LENGTH "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"
#define X100                                                                   \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"                   \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X1000 X100 X100 X100 X100 X100 X100 X100 X100 X100 X100

/* What is sent to who asks for a path; then the connection is closed. */
static const struct {
	const char *path, *answer;
} answers[] = {
    {"/whole", LENGTH "0123456789"},
    {"/cut", LENGTH "01234"},
    {"/cut-in-head", "HTTP/1.1 200 OK\r\nContent-Le"},
    {"/nothing", ""},
    {"/chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		"5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n"},
    {"/cut-chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		    "5\r\n01234\r\n"},
    {"/closed", "HTTP/1.1 200 OK\r\n\r\n0123456789"},
    {"/garbage", "hello, I am no web server\r\n\r\n"},
    {"/empty", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n"
	       "Retry-After: 7\r\nETag: \"e\"\r\n\r\n"},
    {"/long-line", "HTTP/1.1 200 OK\r\nETag: \"" X1000 X1000 "\"\r\n"
		   "Content-Length: 10\r\n\r\n0123456789"},
    {"/continued", "HTTP/1.1 103 Early Hints\r\nETag: \"hint\"\r\n\r\n" LENGTH
		   "0123456789"},
    {"/moved", "HTTP/1.1 302 Found\r\nLocation: /whole\r\n"
	       "ETag: \"moved\"\r\nContent-Length: 0\r\n\r\n"},
    {"/for-ever", "HTTP/1.1 302 Found\r\nLocation: /for-ever?secret\r\n"
		  "Content-Length: 0\r\n\r\n"},
    {"/posted", "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"},
    {"/far", "HTTP/1.1 302 Found\r\nLocation: ftp://u:p@127.0.0.1/" X1000 X1000
	     "?secret\r\nContent-Length: 0\r\n\r\n"},
};

static const char *answer_to(const char *request)
{
	char method[8], path[64];
	if (sscanf(request, "%7[A-Z] %63[^ ?]", method, path) != 2)
		return "";
	bool posted = strcmp(method, "POST") == 0 &&
		      strstr(request, "Content-Length: 5\r\n") &&
		      strstr(request, "\r\nX-Own: header\r\n");
	if (posted != (strcmp(path, "/posted") == 0))
		return "";
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		if (strcmp(path, answers[i].path) == 0)
			return answers[i].answer;
	}
	return "";
}

/* The head, and of a POST its body: closed with some unread, a connection would
 * be reset. */
static bool is_whole(const char *request)
{
	const char *body = strstr(request, "\r\n\r\n");
	return body && (request[0] != 'P' || strcmp(body + 4, "hello") == 0);
}

static void serve_one(int connection)
{
	char text[4096] = "";
	size_t len = 0;
	while (!is_whole(text)) {
		ssize_t n =
		    read(connection, text + len, sizeof(text) - 1 - len);
		if (n <= 0)
			return;
		len += (size_t)n;
		text[len] = '\0';
	}
	const char *answer = answer_to(text);
	ssize_t n = write(connection, answer, strlen(answer));
	(void)n; /* whoever waits for it will tell */
}

static void *serve(void *unused)
{
	(void)unused;
	int connection;
	while ((connection = accept(listener, NULL, NULL)) >= 0) {
		serve_one(connection);
		close(connection);
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
	    listen(listener, 8) < 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &len) < 0)
		return -1;
	snprintf(
	    base, sizeof(base), "http://127.0.0.1:%d", ntohs(address.sin_port));
	sem_init(&over, 0, 0);
	if (pthread_create(&server, NULL, serve, NULL) != 0)
		return -1;
	return http_curl_new(2, NULL, &http);
}

static int teardown(void **state)
{
	(void)state;
	http_free(http);
	shutdown(listener, SHUT_RDWR);
	pthread_join(server, NULL);
	close(listener);
	return 0;
}

/* ---- the client ---- */

/* A transfer; loop thread only until it is over. */
struct transfer {
	char url[128];
	bool redirects;
	bool post;
	int refuse_head, refuse_body; /* what the sink says */
	bool cancel;		      /* at the head */
	struct http_call *call;
	struct http_head head;
	int heads, ends;
	struct buf body;
	int err;
	char detail[512];
};

static void be_over(void *ctx)
{
	(void)ctx;
	sem_post(&over);
}

static int on_head(void *ctx, const struct http_head *head)
{
	struct transfer *transfer = ctx;
	transfer->heads++;
	transfer->head = *head;
	if (transfer->cancel) {
		http_cancel(http, transfer->call);
		http_timer_start(http, 200, be_over, NULL);
	}
	return transfer->refuse_head;
}

static int on_body(void *ctx, const void *data, size_t len)
{
	struct transfer *transfer = ctx;
	assert_int_equal(transfer->heads, 1);
	assert_int_equal(buf_add(&transfer->body, data, len), 0);
	return transfer->refuse_body;
}

static void on_done(void *ctx, int err, const char *detail)
{
	struct transfer *transfer = ctx;
	transfer->ends++;
	transfer->err = err;
	snprintf(transfer->detail, sizeof(transfer->detail), "%s", detail);
	sem_post(&over);
}

static void begin(void *ctx)
{
	static const struct http_sink sink = {on_head, on_body, on_done};
	struct transfer *transfer = ctx;
	struct http_request request = {.method = "GET",
	    .url = transfer->url,
	    .redirects = transfer->redirects};
	if (transfer->post) {
		static const char *const headers[] = {"X-Own: header", NULL};
		request.method = "POST";
		request.body = "hello";
		request.body_len = 5;
		request.headers = headers;
	}
	transfer->call = http_start(http, &request, &sink, transfer);
	if (!transfer->call)
		sem_post(&over);
}

static void run(struct transfer *transfer, const char *path)
{
	struct timespec until;
	buf_init(&transfer->body, 1 << 20);
	snprintf(transfer->url, sizeof(transfer->url), "%s%s",
	    path[0] == '/' ? base : "", path);
	struct http_task task = {.fn = begin, .ctx = transfer};
	http_post(http, &task);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE;
	assert_int_equal(sem_timedwait(&over, &until), 0);
}

static void assert_ends(const char *path, int err, const char *body)
{
	struct transfer transfer = {0};
	run(&transfer, path);
	if (transfer.err != err)
		fail_msg("%s: %d (%s)", path, transfer.err, transfer.detail);
	assert_int_equal(transfer.ends, 1);
	assert_string_equal(buf_str(&transfer.body), body);
	assert_true((transfer.detail[0] != '\0') == (err != 0));
	buf_done(&transfer.body);
}

static void a_whole_answer_ends_well(void **state)
{
	(void)state;
	assert_ends("/whole", 0, "0123456789");
	assert_ends("/chunks", 0, "0123456789");
	assert_ends("/closed", 0, "0123456789");
	assert_ends("/empty", 0, "");
	assert_ends("/continued", 0, "0123456789");
}

static void an_answer_cut_short_is_a_broken_pipe(void **state)
{
	(void)state;
	assert_ends("/cut", -EPIPE, "01234");
	assert_ends("/cut-chunks", -EPIPE, "01234");
	assert_ends("/cut-in-head", -EPIPE, "");
	assert_ends("/nothing", -EPIPE, "");
}

static void what_is_no_http_is_a_protocol_error(void **state)
{
	(void)state;
	assert_ends("/garbage", -EPROTO, "");
}

static void nobody_there_is_a_refused_connection(void **state)
{
	(void)state;
	/* A port of our own that nobody listens on. */
	struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	char url[64];
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	snprintf(
	    url, sizeof(url), "http://127.0.0.1:%d/", ntohs(address.sin_port));
	assert_ends(url, -ECONNREFUSED, "");
	close(fd);
}

static void the_final_head_is_given_once(void **state)
{
	(void)state;
	struct transfer transfer = {0};
	run(&transfer, "/empty");
	assert_int_equal(transfer.heads, 1);
	assert_int_equal(transfer.head.status, 404);
	assert_int_equal(transfer.head.content_length, 0);
	assert_int_equal(transfer.head.retry_after_ms, 7000);
	assert_string_equal(transfer.head.etag, "\"e\"");
	transfer = (struct transfer){0};
	run(&transfer, "/continued");
	assert_int_equal(transfer.heads, 1);
	assert_int_equal(transfer.head.status, 200);
	assert_string_equal(transfer.head.etag, "");
	buf_done(&transfer.body);
	transfer = (struct transfer){.redirects = true};
	run(&transfer, "/moved");
	assert_int_equal(transfer.err, 0);
	assert_int_equal(transfer.heads, 1);
	assert_int_equal(transfer.head.status, 200);
	assert_string_equal(transfer.head.etag, "");
	assert_string_equal(transfer.head.location, "");
	buf_done(&transfer.body);
}

static void a_redirect_is_followed_only_where_that_is_asked_for(void **state)
{
	(void)state;
	struct transfer transfer = {0};
	run(&transfer, "/moved");
	assert_int_equal(transfer.err, 0);
	assert_int_equal(transfer.head.status, 302);
	assert_string_equal(transfer.head.location, "/whole");
	buf_done(&transfer.body);
}

static void a_redirect_that_cannot_be_followed_tells_where_it_led(void **state)
{
	(void)state;
	struct transfer transfer = {.redirects = true};
	run(&transfer, "/for-ever");
	assert_int_equal(transfer.err, -EPROTO);
	assert_int_equal(transfer.heads, 0);
	assert_non_null(strstr(transfer.detail, "it redirects to /for-ever: "));
	assert_null(strstr(transfer.detail, "secret"));
	transfer = (struct transfer){.redirects = true};
	run(&transfer, "/far");
	assert_int_equal(transfer.err, -EPROTO);
	assert_non_null(
	    strstr(transfer.detail, "it redirects to ftp://127.0.0.1/xxx"));
	assert_null(strstr(transfer.detail, "secret"));
}

static void a_post_sends_its_body_and_headers(void **state)
{
	(void)state;
	struct transfer transfer = {.post = true};
	run(&transfer, "/posted");
	assert_int_equal(transfer.err, 0);
	assert_int_equal(transfer.head.status, 201);
}

static void a_long_line_is_passed_over(void **state)
{
	(void)state;
	struct transfer transfer = {0};
	run(&transfer, "/long-line");
	assert_int_equal(transfer.err, 0);
	assert_string_equal(transfer.head.etag, "");
	assert_int_equal(transfer.head.content_length, 10);
	buf_done(&transfer.body);
}

static void what_the_sink_says_ends_the_transfer(void **state)
{
	(void)state;
	struct transfer transfer = {.refuse_head = -ESTALE};
	run(&transfer, "/whole");
	assert_int_equal(transfer.err, -ESTALE);
	assert_int_equal(transfer.body.len, 0);
	transfer = (struct transfer){.refuse_head = -ESTALE};
	run(&transfer, "/empty");
	assert_int_equal(transfer.err, -ESTALE);
	transfer = (struct transfer){.refuse_body = -ENOSPC};
	run(&transfer, "/whole");
	assert_int_equal(transfer.err, -ENOSPC);
	buf_done(&transfer.body);
}

static void a_cancelled_transfer_calls_nothing_any_more(void **state)
{
	(void)state;
	struct transfer transfer = {.cancel = true};
	run(&transfer, "/whole");
	assert_int_equal(transfer.heads, 1);
	assert_int_equal(transfer.ends, 0);
	assert_int_equal(transfer.body.len, 0);
	assert_ends("/whole", 0, "0123456789"); /* and others go on */
}

static void what_is_no_url_for_us_does_not_begin(void **state)
{
	(void)state;
	static const char *const urls[] = {
	    "ftp://127.0.0.1/x", "file:///etc/passwd", "127.0.0.1", "http://"};
	for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
		struct transfer transfer = {0};
		run(&transfer, urls[i]);
		assert_null(transfer.call);
		assert_int_equal(transfer.ends, 0);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_whole_answer_ends_well),
	    TEST(an_answer_cut_short_is_a_broken_pipe),
	    TEST(what_is_no_http_is_a_protocol_error),
	    TEST(nobody_there_is_a_refused_connection),
	    TEST(the_final_head_is_given_once),
	    TEST(a_redirect_is_followed_only_where_that_is_asked_for),
	    TEST(a_redirect_that_cannot_be_followed_tells_where_it_led),
	    TEST(a_post_sends_its_body_and_headers),
	    TEST(a_long_line_is_passed_over),
	    TEST(what_the_sink_says_ends_the_transfer),
	    TEST(a_cancelled_transfer_calls_nothing_any_more),
	    TEST(what_is_no_url_for_us_does_not_begin),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
