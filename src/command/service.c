#include "command/service.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"

/* A name that begins with @ is an abstract one: its first byte is a NUL. */
static void tell(const char *text)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const char *name = getenv("NOTIFY_SOCKET");
	size_t len = name ? strlen(name) : 0;
	if (!len || len >= sizeof(address.sun_path) || !strchr("/@", name[0]))
		return;
	memcpy(address.sun_path, name, len);
	if (name[0] == '@')
		address.sun_path[0] = '\0';
	CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	sendto(fd, text, strlen(text), MSG_NOSIGNAL,
	    (const struct sockaddr *)&address,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
}

void service_is_ready(const char *mountpoint)
{
	CLEANUP_FREE char *text = NULL;
	/* A line is a message of its own. */
	bool plain = !strpbrk(mountpoint, "\r\n");
	if (asprintf(&text, "READY=1\nMAINPID=%d\nSTATUS=Mounted on %s",
		(int)getpid(), plain ? mountpoint : "its place") >= 0)
		tell(text);
}

void service_is_ending(void)
{
	tell("STOPPING=1");
}
