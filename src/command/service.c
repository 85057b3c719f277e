#include "command/service.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"

/* One that does not read is given so long, in microseconds. */
#define PATIENCE_US 100000

static int manager = -1; /* connected to it; -1: there is none */

/* A name that begins with @ is an abstract one: its first byte is a NUL. */
void service_reach(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const char *name = getenv("NOTIFY_SOCKET");
	size_t len = name ? strlen(name) : 0;
	if (!len || len >= sizeof(address.sun_path) || !strchr("/@", name[0]))
		return;
	memcpy(address.sun_path, name, len);
	if (name[0] == '@')
		address.sun_path[0] = '\0';
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (manager < 0)
		return;
	if (connect(manager, (const struct sockaddr *)&address,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) <
	    0) {
		close(manager);
		manager = -1;
		return;
	}
	setsockopt(manager, SOL_SOCKET, SO_SNDTIMEO,
	    &(struct timeval){.tv_usec = PATIENCE_US}, sizeof(struct timeval));
}

/* 0 or -errno. */
static int tell(const char *text, int flags)
{
	if (manager < 0)
		return 0;
	return send(manager, text, strlen(text), MSG_NOSIGNAL | flags) < 0
		   ? -errno
		   : 0;
}

int service_is_ready(const char *mountpoint)
{
	CLEANUP_FREE char *text = NULL;
	/* A line is a message of its own. */
	bool plain = !strpbrk(mountpoint, "\r\n");
	if (asprintf(&text, "READY=1\nMAINPID=%d\nSTATUS=Mounted on %s",
		(int)getpid(), plain ? mountpoint : "its place") < 0)
		return -ENOMEM;
	return tell(text, 0);
}

void service_is_ending(void)
{
	tell("STOPPING=1", MSG_DONTWAIT);
}
