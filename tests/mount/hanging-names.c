/* A name server that does not answer, for names below hang.test: preloaded.
 * The file that HANGING_NAMES names has a byte once one was asked for; it is
 * opened before the program confines itself. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Five seconds a try, two tries, two servers: what glibc does. In seconds. */
#define HANGS_FOR 20

static int told = -1;

static __attribute__((constructor)) void open_told(void)
{
	const char *name = getenv("HANGING_NAMES");
	if (name)
		told = open(name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
}

int getaddrinfo(const char *node, const char *service,
    const struct addrinfo *hints, struct addrinfo **ret)
{
	static int (*real)(const char *, const char *, const struct addrinfo *,
	    struct addrinfo **);
	const char *tail = node ? strstr(node, ".hang.test") : NULL;
	if (tail) {
		if (write(told, "!", 1) == 1)
			sleep(HANGS_FOR);
		return EAI_AGAIN;
	}
	if (!real)
		real = (int (*)(const char *, const char *,
		    const struct addrinfo *,
		    struct addrinfo **))dlsym(RTLD_NEXT, "getaddrinfo");
	return real(node, service, hints, ret);
}
