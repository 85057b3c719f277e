#include "command/service.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
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

/* How often one who waits for it to read looks whether he still has to, in
 * microseconds. */
#define LOOK_US 100000

static int manager = -1; /* connected to it; -1: there is none */

/* Who waits for it to read; what it is to read. */
static pthread_t teller;
static bool is_telling;
static char *news;
static atomic_bool ending;

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
	    &(struct timeval){.tv_usec = LOOK_US}, sizeof(struct timeval));
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

static void *keep_telling(void *unused)
{
	(void)unused;
	pthread_setname_np(pthread_self(), "service");
	while (!ending && tell(news, 0) == -EAGAIN)
		;
	return NULL;
}

void service_is_ready(const char *mountpoint)
{
	/* A line is a message of its own. */
	bool plain = !strpbrk(mountpoint, "\r\n");
	if (asprintf(&news, "READY=1\nMAINPID=%d\nSTATUS=Mounted on %s",
		(int)getpid(), plain ? mountpoint : "its place") < 0) {
		news = NULL;
		return;
	}
	if (tell(news, MSG_DONTWAIT) == -EAGAIN)
		is_telling =
		    pthread_create(&teller, NULL, keep_telling, NULL) == 0;
}

void service_is_ending(void)
{
	ending = true;
	if (is_telling)
		pthread_join(teller, NULL);
	free(TAKE(news));
	tell("STOPPING=1", MSG_DONTWAIT);
}
