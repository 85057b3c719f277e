#include "emulator/server/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/number.h"

#define BACKLOG 1024
#define PORT_MAX 65535

/* Cut "[host]:port" or "host:port" apart, in place. */
static int split(char *text, char **ret_host, char **ret_port)
{
	static char loopback[] = "127.0.0.1";
	char *colon = strrchr(text, ':');
	*ret_host = text;
	*ret_port = colon ? colon + 1 : text;
	if (!colon) {
		*ret_host = loopback;
		return 0;
	}
	*colon = '\0';
	size_t len = strlen(text);
	/* The one name that needs nobody to be asked. */
	if (strcmp(text, "localhost") == 0)
		*ret_host = loopback;
	if (text[0] != '[')
		return strchr(text, ':') ? -EINVAL : 0;
	if (text[len - 1] != ']')
		return -EINVAL;
	text[len - 1] = '\0';
	*ret_host = text + 1;
	return 0;
}

static int open_address(const struct addrinfo *address)
{
	int one = 1;
	int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, address->ai_addr, address->ai_addrlen) < 0 ||
	    listen(fd, BACKLOG) < 0) {
		int r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

int listen_open(const char *text)
{
	char copy[80], *host, *port;
	int64_t number;
	struct addrinfo *address;
	const struct addrinfo hints = {
	    .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
	    .ai_socktype = SOCK_STREAM,
	};
	if (strlen(text) >= sizeof(copy))
		return -EINVAL;
	strcpy(copy, text);
	/* getaddrinfo takes 65536 for 0. */
	if (split(copy, &host, &port) < 0 || !*host ||
	    number_parse(port, 0, PORT_MAX, &number) < 0 ||
	    getaddrinfo(host, port, &hints, &address) != 0)
		return -EINVAL;
	int fd = open_address(address);
	freeaddrinfo(address);
	return fd;
}

void listen_read_address(int fd, char *out, size_t size)
{
	struct sockaddr_storage address = {0};
	socklen_t len = sizeof(address);
	char host[INET6_ADDRSTRLEN] = "", port[8] = "";
	getsockname(fd, (struct sockaddr *)&address, &len);
	if (address.ss_family == AF_UNIX) {
		snprintf(out, size, "localhost");
		return;
	}
	getnameinfo((struct sockaddr *)&address, len, host, sizeof(host), port,
	    sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV);
	if (strcmp(host, "0.0.0.0") == 0)
		strcpy(host, "127.0.0.1");
	if (strcmp(host, "::") == 0)
		strcpy(host, "::1");
	snprintf(
	    out, size, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
}
