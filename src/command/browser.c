#include "command/browser.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* All other descriptors close by themselves, and the secrets of the environment
 * were taken out of it at the start. */
static void run(const char *address)
{
	sigset_t none;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	setsid();
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	execlp("xdg-open", "xdg-open", address, (char *)NULL);
	_exit(127);
}

void browser_open(const char *address)
{
	/* One in between, so that nobody has to wait for the browser's end. */
	pid_t pid = fork();
	if (pid == 0) {
		if (fork() == 0)
			run(address);
		_exit(0);
	}
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}
