/* A name server that does not answer, for names below hang.test: preloaded.
 * The file that HANGING_NAMES names tells that one was asked for. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Five seconds a try, two tries, two servers: what glibc does. In seconds. */
#define HANGS_FOR 20

int getaddrinfo(const char *node, const char *service,
    const struct addrinfo *hints, struct addrinfo **ret)
{
	static int (*real)(const char *, const char *, const struct addrinfo *,
	    struct addrinfo **);
	const char *tail = node ? strstr(node, ".hang.test") : NULL;
	if (tail) {
		close(open(getenv("HANGING_NAMES"), O_CREAT | O_WRONLY, 0600));
		sleep(HANGS_FOR);
		return EAI_AGAIN;
	}
	if (!real)
		real = (int (*)(const char *, const char *,
		    const struct addrinfo *,
		    struct addrinfo **))dlsym(RTLD_NEXT, "getaddrinfo");
	return real(node, service, hints, ret);
}
