#include "mcp/loopback.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/lock.h"
#include "base/timestamp.h"
#include "mcp/browser_page.h"

#define CALLBACK "/callback"

/* Whoever holds connections open shall not keep the browser out. */
#define CONNECTIONS_MAX 64
#define CONNECTION_TIMEOUT_S 10
#define CONNECTION_MEMORY ((size_t)64 << 10)

/* A browser waits so long to be told what came of its answer. */
#define VERDICT_PATIENCE_MS 45000

/* And a page is so long on its way at most. */
#define DELIVERY_MS 3000

struct loopback {
	/* Immutable while serving. */
	struct MHD_Daemon *daemon;
	char *state;
	char host[40];
	char uri[64];
	struct lock lock;
	pthread_cond_t news;
	/* Under lock. */
	const char *issuer;   /* NULL: not known */
	bool issuer_required; /* in each answer */
	bool cancelled;
	bool answered;
	struct loopback_answer answer; /* its code: until it is waited for */
	bool concluded;
	bool well;
	char message[600];
	unsigned pages; /* requests that are being answered */
};

/* ---- pages ---- */

static enum MHD_Result reply(struct MHD_Connection *connection, unsigned status,
    const char *title, const char *message)
{
	static const struct {
		const char *name, *value;
	} headers[] = {
	    {"Content-Type", "text/html; charset=utf-8"},
	    {"Content-Security-Policy", BROWSER_PAGE_POLICY},
	    {"X-Content-Type-Options", "nosniff"},
	    {"X-Frame-Options", "DENY"},
	    {"Referrer-Policy", "no-referrer"},
	    {"Cache-Control", "no-store"},
	    {"Connection", "close"},
	};
	CLEANUP_BUF struct buf page;
	buf_init(&page, 65536);
	if (browser_page(&page, title, message) < 0)
		return MHD_NO;
	struct MHD_Response *response = MHD_create_response_from_buffer(
	    page.len, page.data, MHD_RESPMEM_MUST_COPY);
	if (!response)
		return MHD_NO;
	for (size_t i = 0; i < ARRAY_SIZE(headers); i++)
		MHD_add_response_header(
		    response, headers[i].name, headers[i].value);
	enum MHD_Result r = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return r;
}

/* ---- what comes ---- */

/* A parameter; NULL: it is not there, or holds a NUL. */
static const char *parameter(
    struct MHD_Connection *connection, const char *name)
{
	const char *value = NULL;
	size_t len = 0;
	if (MHD_lookup_connection_value_n(connection, MHD_GET_ARGUMENT_KIND,
		name, strlen(name), &value, &len) != MHD_YES ||
	    !value || strlen(value) != len)
		return NULL;
	return value;
}

/* All of both is looked at, however early they differ. */
static bool is_same(const char *a, const char *b)
{
	size_t len = strlen(a);
	unsigned char differ = 0;
	if (strlen(b) != len)
		return false;
	for (size_t i = 0; i < len; i++)
		differ |= (unsigned char)(a[i] ^ b[i]);
	return !differ;
}

static bool is_ours_locked(const struct loopback *loopback, const char *state,
    const char *issuer) REQUIRES(loopback->lock)
{
	if (!state || !is_same(state, loopback->state))
		return false;
	if (!issuer)
		return !loopback->issuer_required;
	return !loopback->issuer || is_same(issuer, loopback->issuer);
}

static void take_locked(struct loopback *loopback, const char *code,
    const char *error, const char *words) REQUIRES(loopback->lock)
{
	struct loopback_answer *answer = &loopback->answer;
	if (code && !error)
		answer->code = strdup(code);
	if (!answer->code)
		snprintf(answer->error, sizeof(answer->error), "%s",
		    error ? error : "no code");
	snprintf(
	    answer->words, sizeof(answer->words), "%s", words ? words : "");
	loopback->answered = true;
	pthread_cond_broadcast(&loopback->news);
}

/* Until it is known what came of the answer. */
static void await_verdict_locked(struct loopback *loopback)
    REQUIRES(loopback->lock)
{
	int64_t until = timestamp_mono_ms() + VERDICT_PATIENCE_MS, left;
	while (!loopback->concluded && !loopback->cancelled &&
	       (left = until - timestamp_mono_ms()) > 0)
		lock_wait_ms(&loopback->lock, &loopback->news, left);
}

static enum MHD_Result on_callback(
    struct loopback *loopback, struct MHD_Connection *connection)
{
	const char *state = parameter(connection, "state");
	const char *code = parameter(connection, "code");
	const char *error = parameter(connection, "error");
	char message[sizeof(loopback->message)];
	lock_acquire(&loopback->lock);
	bool ours =
	    is_ours_locked(loopback, state, parameter(connection, "iss")) &&
	    (code || error);
	/* A page that is loaded again is told the same again. */
	if (ours && !loopback->answered)
		take_locked(loopback, code, error,
		    parameter(connection, "error_description"));
	if (ours)
		await_verdict_locked(loopback);
	bool concluded = loopback->concluded, well = loopback->well;
	strcpy(message, loopback->message);
	lock_release(&loopback->lock);
	if (!ours)
		return reply(connection, MHD_HTTP_BAD_REQUEST,
		    "This is not the login that is waited for",
		    "It was begun elsewhere, or is an old one. Use the address"
		    " that bkendfs has printed last.");
	if (!concluded)
		return reply(connection, MHD_HTTP_OK, "bkendfs has ended",
		    "Look at the terminal for what came of the login.");
	return reply(connection, MHD_HTTP_OK,
	    well ? "Done" : "The login did not come about", message);
}

/* Names of other hosts may lead here, too. */
static bool is_for_us(
    const struct loopback *loopback, struct MHD_Connection *connection)
{
	const char *host = MHD_lookup_connection_value(
	    connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST);
	return host && strcmp(host, loopback->host) == 0;
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection,
    const char *url, const char *method, const char *version, const char *data,
    size_t *size, void **state)
{
	struct loopback *loopback = ctx;
	(void)version;
	(void)data;
	if (!*state) { /* the header is there; the body may come */
		*state = loopback;
		lock_acquire(&loopback->lock);
		loopback->pages++;
		lock_release(&loopback->lock);
		return MHD_YES;
	}
	if (*size) {
		*size = 0;
		return MHD_YES;
	}
	if (!is_for_us(loopback, connection) || strcmp(method, "GET") != 0 ||
	    strcmp(url, CALLBACK) != 0)
		return reply(connection, MHD_HTTP_NOT_FOUND, "Nothing is here",
		    "bkendfs waits here for the end of a login.");
	return on_callback(loopback, connection);
}

static void on_completed(void *ctx, struct MHD_Connection *connection,
    void **state, enum MHD_RequestTerminationCode code)
{
	struct loopback *loopback = ctx;
	(void)connection;
	(void)code;
	if (!*state)
		return;
	lock_acquire(&loopback->lock);
	loopback->pages--;
	pthread_cond_broadcast(&loopback->news);
	lock_release(&loopback->lock);
}

/* ---- its life ---- */

static struct MHD_Daemon *start(struct loopback *loopback)
{
	struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	return MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD |
				    MHD_USE_THREAD_PER_CONNECTION | MHD_USE_ITC,
	    0, NULL, NULL, on_request, loopback, MHD_OPTION_SOCK_ADDR,
	    (struct sockaddr *)&address, MHD_OPTION_CONNECTION_LIMIT,
	    (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
	    (unsigned)CONNECTION_TIMEOUT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
	    CONNECTION_MEMORY, MHD_OPTION_NOTIFY_COMPLETED, on_completed,
	    loopback, MHD_OPTION_END);
}

static int begin(struct loopback *loopback, const char *state)
{
	if (!(loopback->state = strdup(state)))
		return -ENOMEM;
	loopback->daemon = start(loopback);
	const union MHD_DaemonInfo *info =
	    loopback->daemon ? MHD_get_daemon_info(
				   loopback->daemon, MHD_DAEMON_INFO_BIND_PORT)
			     : NULL;
	if (!info || !info->port)
		return -EADDRINUSE;
	snprintf(loopback->host, sizeof(loopback->host), "127.0.0.1:%u",
	    (unsigned)info->port);
	snprintf(loopback->uri, sizeof(loopback->uri), "http://%s" CALLBACK,
	    loopback->host);
	return 0;
}

int loopback_open(const char *state, struct loopback **ret_loopback)
{
	struct loopback *loopback = calloc(1, sizeof(*loopback));
	if (!loopback)
		return -ENOMEM;
	lock_init(&loopback->lock);
	pthread_cond_init(&loopback->news, NULL);
	int r = begin(loopback, state);
	if (r < 0) {
		loopback_close(loopback);
		return r;
	}
	*ret_loopback = loopback;
	return 0;
}

const char *loopback_uri(const struct loopback *loopback)
{
	return loopback->uri;
}

void loopback_expect(
    struct loopback *loopback, const char *issuer, bool required)
{
	lock_acquire(&loopback->lock);
	loopback->issuer = issuer;
	loopback->issuer_required = required;
	lock_release(&loopback->lock);
}

int loopback_wait(struct loopback *loopback, int64_t patience_ms,
    struct loopback_answer *ret_answer)
{
	int64_t until = timestamp_mono_ms() + patience_ms, left = patience_ms;
	lock_acquire(&loopback->lock);
	while (!loopback->answered && !loopback->cancelled &&
	       (left = until - timestamp_mono_ms()) > 0)
		lock_wait_ms(&loopback->lock, &loopback->news, left);
	int r = loopback->cancelled   ? -ECANCELED
		: !loopback->answered ? -ETIMEDOUT
				      : 0;
	if (r == 0) {
		*ret_answer = loopback->answer;
		loopback->answer.code = NULL;
	}
	lock_release(&loopback->lock);
	return r;
}

void loopback_cancel(struct loopback *loopback)
{
	lock_acquire(&loopback->lock);
	loopback->cancelled = true;
	pthread_cond_broadcast(&loopback->news);
	lock_release(&loopback->lock);
}

void loopback_conclude(
    struct loopback *loopback, bool well, const char *message)
{
	lock_acquire(&loopback->lock);
	loopback->concluded = true;
	loopback->well = well;
	snprintf(loopback->message, sizeof(loopback->message), "%s", message);
	pthread_cond_broadcast(&loopback->news);
	lock_release(&loopback->lock);
}

/* Only who waits for a verdict is waited for: others may be strangers. */
static void deliver(struct loopback *loopback)
{
	int64_t until = timestamp_mono_ms() + DELIVERY_MS, left;
	lock_acquire(&loopback->lock);
	while (loopback->answered && loopback->pages && !loopback->cancelled &&
	       (left = until - timestamp_mono_ms()) > 0)
		lock_wait_ms(&loopback->lock, &loopback->news, left);
	loopback->cancelled = true;
	pthread_cond_broadcast(&loopback->news);
	lock_release(&loopback->lock);
}

void loopback_close(struct loopback *loopback)
{
	if (!loopback)
		return;
	deliver(loopback);
	if (loopback->daemon)
		MHD_stop_daemon(loopback->daemon);
	free_secret(loopback->answer.code);
	free(loopback->state);
	pthread_cond_destroy(&loopback->news);
	lock_done(&loopback->lock);
	free(loopback);
}
