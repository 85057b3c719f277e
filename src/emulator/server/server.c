#include "emulator/server/server.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "emulator/server/body_reader.h"
#include "emulator/server/client.h"
#include "emulator/server/listen.h"
#include "emulator/service/dispatch.h"

/* Bounds the length of a request line with its headers. */
#define CONNECTION_MEMORY ((size_t)256 << 10)
#define BODY_MAX ((size_t)1 << 20)
/* Larger bodies are read to the end, to be refused politely, up to here. */
#define BODY_DRAIN_MAX ((size_t)64 << 20)
#define STREAM_BLOCK ((uint64_t)1 << 20)
/* Connections beyond those that are allowed: of such as were ended to make room
 * for others, and are not gone yet. */
#define CONNECTIONS_ENDING 64

struct server {
	/* Immutable while serving. */
	struct emulator *emulator;
	const struct server_config *config;
	struct MHD_Daemon *daemon;
	struct clients *clients;
	int listen_fd;
	int stop_fd; /* readable from server_stop on */
};

/* One request on its way; belongs to the connection's thread. */
struct exchange {
	struct request *request;
	bool collected; /* the first call is over */
	size_t drained; /* bytes of a body that is too large */
};

/* A connection's state. It is counted once, and only when it carries something
 * else than control requests. */
struct line {
	struct client *client; /* NULL: out of memory */
	bool counted;
};

static void *uri_arrived(
    void *ctx, const char *uri, struct MHD_Connection *connection)
{
	(void)ctx;
	(void)connection;
	struct exchange *exchange = calloc(1, sizeof(*exchange));
	if (exchange && request_new(uri, &exchange->request) < 0) {
		free(exchange);
		return NULL;
	}
	return exchange;
}

static int client_fd(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
	    connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	return info ? info->connect_fd : -1;
}

static void connection_changed(void *ctx, struct MHD_Connection *connection,
    void **state, enum MHD_ConnectionNotificationCode code)
{
	struct server *server = ctx;
	struct line *line = *state;
	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		*state = line = calloc(1, sizeof(*line));
		if (line)
			line->client =
			    client_new(server->clients, client_fd(connection));
	} else if (line) {
		client_free(line->client);
		free(line);
		*state = NULL;
	}
}

/* NULL where there was no memory for it. */
static struct line *line_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
	    connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	return info ? info->socket_context : NULL;
}

static void expect_more(struct MHD_Connection *connection)
{
	struct line *line = line_of(connection);
	if (line)
		client_expect(line->client);
}

/* The request is whole. From here on it is us who may take our time, and then
 * the client over each part of the answer. */
static void expect_nothing(
    struct server *server, struct MHD_Connection *connection, bool answering)
{
	struct line *line = line_of(connection);
	if (line)
		client_served(line->client);
	MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT,
	    answering ? (unsigned)server->config->client_timeout_s : 0U);
}

static void count_connection(
    struct server *server, struct MHD_Connection *connection)
{
	struct line *line = line_of(connection);
	if (line && !line->counted) {
		line->counted = true;
		stats_add_connection(server->emulator->stats);
	}
}

/* Who does not say is none of those whom it is about. */
static bool is_for_us(struct server *server, struct MHD_Connection *connection,
    const char *version, const char *host)
{
	struct sockaddr_storage local;
	socklen_t len = sizeof(local);
	if (!host)
		return strcmp(version, "HTTP/1.0") == 0;
	if (getsockname(
		client_fd(connection), (struct sockaddr *)&local, &len) < 0)
		return false;
	return host_is_ours(
	    host, (struct sockaddr *)&local, &server->config->hosts);
}

static void exchange_over(void *ctx, struct MHD_Connection *connection,
    void **state, enum MHD_RequestTerminationCode code)
{
	struct server *server = ctx;
	struct exchange *exchange = *state;
	(void)code;
	if (!exchange)
		return;
	expect_nothing(server, connection, false);
	expect_more(connection);
	dispatch_end(server->emulator, exchange->request);
	request_free(exchange->request);
	free(exchange);
	*state = NULL;
}

static void read_headers(
    struct MHD_Connection *connection, struct request_headers *headers)
{
	const struct {
		const char *name;
		const char **value;
	} wanted[] = {
	    {"Authorization", &headers->authorization},
	    {"X-API-Key", &headers->api_key},
	    {"Range", &headers->range},
	    {"If-Range", &headers->if_range},
	    {"If-Match", &headers->if_match},
	    {"If-None-Match", &headers->if_none_match},
	    {"Host", &headers->host},
	    {"Origin", &headers->origin},
	    {"Access-Control-Request-Private-Network",
		&headers->private_network},
	    {"Accept", &headers->accept},
	    {"X-Forwarded-Proto", &headers->forwarded_proto},
	    {"Content-Type", &headers->content_type},
	    {"Mcp-Session-Id", &headers->mcp_session_id},
	};
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		*wanted[i].value = MHD_lookup_connection_value(
		    connection, MHD_HEADER_KIND, wanted[i].name);
}

/* The headers are there, the body is not. */
static enum MHD_Result begin(struct server *server,
    struct MHD_Connection *connection, struct exchange *exchange,
    const char *method, const char *version)
{
	struct request *request = exchange->request;
	exchange->collected = true;
	strncpy(request->method, method, sizeof(request->method) - 1);
	read_headers(connection, &request->headers);
	request->host_is_ours =
	    is_for_us(server, connection, version, request->headers.host);
	request->origin_is_allowed = request->headers.origin &&
				     origin_is_allowed(request->headers.origin,
					 &server->config->origins);
	expect_more(connection);
	if (dispatch_begin(server->emulator, request) < 0)
		return MHD_NO;
	if (request->kind != ROUTE_CONTROL)
		count_connection(server, connection);
	return MHD_YES;
}

static enum MHD_Result collect(
    struct exchange *exchange, const char *data, size_t *size)
{
	struct request *request = exchange->request;
	bool free_size = request->kind == ROUTE_CONTROL;
	if (!free_size && request->body.len + *size > BODY_MAX)
		request->too_large = true;
	if (request->too_large) {
		exchange->drained += *size;
		if (exchange->drained > BODY_DRAIN_MAX)
			return MHD_NO;
	} else if (buf_add(&request->body, data, *size) < 0) {
		return MHD_NO;
	}
	*size = 0;
	return MHD_YES;
}

static ssize_t stream_next(void *ctx, uint64_t position, char *data, size_t max)
{
	ssize_t n = body_reader_read(ctx, position, data, max);
	return n < 0 ? MHD_CONTENT_READER_END_WITH_ERROR : n;
}

static void stream_over(void *ctx)
{
	body_reader_free(ctx);
}

static struct MHD_Response *respond_stream(struct server *server,
    const struct request *request, struct reply *reply, int fd)
{
	struct body_reader *reader;
	struct MHD_Response *response;
	int64_t rate = reply->has_object ? request->switches.storage_rate : 0;
	uint64_t offset;
	if (body_reader_new(reply, rate, fd, server->stop_fd, &reader) < 0)
		return NULL;
	uint64_t len = body_reader_declared(reader);
	int file = body_reader_take_file(reader, &offset);
	if (file >= 0) {
		response =
		    MHD_create_response_from_fd_at_offset64(len, file, offset);
		if (!response)
			close(file);
		body_reader_free(reader);
		return response;
	}
	uint64_t block = len < STREAM_BLOCK ? len + 1 : STREAM_BLOCK;
	response = MHD_create_response_from_callback(
	    len, block, stream_next, reader, stream_over);
	if (!response)
		body_reader_free(reader);
	return response;
}

static struct MHD_Response *respond(struct server *server,
    const struct request *request, struct reply *reply, int fd)
{
	if (reply->has_object || reply->fault != FAULT_NONE)
		return respond_stream(server, request, reply, fd);
	size_t len = reply->body.len;
	char *body = len > 0 ? buf_steal(&reply->body) : NULL;
	return MHD_create_response_from_buffer(len, body ? body : (void *)"",
	    body ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
}

static enum MHD_Result send_reply(struct server *server,
    struct MHD_Connection *connection, const struct request *request,
    struct reply *reply)
{
	struct MHD_Response *response =
	    respond(server, request, reply, client_fd(connection));
	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, "Content-Type", reply->type);
	if (reply->location.len > 0)
		MHD_add_response_header(
		    response, "Location", buf_str(&reply->location));
	for (int i = 0; i < reply->header_count; i++)
		MHD_add_response_header(
		    response, reply->headers[i].name, reply->headers[i].value);
	expect_nothing(server, connection, true);
	enum MHD_Result result =
	    MHD_queue_response(connection, (unsigned)reply->status, response);
	MHD_destroy_response(response);
	return result;
}

/* No answer: the connection ends with a reset, not in good order. */
static enum MHD_Result send_reset(struct MHD_Connection *connection)
{
	struct linger linger = {.l_onoff = 1, .l_linger = 0};
	setsockopt(client_fd(connection), SOL_SOCKET, SO_LINGER, &linger,
	    sizeof(linger));
	return MHD_NO;
}

/* The request is complete: make the answer, wait as told, send it. */
static enum MHD_Result finish(struct server *server,
    struct MHD_Connection *connection, struct exchange *exchange)
{
	const struct request *request = exchange->request;
	enum MHD_Result result;
	struct reply reply;
	int64_t wait_ms = dispatch_delay_ms(request);
	if (wait_ms > 0 && body_reader_wait(client_fd(connection),
			       server->stop_fd, wait_ms) < 0)
		return MHD_NO;
	reply_init(&reply);
	dispatch_answer(server->emulator, exchange->request, &reply);
	result = reply.fault == FAULT_RESET
		     ? send_reset(connection)
		     : send_reply(server, connection, request, &reply);
	reply_done(&reply);
	return result;
}

static enum MHD_Result request_arrived(void *ctx,
    struct MHD_Connection *connection, const char *url, const char *method,
    const char *version, const char *data, size_t *size, void **state)
{
	struct exchange *exchange = *state;
	(void)url;
	if (!exchange)
		return MHD_NO;
	if (!exchange->collected)
		return begin(ctx, connection, exchange, method, version);
	if (*size > 0)
		return collect(exchange, data, size);
	expect_nothing(ctx, connection, false);
	return finish(ctx, connection, exchange);
}

static struct MHD_Daemon *start_daemon(struct server *server)
{
	return MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD |
				    MHD_USE_THREAD_PER_CONNECTION |
				    MHD_USE_POLL,
	    0, NULL, NULL, request_arrived, server, MHD_OPTION_LISTEN_SOCKET,
	    server->listen_fd, MHD_OPTION_CONNECTION_LIMIT,
	    (unsigned)server->config->connections + CONNECTIONS_ENDING,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY,
	    MHD_OPTION_URI_LOG_CALLBACK, uri_arrived, server,
	    MHD_OPTION_NOTIFY_COMPLETED, exchange_over, server,
	    MHD_OPTION_NOTIFY_CONNECTION, connection_changed, server,
	    MHD_OPTION_END);
}

int server_start(struct emulator *emulator, const struct server_config *config,
    struct server **ret_server)
{
	struct server *server = calloc(1, sizeof(*server));
	if (!server)
		return -ENOMEM;
	*server = (struct server){
	    .emulator = emulator,
	    .config = config,
	    .listen_fd = -1,
	    .stop_fd = -1,
	};
	int r = config->socket;
	if (r < 0)
		r = listen_open(config->address);
	if (r < 0)
		goto fail;
	server->listen_fd = r;
	server->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (server->stop_fd < 0) {
		r = -errno;
		goto fail;
	}
	r = clients_new(config->client_timeout_s * 1000,
	    (size_t)config->connections, &server->clients);
	if (r < 0)
		goto fail;
	server->daemon = start_daemon(server);
	if (!server->daemon) {
		r = -ENOMEM;
		goto fail;
	}
	*ret_server = server;
	return 0;
fail:
	server_stop(server);
	return r;
}

void server_read_address(
    const struct server *server, char out[SERVER_ADDRESS_SIZE])
{
	listen_read_address(server->listen_fd, out, SERVER_ADDRESS_SIZE);
}

void server_stop(struct server *server)
{
	if (!server)
		return;
	if (server->stop_fd >= 0)
		eventfd_write(server->stop_fd, 1);
	if (server->daemon)
		MHD_stop_daemon(server->daemon); /* closes the socket */
	else if (server->listen_fd >= 0)
		close(server->listen_fd);
	clients_free(server->clients);
	if (server->stop_fd >= 0)
		close(server->stop_fd);
	free(server);
}

const char *server_library_version(void)
{
	return MHD_get_version();
}
