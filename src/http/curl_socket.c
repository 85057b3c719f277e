#include "http/curl_socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/http.h"

/* A server may take its time; a peer that is gone is found out by TCP. */
static int on_socket(void *ctx, curl_socket_t fd, curlsocktype purpose)
{
	unsigned gone_ms = HTTP_GONE_MS;
	(void)ctx, (void)purpose;
	setsockopt(
	    fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &gone_ms, sizeof(gone_ms));
	return CURL_SOCKOPT_OK;
}

/* Descriptors may be scarcer than the connections that we are allowed. */
static curl_socket_t open_socket(
    void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct socket_wish *wish = ctx;
	(void)purpose;
	int fd = socket(address->family, address->socktype | SOCK_CLOEXEC,
	    address->protocol);
	if (fd < 0 && (errno == EMFILE || errno == ENFILE)) {
		wish->err = -errno;
		wish->sockets->short_of_them = true;
	}
	if (fd < 0)
		return CURL_SOCKET_BAD;
	wish->err = 0;
	wish->sockets->open++;
	return fd;
}

static int close_socket(void *ctx, curl_socket_t fd)
{
	struct sockets *sockets = ctx;
	sockets->open--;
	return close(fd);
}

void socket_attach(CURL *easy, struct socket_wish *wish)
{
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, wish);
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, wish->sockets);
	curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, on_socket);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, (long)HTTP_GONE_MS / 3000);
	curl_easy_setopt(
	    easy, CURLOPT_TCP_KEEPINTVL, (long)HTTP_GONE_MS / 3000);
}

/* Whole seconds is what curl counts in. */
#define SILENCE_SLACK_MS 1000

void socket_end_if_mute(CURL *easy, int64_t silence_ms)
{
	curl_socket_t fd = CURL_SOCKET_BAD;
	struct tcp_info info = {0};
	socklen_t size = sizeof(info);
	curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &fd);
	if (fd == CURL_SOCKET_BAD ||
	    getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0)
		return;
	if (info.tcpi_last_data_recv + SILENCE_SLACK_MS >= silence_ms)
		shutdown(fd, SHUT_RDWR);
}

void sockets_make_do(struct sockets *sockets, CURLM *multi)
{
	if (!sockets->short_of_them)
		return;
	sockets->short_of_them = false;
	long count = sockets->open > 1 ? (long)sockets->open : 1;
	curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, count);
	curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, count);
}
