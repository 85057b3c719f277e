/* Who is about to wait on a semaphore is slow to do so: preloaded. What wakes a
 * thread before it waits is lost on it. The file that LATE_WAIT names appears
 * once the first one is about to. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int sem_wait(sem_t *semaphore)
{
	int (*real)(sem_t *) = (int (*)(sem_t *))dlsym(RTLD_NEXT, "sem_wait");
	const char *told = getenv("LATE_WAIT");
	struct timespec left = {.tv_nsec = 300000000};
	if (told)
		close(open(told, O_CREAT | O_WRONLY, 0600));
	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
	return real(semaphore);
}
