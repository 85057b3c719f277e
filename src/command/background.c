#include "command/background.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "config/complain.h"

/* Let go of the terminal and of the directory we came from. */
static void go_to_background(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	setsid();
	if (chdir("/") < 0 || null < 0)
		return;
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		dup2(null, fd);
}

static void on_live_in_child(void *ctx)
{
	int *report = ctx;
	unsigned char status = EXIT_MOUNTED;
	prctl(PR_SET_PDEATHSIG, 0);
	go_to_background();
	if (write(*report, &status, 1) < 0)
		log_warn("nobody waits for the mount");
	close(*report);
}

static void on_live_in_foreground(void *ctx)
{
	(void)ctx;
}

/* The child's status: reported when the mount is live, else its exit's. */
static int await_child(pid_t child, int report)
{
	unsigned char status;
	int wait_status;
	ssize_t n;
	do {
		n = read(report, &status, 1);
	} while (n < 0 && errno == EINTR);
	if (n == 1)
		return status;
	while (waitpid(child, &wait_status, 0) < 0) {
		if (errno != EINTR)
			return EXIT_COULD_NOT;
	}
	if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status))
		return WEXITSTATUS(wait_status);
	fputs("bkendfs: ended unexpectedly while starting\n", stderr);
	return EXIT_COULD_NOT;
}

static int serve_in_background(
    struct options *options, background_serve_fn serve)
{
	int fds[2];
	if (pipe2(fds, O_CLOEXEC) < 0) {
		perror("bkendfs");
		return EXIT_COULD_NOT;
	}
	pid_t parent = getpid(), child = fork();
	if (child < 0) {
		perror("bkendfs");
		return EXIT_COULD_NOT;
	}
	if (child == 0) {
		/* Whoever ends the command ends what it has begun. */
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		if (getppid() != parent)
			return EXIT_COULD_NOT;
		close(fds[0]);
		return serve(options, on_live_in_child, &fds[1]);
	}
	close(fds[1]);
	return await_child(child, fds[0]);
}

int background_run(struct options *options, background_serve_fn serve)
{
	return options->foreground ? serve(options, on_live_in_foreground, NULL)
				   : serve_in_background(options, serve);
}
